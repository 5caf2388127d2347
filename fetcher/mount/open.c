// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel opens an object: wait until the store has it.
 *
 * composefs.ko drops the file and opens the store's own.  Whoever does read
 * through FUSE is given the bytes of the store's file, page-cached for as long as
 * the kernel likes.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/hex.h"
#include "cache/store/store.h"
#include "fetcher/mount/internal.h"
#include "fetcher/mount/partial.h"

/* An open status file: its content as of open(). */
struct snapshot {
	char *text;
	size_t len;
};

static void open_snapshot(fuse_req_t req, struct fuse_file_info *fi,
			  enum fuse_mount_text which)
{
	const struct fuse_mount_config *config = &mount_of(req)->config;
	struct snapshot *snapshot = calloc(1, sizeof(*snapshot));
	int err;

	if (!snapshot) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	err = config->text(config->context, which, &snapshot->text,
			   &snapshot->len);
	if (err) {
		free(snapshot);
		fuse_reply_err(req, -err);
		return;
	}
	fi->fh = (uintptr_t)snapshot;
	fi->direct_io = 1;		/* its size is not known beforehand */
	if (fuse_reply_open(req, fi) < 0) {
		free(snapshot->text);
		free(snapshot);
	}
}

/*
 * The store had the object a moment ago: reply.  If it was collected since, to keep
 * a quota, wait for it and call @collected; NULL: it went too often.
 */
static void open_object(struct fuse_mount *mount, fuse_req_t req,
			const struct cfs_digest *digest,
			object_wait_fn collected)
{
	struct allow_entry *entry = allow_list_find(mount->allow, digest);
	struct fuse_file_info fi = { .keep_cache = 1 };
	CLEANUP_CLOSE int fd = -1;
	struct stat st;
	int err = cfs_store_get(mount->store, digest, &fd);

	if (err == CFS_STORE_MISS && collected) {
		err = object_wait_start(&mount->waits, req, digest,
					entry ? entry->size : ALLOW_SIZE_UNKNOWN,
					collected);
		if (err) {
			mount->stats.failed++;
			fuse_reply_err(req, -err);
		}
		return;
	}
	if (err == 0 && entry &&
	    (!allow_size_known(entry->size) || entry->doubted)) {
		/* The kernel thinks that it is empty, or remembers another size. */
		fi.direct_io = 1;
		if (!entry->images && fstat(fd, &st) == 0)
			allow_list_settle(mount->allow, entry, st.st_size);
	}
	if (err) {
		mount->stats.failed++;
		if (err == CFS_STORE_MISS)
			err = -ENOSPC;
		else if (err != -EMFILE && err != -ENFILE)
			err = -EIO;
		fuse_reply_err(req, -err);
		return;
	}
	fi.fh = (uint64_t)fd << 1;	/* see partial.h */
	if (fuse_reply_open(req, &fi) == 0)
		take_fd(&fd);
}

static void open_waited_again(struct object_wait *wait, int err);

static void open_fetched(struct object_wait *wait, int err,
			 object_wait_fn collected)
{
	struct fuse_mount *mount = wait->waits->owner;
	uint64_t size = fuse_object_other_size(mount, wait, err);

	if (size != wait->size &&
	    object_wait_start(&mount->waits, wait->req, &wait->digest, size,
			      collected ? collected : open_waited_again) == 0)
		return;
	if (err) {
		mount->stats.failed++;
		fuse_reply_err(wait->req, -err);
		return;
	}
	fuse_object_fetched(mount, &wait->digest);
	open_object(mount, wait->req, &wait->digest, collected);
}

static void open_waited_again(struct object_wait *wait, int err)
{
	open_fetched(wait, err, NULL);
}

static void open_waited(struct object_wait *wait, int err)
{
	open_fetched(wait, err, open_waited_again);
}

