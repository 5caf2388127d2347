// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A dump may be anything; what is accepted is written, and our own reader must find
 * the image sound.  Only one thing that a dump can say has no sound image, and is
 * written all the same because the existing tools do: paths of objects that leave
 * the basedir or that no file system can have.
 */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/errmsg.h"
#include "cache/build/dump_parse.h"
#include "cache/image/check.h"
#include "cache/build/tree.h"
#include "cache/build/write.h"
#include "kmod/cfs_image.h"

#define REQUIRE(e)	do { if (!(e)) abort(); } while (0)

struct output {
	struct cfs_source source;
	uint8_t *bytes;
	size_t room;
};

static int append(void *context, const void *data, size_t len)
{
	struct output *output = context;

	if (output->source.size + len > output->room) {
		output->room = 2 * (output->source.size + len);
		output->bytes = realloc(output->bytes, output->room);
		REQUIRE(output->bytes);
	}
	memcpy(output->bytes + output->source.size, data, len);
	output->source.size += len;
	return 0;
}

static int read_output(const struct cfs_source *source, u64 offset, void *buf,
		       size_t len)
{
	const struct output *output = (const struct output *)source;

	REQUIRE(offset <= source->size && len <= source->size - offset);
	memcpy(buf, output->bytes + offset, len);
	return 0;
}

static bool is_sound_path(const char *path, size_t len)
{
	while (len) {
		const char *slash = memchr(path, '/', len);
		size_t name = slash ? (size_t)(slash - path) : len;

		if (name == 0 || name > CFS_NAME_MAX ||
		    (path[0] == '.' &&
		     (name == 1 || (name == 2 && path[1] == '.'))))
			return false;
		if (slash && name + 1 == len)
			return false;
		path += slash ? name + 1 : name;
		len -= slash ? name + 1 : name;
	}
	return true;
}

/* Walks without recursion, as the fuzzer makes deep trees too. */
static bool is_sound(const struct cfs_node *root)
{
	const struct cfs_node *node = root;
	uint32_t i = 0;

	for (;;) {
		while (i == node->n_children) {
			const struct cfs_node *parent = node->parent;

			if (!parent)
				return true;
			for (i = 0; parent->children[i] != node; i++)
				;
			i++;
			node = parent;
		}
		node = node->children[i];
		i = 0;
		if (node->link_to || !S_ISREG(node->mode))
			continue;
		if (node->payload &&
		    !is_sound_path(node->payload, node->payload_len))
			return false;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct output output = { .source.read = read_output };
	struct cfs_tree tree = { 0 };
	struct errmsg msg = { "" };
	struct cfs_image image;
	uint8_t choice;
	bool sound;
	int err;

	/* The last byte chooses, so that a dump is a seed as it is. */
	if (!size)
		return 0;
	choice = data[--size];
	err = cfs_dump_parse((const char *)data, size,
			     choice & 1 ? CFS_DUMP_STRICT : 0, &tree, &msg);
	if (err) {
		REQUIRE(err == -EINVAL && msg.text[0]);
		cfs_tree_release(&tree);
		return 0;
	}
	sound = is_sound(tree.root);
	err = cfs_image_write(&tree, choice >> 1 & 1, choice >> 2 & 1, append,
			      &output, &msg);
	cfs_tree_release(&tree);
	REQUIRE(err == 0 || err == -EFBIG);
	if (err == 0) {
		REQUIRE(output.source.size % CFS_BLOCK_SIZE == 0);
		REQUIRE(cfs_image_open(&image, &output.source) == 0);
		err = cfs_image_check(&image, NULL);
		REQUIRE(err == 0 || !sound);
	}
	free(output.bytes);
	return 0;
}
