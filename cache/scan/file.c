// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A regular file is read once: hashed in pieces that stay in the processor's
 * cache, and kept, up to a limit, for the case that the store lacks it; or, where
 * blocks can be shared, a clone of it is hashed.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/sparse.h"
#include "cache/base/timespec.h"
#include "cache/scan/work.h"
#include "cache/store/publish.h"
#include "cache/verity/hash.h"

static const char made_up[] =
	"its size is not what it holds, as the kernel's own files in /proc and /sys have it: leave that file system out (--one-file-system)";

bool scan_unchanged(const struct stat *before, const struct stat *after)
{
	return before->st_size == after->st_size &&
	       timespec_compare(&before->st_mtim, &after->st_mtim) == 0 &&
	       timespec_compare(&before->st_ctim, &after->st_ctim) == 0;
}

static int reserve(struct scan_worker *worker, size_t size)
{
	if (size > worker->bytes_room) {
		free(worker->bytes);
		worker->bytes_room = 0;
		worker->bytes = malloc(size);
		if (!worker->bytes)
			return -ENOMEM;
		worker->bytes_room = size;
	}
	return 0;
}

/* Return: how many bytes were read; -ESTALE at the end of the file. */
static ssize_t read_some(int fd, void *to, size_t len)
{
	ssize_t n;

	do {
		n = read(fd, to, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n ? n : -ESTALE;
}

static int read_inline(struct scan_worker *worker, int fd,
		       struct cfs_node *node)
{
	uint8_t *content = arena_alloc(&worker->arena, node->size);
	size_t done = 0;

	if (!content)
		return -ENOMEM;
	while (done < node->size) {
		ssize_t n = read_some(fd, content + done, node->size - done);

		if (n < 0)
			return n;
		done += n;
	}
	node->content = content;
	node->content_len = node->size;
	return 0;
}

static int take_bytes(void *context, const void *data, uint64_t len,
		      uint64_t offset)
{
	struct scan_worker *worker = context;

	(void)offset;
	atomic_fetch_add_explicit(&worker->scan->counters->bytes, len,
				  memory_order_relaxed);
	return data ? cfs_verity_hash_add(worker->hash, data, len) :
		      cfs_verity_hash_add_zeros(worker->hash, len);
}

/* Hash all, and keep it as ->bytes of the worker. */
static int hash_and_keep(struct scan_worker *worker, int fd, uint64_t size)
{
	uint64_t done = 0;
	int err = 0;

	while (!err && done < size) {
		char *to = worker->bytes + done;
		ssize_t n = read_some(fd, to, size - done < SCAN_READ_SIZE ?
						      size - done : SCAN_READ_SIZE);

		if (n < 0)
			return n;
		err = take_bytes(worker, to, n, done);
		done += n;
	}
	return err;
}

static int hash_bytes(struct scan_worker *worker, int fd, uint64_t size,
		      bool keep, struct cfs_digest *ret)
{
	uint64_t done = size;
	int err;

	err = reserve(worker, keep && size > SCAN_READ_SIZE ? size : SCAN_READ_SIZE);
	cfs_verity_hash_reset(worker->hash);
	if (!err && keep)
		err = hash_and_keep(worker, fd, size);
	else if (!err)
		err = sparse_read(fd, size, worker->bytes, SCAN_READ_SIZE,
				  take_bytes, worker, &done);
	if (!err && done < size)
		err = -ESTALE;
	return err ? err : cfs_verity_hash_finish(worker->hash, ret);
}

static int set_payload(struct scan_worker *worker, struct cfs_node *node)
{
	char name[CFS_OBJECT_NAME_LEN + 1];

	cfs_object_name_format(&node->digest, name);
	node->payload = arena_copy(&worker->arena, name, CFS_OBJECT_NAME_LEN);
	node->payload_len = CFS_OBJECT_NAME_LEN;
	node->has_digest = true;
	return node->payload ? 0 : -ENOMEM;
}

static int read_into_store(struct scan_worker *worker, int fd,
			   const struct stat *st, struct cfs_node *node)
{
	int snapshot_fd, err;
	bool keep;

	err = scan_store_snapshot(worker, fd, node->size, &snapshot_fd);
	if (err)
		return err;
	/* What is kept has no holes any more. */
	keep = snapshot_fd < 0 && node->size <= worker->scan->keep_max &&
	       !sparse_has_holes(st);
	err = hash_bytes(worker, snapshot_fd < 0 ? fd : snapshot_fd, node->size,
			 keep, &node->digest);
	if (err) {
		cfs_object_discard(worker->scan->options->store, snapshot_fd);
		return err;
	}
	return scan_store_object(worker, fd, snapshot_fd, node->size,
				 keep ? worker->bytes : NULL, &node->digest);
}

static int read_object(struct scan_worker *worker, int fd,
		       const struct stat *st, struct cfs_node *node)
{
	int err = worker->scan->options->store ?
			  read_into_store(worker, fd, st, node) :
			  hash_bytes(worker, fd, node->size, false,
				     &node->digest);

	return err ? err : set_payload(worker, node);
}

/*
 * The xattrs, and whether it is a further name of an inode that has been read.
 * Only xattrs tell an empty file from a whiteout, which is never linked.
 *
 * Return: 0 if the content is left to do, 1 if nothing is, or -errno.
 */
static int scan_inode(struct scan_worker *worker, int fd, const struct stat *st,
		      struct cfs_node *node)
{
	const bool links = worker->scan->options->flags & CFS_SCAN_HARD_LINKS &&
			   st->st_nlink > 1;
	int err = 0;

	if (links && node->size)
		err = scan_link_seen(worker, node, st);
	if (!err)
		err = scan_xattrs(worker, fd, NULL, node);
	if (!err && links && !node->size && !cfs_node_deletes(node))
		err = scan_link_seen(worker, node, st);
	return err;
}

/* Does it say that it is empty, as those of procfs do, although it is not? */
static int check_empty(struct scan_worker *worker, int fd,
		       const struct cfs_node *node)
{
	char byte;
	ssize_t n;

	do {
		n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return n ? scan_fail_why(worker, node, -EINVAL, made_up) : 0;
}

/* A file whose size is not what it has: does the kernel make it up, or was it cut? */
static int tell_short(struct scan_worker *worker, int fd, const struct stat *st,
		      const struct cfs_node *node)
{
	struct stat now;

	if (fstat(fd, &now) < 0)
		return -errno;
	return now.st_size == st->st_size && !st->st_blocks ?
		       scan_fail_why(worker, node, -EINVAL, made_up) : -ESTALE;
}

int scan_file(struct scan_worker *worker, const struct scan_dir *dir,
	      struct cfs_node *node)
{
	CLEANUP_CLOSE int fd = openat(dir->fd, node->name,
				      O_RDONLY | O_NOFOLLOW | O_NONBLOCK |
				      O_NOCTTY | O_CLOEXEC);
	struct cfs_scan_counters *counters = worker->scan->counters;
	struct stat before, after;
	int err;

	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? -ESTALE : -errno;
	if (fstat(fd, &before) < 0)
		return -errno;
	if (!S_ISREG(before.st_mode))
		return -ESTALE;
	atomic_fetch_add_explicit(&counters->files, 1, memory_order_relaxed);
	scan_set_inode(worker->scan, node, &before);
	node->size = before.st_size;
	err = scan_inode(worker, fd, &before, node);
	if (err)
		return err < 0 ? err : 0;
	if (!node->size)
		return check_empty(worker, fd, node);
	err = node->size <= CFS_SCAN_INLINE_MAX ?
		      read_inline(worker, fd, node) :
		      read_object(worker, fd, &before, node);
	if (err == -ESTALE)
		return tell_short(worker, fd, &before, node);
	if (err)
		return err;
	if (fstat(fd, &after) < 0)
		return -errno;
	return scan_unchanged(&before, &after) ? 0 : -ESTALE;
}
