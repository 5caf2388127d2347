// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Objects on their way into the store:
 *
 *	claim --> check --> stage, fill --> [batch full] sync --> publish
 *	  |         |
 *	  |         +-- the store has it: done
 *	  +-- another file has the same bytes: done
 *
 * A file without fs-verity must be on the disk before it gets its name.  One
 * flush for hundreds of files costs about as much as one for a single file, so
 * they are published in batches, one per worker: others work while it waits.
 */
#include <errno.h>
#include <linux/fs.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cache/base/failpoint.h"
#include "cache/base/full_io.h"
#include "cache/store/publish.h"
#include "cache/scan/work.h"
#include "cache/store/store.h"
#include "cache/verity/hash.h"

/* A batch is published early if so many bytes wait for the disk. */
#define BATCH_BYTES	((uint64_t)256 << 20)

static bool digest_equal(const void *item, const void *key)
{
	return cfs_digest_equal(item, key);
}

/* Return: 0 if the caller sees to this object, 1 if another has; or -ENOMEM. */
static int claim(struct scan_worker *worker, const struct cfs_digest *digest)
{
	struct scan *scan = worker->scan;
	uint64_t hash;
	int err;

	memcpy(&hash, digest->bytes, sizeof(hash));
	pthread_mutex_lock(&scan->lock);
	err = !!hash_set_find(&scan->claims, hash, digest_equal, digest);
	if (!err) {
		struct cfs_digest *copy =
			arena_alloc(&worker->arena, sizeof(*copy));

		if (copy)
			*copy = *digest;
		err = copy ? hash_set_add(&scan->claims, hash, copy) : -ENOMEM;
	}
	pthread_mutex_unlock(&scan->lock);
	return err;
}

/*
 * Read the file again, since it was too large to be kept.  It is hashed again
 * too: what is staged must be what its digest says.
 */
static int copy_again(struct scan_worker *worker, int fd, int to_fd,
		      uint64_t size, const struct cfs_digest *digest)
{
	struct cfs_digest found;
	uint64_t done = 0;
	int err;

	cfs_verity_hash_reset(worker->hash);
	while (done < size) {
		size_t len = size - done < SCAN_READ_SIZE ? size - done : SCAN_READ_SIZE;
		ssize_t n = pread(fd, worker->bytes, len, done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -ESTALE;
		err = cfs_verity_hash_add(worker->hash, worker->bytes, n);
		if (err)
			return err;
		err = full_write(to_fd, worker->bytes, n);
		if (err)
			return scan_fail_store(worker, err);
		done += n;
	}
	err = cfs_verity_hash_finish(worker->hash, &found);
	if (err)
		return err;
	return cfs_digest_equal(&found, digest) ? 0 : -ESTALE;
}

static int fill(struct scan_worker *worker, int fd, int to_fd,
		const struct stat *before, const char *bytes,
		const struct cfs_digest *digest)
{
	struct scan *scan = worker->scan;
	struct stat after;
	int err;

	/* A clone shares the disk's blocks, and so nearly costs nothing. */
	if (!atomic_load_explicit(&scan->no_reflink, memory_order_relaxed)) {
		if (ioctl(to_fd, FICLONE, fd) == 0) {
			if (fstat(fd, &after) < 0)
				return -errno;
			return scan_unchanged(before, &after) ? 0 : -ESTALE;
		}
		if (errno == EOPNOTSUPP || errno == EXDEV || errno == ENOTTY)
			atomic_store(&scan->no_reflink, true);
	}
	if (!bytes)
		return copy_again(worker, fd, to_fd, before->st_size, digest);
	err = full_write(to_fd, bytes, before->st_size);
	return err ? scan_fail_store(worker, err) : 0;
}

int scan_store_flush(struct scan_worker *worker)
{
	struct cfs_store *store = worker->scan->options->store;
	struct scan_batch *batch = &worker->batch;
	int err = 0;

	if (!batch->n)
		return 0;
	err = cfs_store_sync(store);
	while (!err && batch->n) {
		err = FAILPOINT("batch.publish");
		if (err)
			break;
		batch->n--;
		err = cfs_object_publish_synced(store, batch->fds[batch->n],
						&batch->digests[batch->n]);
		if (err > 0)		/* somebody else was faster */
			err = 0;
	}
	batch->bytes = 0;
	if (err) {
		scan_fail_store(worker, err);
		scan_store_discard(worker);
	}
	return err;
}

void scan_store_discard(struct scan_worker *worker)
{
	struct scan_batch *batch = &worker->batch;

	while (batch->n)
		cfs_object_discard(worker->scan->options->store,
				   batch->fds[--batch->n]);
}

int scan_store_object(struct scan_worker *worker, int fd,
		      const struct stat *before, const char *bytes,
		      const struct cfs_digest *digest)
{
	struct scan *scan = worker->scan;
	struct cfs_store *store = scan->options->store;
	struct scan_batch *batch = &worker->batch;
	const uint64_t size = before->st_size;
	int staged_fd = -1, err;

	err = claim(worker, digest);
	if (err)
		return err < 0 ? err : 0;
	atomic_fetch_add(&scan->counters->objects, 1);
	atomic_fetch_add(&scan->counters->object_bytes, size);
	err = cfs_store_check(store, digest, size);
	if (err == 0)
		return 0;
	if (err > 0)			/* missing or damaged */
		err = cfs_object_stage(store, size, &staged_fd);
	if (err < 0)
		return scan_fail_store(worker, err);
	err = fill(worker, fd, staged_fd, before, bytes, digest);
	if (err) {
		cfs_object_discard(store, staged_fd);
		return err;
	}
	atomic_fetch_add(&scan->counters->new_objects, 1);
	atomic_fetch_add(&scan->counters->new_bytes, size);
	batch->fds[batch->n] = staged_fd;
	batch->digests[batch->n++] = *digest;
	batch->bytes += size;
	if (batch->n == scan->batch_max || batch->bytes >= BATCH_BYTES)
		return scan_store_flush(worker);
	return 0;
}
