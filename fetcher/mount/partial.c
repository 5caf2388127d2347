// SPDX-License-Identifier: GPL-2.0-or-later
/* Objects that are read before they are whole: OPEN at once, READ waits. */
#include "fetcher/mount/partial.h"

#include <errno.h>
#include <stdlib.h>

#include "cache/base/container_of.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/partial/partial.h"

/* What fails in one place need not fail in another: parts as large as a request. */
#define PART_LEN	131072

/* A READ that waits; begins with the wait, which frees it. */
struct waiting_read {
	struct object_wait wait;
	struct partial_reader reader;
	struct partial_handle *handle;
	size_t size;
	off_t offset;
};

static struct partials *partials_of(const struct fuse_mount *mount)
{
	return fetcher_partials(mount->fetcher);
}

static struct partial_handle *handle_of(uint64_t fh)
{
	return (struct partial_handle *)(uintptr_t)(fh - 1);
}

bool fuse_partial_wanted(const struct fuse_mount *mount,
			 const struct cfs_digest *digest, uint64_t size)
{
	return mount->config.partial_reads && allow_size_known(size) &&
	       partials_readable(partials_of(mount), digest, size);
}

void fuse_partial_open(struct fuse_mount *mount, fuse_req_t req,
		       const struct allow_entry *entry)
{
	struct fuse_file_info fi = { .keep_cache = 1 };
	struct partial_handle *handle;
	int err = partial_open(partials_of(mount), &entry->digest, entry->size,
			       &handle);

	if (err) {
		fuse_reply_err(req, -err);
		return;
	}
	fi.fh = (uintptr_t)handle + 1;
	if (fuse_reply_open(req, &fi) < 0)
		partial_close(handle);
}

static void answer_read(struct object_wait *wait, int err)
{
	struct waiting_read *read =
		container_of(wait, struct waiting_read, wait);

	if (err) {
		((struct fuse_mount *)wait->waits->owner)->stats.failed++;
		fuse_reply_err(wait->req, -err);
		return;
	}
	fuse_reply_file(wait->req, partial_fd(read->handle), read->size,
			read->offset);
}

static uint64_t part_of(off_t offset)
{
	return (uint64_t)offset / PART_LEN + 1;
}

static void bytes_came(struct partial_reader *reader, int err)
{
	struct waiting_read *read =
		container_of(reader, struct waiting_read, reader);

	object_wait_note(read->wait.waits, partial_digest(read->handle),
			 part_of(read->offset), err);
	object_wait_end(&read->wait, err);
}

static void leave(struct object_wait *wait)
{
	struct waiting_read *read =
		container_of(wait, struct waiting_read, wait);

	partial_leave(&read->reader);
}

void fuse_partial_read(fuse_req_t req, size_t size, off_t offset, uint64_t fh)
{
	struct fuse_mount *mount = mount_of(req);
	struct partial_handle *handle = handle_of(fh);
	struct waiting_read *read = calloc(1, sizeof(*read));
	int outcome, err;

	if (!read) {
		fuse_reply_err(req, ENOMEM);
		return;
	}
	read->reader.done = bytes_came;
	read->handle = handle;
	read->size = size;
	read->offset = offset;
	outcome = partial_read(handle, (uint64_t)offset, size, &read->reader);
	err = outcome == PARTIAL_WAIT ?
		      object_wait_failed(&mount->waits, partial_digest(handle),
					 part_of(offset), false) : 0;
	if (err) {
		partial_leave(&read->reader);
		free(read);
		mount->stats.failed++;
		fuse_reply_err(req, -err);
		return;
	}
	if (outcome == PARTIAL_WAIT) {
		object_wait_enter(&mount->waits, &read->wait, req, leave,
				  answer_read);
		object_wait_suspect(&read->wait);
		return;
	}
	free(read);
	if (outcome == 0)
		fuse_reply_file(req, partial_fd(handle), size, offset);
	else
		fuse_reply_err(req, outcome == -ENOSPC ? ENOSPC : EIO);
}

void fuse_partial_close(uint64_t fh)
{
	partial_close(handle_of(fh));
}