static void open_node(fuse_req_t req, struct node node)
{
	struct fuse_mount *mount = mount_of(req);
	struct allow_entry *entry =
		allow_list_find_node(mount->allow, node.value);
	struct cfs_digest digest;
	int err;

	if (!entry || !(entry->images || mount->config.any)) {
		/* It was allowed when its node was given out. */
		fuse_reply_err(req, EIO);
		return;
	}
	mount->stats.opens++;
	digest = entry->digest;
	err = fuse_object_check(mount, &digest, &entry);
	if (err == 0) {
		mount->stats.hits++;
		open_object(mount, req, &digest, open_waited);
		return;
	}
	if (err == FUSE_OBJECT_MISS &&
	    fuse_partial_wanted(mount, &digest, entry->size)) {
		fuse_partial_open(mount, req, entry);
		return;
	}
	if (err == FUSE_OBJECT_MISS)
		err = object_wait_failed(&mount->waits, &digest, 0, false);
	if (err == 0)
		err = object_wait_start(&mount->waits, req, &digest,
					entry->size, open_waited);
	if (err) {
		mount->stats.failed++;
		fuse_reply_err(req, -err);
	}
}

static void refuse_node(fuse_req_t req, struct node node)
{
	uint64_t start = node.value << 2;
	uint8_t bytes[8];
	char hex[2 * sizeof(bytes) + 4];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = start >> (56 - 8 * i);
	hex_encode(bytes, sizeof(bytes), hex);
	/* The last digit lacks two bits that a node id has no room for. */
	strcpy(hex + 15, "...");
	fuse_object_refused(mount_of(req), hex);
	fuse_reply_err(req, EIO);
}

void fuse_answer_open(fuse_req_t req, fuse_ino_t ino,
		      struct fuse_file_info *fi)
{
	struct node node = node_of(ino);

	if ((fi->flags & O_ACCMODE) != O_RDONLY) {
		fuse_reply_err(req, EROFS);
		return;
	}
	switch (node.kind) {
	case NODE_OBJECT:
		open_node(req, node);
		return;
	case NODE_REFUSED:
		refuse_node(req, node);
		return;
	case NODE_STATUS_JSON:
		open_snapshot(req, fi, FUSE_MOUNT_STATUS_JSON);
		return;
	case NODE_METRICS:
		open_snapshot(req, fi, FUSE_MOUNT_METRICS);
		return;
	case NODE_ROOT:
	case NODE_STATUS_FOLDER:
	case NODE_RETRY:
	case NODE_FOLDER:
	case NODE_RETRY_FOLDER:
		fuse_reply_err(req, EISDIR);
		return;
	case NODE_NONE:
	case NODE_RETRY_OBJECT:
		break;
	}
	fuse_reply_err(req, ESTALE);
}

static bool is_snapshot(fuse_ino_t ino)
{
	enum node_kind kind = node_of(ino).kind;

	return kind == NODE_STATUS_JSON || kind == NODE_METRICS;
}

static void read_snapshot(fuse_req_t req, const struct snapshot *snapshot,
			  size_t size, off_t offset)
{
	size_t left;

	if (offset < 0 || (size_t)offset >= snapshot->len) {
		fuse_reply_buf(req, NULL, 0);
		return;
	}
	left = snapshot->len - offset;
	fuse_reply_buf(req, snapshot->text + offset, size < left ? size : left);
}

void fuse_reply_file(fuse_req_t req, int fd, size_t size, off_t offset)
{
	CLEANUP_FREE char *buf = malloc(size);
	size_t len = 0;

	if (!buf) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	while (len < size) {
		ssize_t n = pread(fd, buf + len, size - len, offset + len);

		if (n < 0) {
			fuse_reply_err(req, errno);
			return;
		}
		if (n == 0)
			break;
		len += n;
	}
	mount_of(req)->stats.read_bytes += len;
	fuse_reply_buf(req, buf, len);
}

void fuse_answer_read(fuse_req_t req, fuse_ino_t ino, size_t size,
		      off_t offset, struct fuse_file_info *fi)
{
	if (is_snapshot(ino))
		read_snapshot(req, (struct snapshot *)(uintptr_t)fi->fh, size,
			      offset);
	else if (fuse_partial_is(fi->fh))
		fuse_partial_read(req, size, offset, fi->fh);
	else
		fuse_reply_file(req, (int)(fi->fh >> 1), size, offset);
}

void fuse_answer_release(fuse_req_t req, fuse_ino_t ino,
			 struct fuse_file_info *fi)
{
	if (is_snapshot(ino)) {
		struct snapshot *snapshot = (struct snapshot *)(uintptr_t)fi->fh;

		free(snapshot->text);
		free(snapshot);
	} else if (fuse_partial_is(fi->fh)) {
		fuse_partial_close(fi->fh);
	} else {
		close((int)(fi->fh >> 1));
	}
	fuse_reply_err(req, 0);
}
