// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel lists a folder.  Offsets: 0 and 1 are "." and "..", then come the
 * fixed names or the positions of the allow list.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "cache/base/cleanup.h"
#include "fetcher/mount/internal.h"

struct listing {
	fuse_req_t req;
	char *buf;
	size_t size;
	size_t len;
};

/* False if it did not fit any more. */
static bool add(struct listing *listing, const char *name, struct node node,
		off_t next)
{
	bool is_file = node.kind == NODE_OBJECT ||
		       node.kind == NODE_STATUS_JSON ||
		       node.kind == NODE_METRICS;
	struct stat st = {
		.st_ino = node_id(node),
		.st_mode = is_file ? S_IFREG : S_IFDIR,
	};
	size_t left = listing->size - listing->len;
	size_t need = fuse_add_direntry(listing->req,
					listing->buf + listing->len, left,
					name, &st, next);

	if (need > left)
		return false;
	listing->len += need;
	return true;
}

static struct node parent_of(struct node node)
{
	if (node.kind == NODE_RETRY_FOLDER)
		return (struct node){ NODE_RETRY, 0 };
	return (struct node){ NODE_ROOT, 0 };
}

static void list_objects(struct listing *listing, struct fuse_mount *mount,
			 uint8_t first_byte, uint64_t position)
{
	const struct allow_entry *entry;

	while ((entry = allow_list_next(mount->allow, first_byte, &position))) {
		char name[CFS_OBJECT_NAME_LEN + 1];
		struct node node = { NODE_OBJECT,
				     allow_list_entry_node(mount->allow, entry) };

		cfs_object_name_format(&entry->digest, name);
		if (!add(listing, name + 3, node, position + 2))
			return;
	}
}

void fuse_answer_readdir(fuse_req_t req, fuse_ino_t ino, size_t size,
			 off_t offset, struct fuse_file_info *fi)
{
	CLEANUP_FREE char *buf = malloc(size);
	struct listing listing = { .req = req, .buf = buf, .size = size };
	struct node folder = node_of(ino);
	struct node_entry entry;
	bool room = true;

	(void)fi;
	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	if (offset == 0) {
		room = add(&listing, ".", folder, 1);
		offset = 1;
	}
	if (room && offset == 1) {
		room = add(&listing, "..", parent_of(folder), 2);
		offset = 2;
	}
	if (folder.kind == NODE_FOLDER && room) {
		list_objects(&listing, mount_of(req), folder.value, offset - 2);
		room = false;
	}
	while (room && node_entry_at(folder, offset - 2, &entry) == 0) {
		room = add(&listing, entry.name, entry.node, offset + 1);
		offset++;
	}
	fuse_reply_buf(req, buf, listing.len);
}
