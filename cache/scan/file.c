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
#include "cache/base/timespec.h"
#include "cache/scan/work.h"
#include "cache/store/publish.h"
#include "cache/verity/hash.h"

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

static int hash_bytes(struct scan_worker *worker, int fd, uint64_t size,
		      bool keep, struct cfs_digest *ret)
{
	uint64_t done = 0;
	int err;

	err = reserve(worker, keep && size > SCAN_READ_SIZE ? size : SCAN_READ_SIZE);
	cfs_verity_hash_reset(worker->hash);
	while (!err && done < size) {
		char *to = worker->bytes + (keep ? done : 0);
		ssize_t n = read_some(fd, to, size - done < SCAN_READ_SIZE ?
						      size - done : SCAN_READ_SIZE);

		if (n < 0)
			return n;
		err = cfs_verity_hash_add(worker->hash, to, n);
		done += n;
		atomic_fetch_add_explicit(&worker->scan->counters->bytes, n,
					  memory_order_relaxed);
	}
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
			   struct cfs_node *node)
{
	int snapshot_fd, err;
	bool keep;

	err = scan_store_snapshot(worker, fd, node->size, &snapshot_fd);
	if (err)
		return err;
	keep = snapshot_fd < 0 && node->size <= worker->scan->keep_max;
	err = hash_bytes(worker, snapshot_fd < 0 ? fd : snapshot_fd, node->size,
			 keep, &node->digest);
	if (err) {
		cfs_object_discard(worker->scan->options->store, snapshot_fd);
		return err;
	}
	return scan_store_object(worker, fd, snapshot_fd, node->size,
				 keep ? worker->bytes : NULL, &node->digest);
}

static int read_object(struct scan_worker *worker, int fd, struct cfs_node *node)
{
	int err = worker->scan->options->store ?
			  read_into_store(worker, fd, node) :
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
	if (err || !node->size)
		return err < 0 ? err : 0;
	err = node->size <= CFS_SCAN_INLINE_MAX ?
		      read_inline(worker, fd, node) :
		      read_object(worker, fd, node);
	if (err)
		return err;
	if (fstat(fd, &after) < 0)
		return -errno;
	return scan_unchanged(&before, &after) ? 0 : -ESTALE;
}
