// SPDX-License-Identifier: GPL-2.0-or-later
/* composefs-info ls: the names of an image, and where they lead. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hex.h"
#include "cache/programs/info.h"

struct ls {
	struct info_node_reader *reader;
	struct info_json *entries;	/* NULL: print text */
	bool digests;
};

static const char *type_name(uint32_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFCHR:
		return "character device";
	case S_IFBLK:
		return "block device";
	case S_IFIFO:
		return "fifo";
	default:
		return "socket";
	}
}

/* The log and the store's messages name objects by digest. */
static void print_digest(const struct info_node *node)
{
	char hex[2 * INFO_DIGEST_MAX + 1];

	hex_encode(node->digest, node->digest_len, hex);
	printf("\t@ %s", hex);
}

static void print_text(const struct ls *ls, const struct cfs_walk_entry *entry,
		       const struct info_node *node)
{
	info_escape(entry->path, entry->path_len, INFO_KEEP_SPACE);
	if (entry->again) {
		putchar('\n');		/* another name: just the name */
		return;
	}
	if (S_ISDIR(node->mode)) {
		fputs("/\t", stdout);
	} else if (ls->digests && node->digest) {
		print_digest(node);
	} else if (node->payload) {
		fputs(S_ISLNK(node->mode) ? "\t-> " : "\t@ ", stdout);
		info_escape(node->payload, node->payload_len, 0);
	}
	putchar('\n');
}

static int print_json(struct ls *ls, const struct cfs_walk_entry *entry,
		      const struct info_node *node)
{
	const char *key = S_ISLNK(node->mode) ? "target" : "object";
	char hex[2 * INFO_DIGEST_MAX + 1];
	json_t *object = json_object();
	int err;

	if (!object)
		return -ENOMEM;
	err = info_json_bytes(object, "path", entry->path, entry->path_len);
	if (!err && json_object_set_new(object, "type",
					json_string(type_name(node->mode))))
		err = -ENOMEM;
	if (!err && node->payload)
		err = info_json_bytes(object, key, node->payload,
				      node->payload_len);
	if (!err && node->digest) {
		hex_encode(node->digest, node->digest_len, hex);
		err = json_object_set_new(object, "digest", json_string(hex)) ?
			      -ENOMEM : 0;
	}
	if (err) {
		json_decref(object);
		return err;
	}
	return info_json_add(ls->entries, object);
}

static int visit(void *context, const struct cfs_walk_entry *entry)
{
	struct ls *ls = context;
	struct info_node node;
	int err;

	if (entry->depth == 0)
		return 0;
	err = info_node_read(ls->reader, entry->inode, &node);
	if (err)
		return err;
	if (ls->entries)
		return print_json(ls, entry, &node);
	print_text(ls, entry, &node);
	return 0;
}

static int ls_image(const struct info *info, const char *path,
		    const struct cfs_image *image, struct info_json *entries)
{
	struct ls ls = {
		.reader = info_node_reader_new(image),
		.entries = entries,
		.digests = info->digests,
	};
	int err;

	if (!ls.reader) {
		info_error(path, NULL, -ENOMEM);
		return -ENOMEM;
	}
	err = info_walk(info, path, image, visit, &ls);
	info_node_reader_free(ls.reader);
	return err;
}

int info_ls(const struct info *info)
{
	return info_each_image(info, ls_image);
}
