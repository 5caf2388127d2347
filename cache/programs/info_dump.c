// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * composefs-info dump: an image as text that mkcomposefs --from-file reads,
 * composefs-dump(5).
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hex.h"
#include "cache/verity/digest.h"
#include "cache/programs/info.h"

struct dump {
	struct info_node_reader *reader;
	struct info_links *links;
	struct info_json *entries;	/* NULL: print text */
};

static void print_optional(const void *bytes, size_t len)
{
	if (bytes)
		info_escape(bytes, len, INFO_ESCAPE_LONE_DASH);
	else
		putchar('-');
}

/* @link: path of the same inode that was printed before; NULL if there is none */
static void print_text(const struct cfs_walk_entry *entry,
		       const struct info_node *node, const char *link)
{
	const struct cfs_inode *inode = entry->inode;
	char digest[2 * INFO_DIGEST_MAX + 1] = "-";

	info_escape(entry->path, entry->path_len, 0);
	printf(" %" PRIu64 " %s%o %u %u %u %u %" PRId64 ".%u ", node->size,
	       link ? "@" : "", node->mode, inode->nlink, inode->uid,
	       inode->gid, inode->rdev, inode->mtime_sec, inode->mtime_nsec);
	if (link)
		print_optional(link, strlen(link));
	else
		print_optional(node->payload, node->payload_len);
	putchar(' ');
	print_optional(node->content, (size_t)node->size);
	if (node->digest)
		hex_encode(node->digest, node->digest_len, digest);
	printf(" %s", digest);
	for (size_t i = 0; i < node->n_xattrs; i++) {
		const struct info_xattr *xattr = &node->xattrs[i];

		putchar(' ');
		info_escape(xattr->name, xattr->name_len, INFO_ESCAPE_EQUAL);
		putchar('=');
		info_escape((const char *)xattr->value, xattr->value_len,
			    INFO_ESCAPE_EQUAL);
	}
	putchar('\n');
}

static json_t *json_xattrs(const struct info_node *node)
{
	json_t *array = json_array();

	for (size_t i = 0; array && i < node->n_xattrs; i++) {
		const struct info_xattr *xattr = &node->xattrs[i];
		json_t *object = json_object();

		if (!object ||
		    info_json_bytes(object, "key", xattr->name,
				    xattr->name_len) ||
		    info_json_bytes(object, "value", xattr->value,
				    xattr->value_len) ||
		    json_array_append(array, object)) {
			json_decref(array);
			array = NULL;
		}
		json_decref(object);
	}
	return array;
}

static int set_numbers(json_t *object, const struct info_node *node)
{
	const struct cfs_inode *inode = node->inode;
	char mode[16];

	snprintf(mode, sizeof(mode), "%o", node->mode);
	if (json_object_set_new(object, "size",
				json_integer((json_int_t)node->size)) ||
	    json_object_set_new(object, "mode", json_string(mode)) ||
	    json_object_set_new(object, "nlink", json_integer(inode->nlink)) ||
	    json_object_set_new(object, "uid", json_integer(inode->uid)) ||
	    json_object_set_new(object, "gid", json_integer(inode->gid)) ||
	    json_object_set_new(object, "rdev", json_integer(inode->rdev)) ||
	    json_object_set_new(object, "mtime",
				json_integer(inode->mtime_sec)) ||
	    json_object_set_new(object, "mtime_nsec",
				json_integer(inode->mtime_nsec)))
		return -ENOMEM;
	return 0;
}

static int set_content(json_t *object, const struct info_node *node)
{
	const char *key = S_ISLNK(node->mode) ? "target" : "object";
	char digest[2 * INFO_DIGEST_MAX + 1];

	if (node->payload &&
	    info_json_bytes(object, key, node->payload, node->payload_len))
		return -ENOMEM;
	if (node->content && info_json_bytes(object, "content", node->content,
					     (size_t)node->size))
		return -ENOMEM;
	if (!node->digest)
		return 0;
	hex_encode(node->digest, node->digest_len, digest);
	return json_object_set_new(object, "digest", json_string(digest)) ?
		       -ENOMEM : 0;
}

static int print_json(struct dump *dump, const struct cfs_walk_entry *entry,
		      const struct info_node *node, const char *link)
{
	json_t *object = json_object();

	if (!object ||
	    info_json_bytes(object, "path", entry->path, entry->path_len) ||
	    (link && info_json_bytes(object, "hardlink", link, strlen(link))) ||
	    set_numbers(object, node) || set_content(object, node) ||
	    json_object_set_new(object, "xattrs", json_xattrs(node))) {
		json_decref(object);
		return -ENOMEM;
	}
	return info_json_add(dump->entries, object);
}

static int visit(void *context, const struct cfs_walk_entry *entry)
{
	struct dump *dump = context;
	const char *link = NULL;
	struct info_node node;
	int err;

	if (entry->again) {
		link = info_links_path(dump->links, entry->inode->nid);
		if (!link)
			return -EIO;	/* the image changed meanwhile */
	} else {
		err = info_links_remember(dump->links, entry);
		if (err)
			return err;
	}
	err = info_node_read(dump->reader, entry->inode, &node);
	if (err)
		return err;
	if (dump->entries)
		return print_json(dump, entry, &node, link);
	print_text(entry, &node, link);
	return 0;
}

static int dump_image(const struct info *info, const char *path,
		      const struct cfs_image *image, struct info_json *entries)
{
	struct dump dump = { .entries = entries };
	int err = info_links_find(info, path, image, &dump.links);

	if (err)
		return err;
	dump.reader = info_node_reader_new(image);
	if (!dump.reader) {
		err = -ENOMEM;
		info_error(path, NULL, err);
	} else {
		err = info_walk(info, path, image, visit, &dump);
	}
	info_node_reader_free(dump.reader);
	info_links_free(dump.links);
	return err;
}

int info_dump(const struct info *info)
{
	return info_each_image(info, dump_image);
}
