// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Objects on their way into the store:
 *
 *	[snapshot,] hash --> claim --> check --> [stage, fill] --> [batch full] sync --> publish
 *			       |         |
 *			       |         +-- the store has it: done
 *			       +-- another file has the same bytes: done
 *
 * What is published has been hashed itself.  A file can change between being hashed
 * and being cloned without a trace in its times (through a shared mapping), and then
 * the clone is other bytes, not only for this file but for all that have the digest.
 * So where blocks can be shared the clone is made first, and is what is hashed: one
 * pass, over bytes that no writer of the file reaches.  If the store has most objects
 * already, clones would be made in vain: then the file is hashed, and its clone only
 * if it turns out to be new.
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
#include "cache/base/sparse.h"
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

struct again {
	struct scan_worker *worker;
	int to_fd;
};

static int take_again(void *context, const void *data, uint64_t len,
		      uint64_t offset)
{
	struct again *again = context;
	struct cfs_verity_hash *hash = again->worker->hash;
	int err;

	if (!data)
		return cfs_verity_hash_add_zeros(hash, len);
	err = cfs_verity_hash_add(hash, data, len);
	if (err)
		return err;
	err = full_pwrite(again->to_fd, data, len, (off_t)offset);
	return err ? scan_fail_store(again->worker, err) : 0;
}

/*
 * Read the file again, since it was too large to be kept, or has holes, which stay
 * such.  It is hashed again too: what is staged must be what its digest says.
 */
static int copy_again(struct scan_worker *worker, int fd, int to_fd,
		      uint64_t size, const struct cfs_digest *digest)
{
	struct again again = { worker, to_fd };
	struct cfs_digest found;
	uint64_t done;
	int err;

	cfs_verity_hash_reset(worker->hash);
	err = sparse_read(fd, size, worker->bytes, SCAN_READ_SIZE, take_again,
			  &again, &done);
	if (err)
		return err;
	if (done < size)
		return -ESTALE;
	if (ftruncate(to_fd, (off_t)size) < 0)
		return scan_fail_store(worker, -errno);
	err = cfs_verity_hash_finish(worker->hash, &found);
	if (err)
		return err;
	return cfs_digest_equal(&found, digest) ? 0 : -ESTALE;
}

/* Let a staged file have the file's blocks, which nearly costs nothing. */
static bool share_blocks(struct scan *scan, int fd, int to_fd)
{
	if (atomic_load_explicit(&scan->no_reflink, memory_order_relaxed))
		return false;
	if (ioctl(to_fd, FICLONE, fd) == 0)
		return true;
	if (errno == EOPNOTSUPP || errno == EXDEV || errno == ENOTTY)
		atomic_store(&scan->no_reflink, true);
	return false;
}

/* Has a clone the digest that the file had when it was hashed? */
static int check_clone(struct scan_worker *worker, int clone_fd, uint64_t size,
		       const struct cfs_digest *digest)
{
	struct cfs_digest found;
	int err;

	cfs_verity_hash_reset(worker->hash);
	err = cfs_verity_hash_add_fd(worker->hash, clone_fd, size);
	if (!err)
		err = cfs_verity_hash_finish(worker->hash, &found);
	if (err == -EFBIG)
		return -ESTALE;
	if (err)
		return err;
	return cfs_digest_equal(&found, digest) ? 0 : -ESTALE;
}

static int fill(struct scan_worker *worker, int fd, int to_fd, uint64_t size,
		const char *bytes, const struct cfs_digest *digest)
{
	int err;

	if (share_blocks(worker->scan, fd, to_fd))
		return check_clone(worker, to_fd, size, digest);
	if (!bytes)
		return copy_again(worker, fd, to_fd, size, digest);
	err = full_write(to_fd, bytes, size);
	return err ? scan_fail_store(worker, err) : 0;
}

int scan_store_snapshot(struct scan_worker *worker, int fd, uint64_t size,
			int *ret_fd)
{
	struct scan *scan = worker->scan;
	struct cfs_store *store = scan->options->store;
	struct stat st;
	int staged_fd, err;

	*ret_fd = -1;
	if (!worker->expects_new ||
	    atomic_load_explicit(&scan->no_reflink, memory_order_relaxed))
		return 0;
	err = cfs_object_stage(store, 0, &staged_fd);
	if (err < 0)
		return scan_fail_store(worker, err);
	if (!share_blocks(scan, fd, staged_fd)) {
		cfs_object_discard(store, staged_fd);
		return 0;
	}
	if (fstat(staged_fd, &st) < 0)
		err = -errno;
	else if ((uint64_t)st.st_size != size)
		err = -ESTALE;
	if (err) {
		cfs_object_discard(store, staged_fd);
		return err;
	}
	*ret_fd = staged_fd;
	return 0;
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

/* A staged file with the bytes of an object that the store lacks. */
static int stage(struct scan_worker *worker, int fd, uint64_t size,
		 const char *bytes, const struct cfs_digest *digest,
		 int *ret_fd)
{
	struct cfs_store *store = worker->scan->options->store;
	int staged_fd, err;
	struct stat st;

	/* Room taken in advance would fill the holes. */
	if (fstat(fd, &st) < 0)
		return -errno;
	err = cfs_object_stage(store, sparse_has_holes(&st) ? 0 : size,
			       &staged_fd);
	if (err < 0)
		return scan_fail_store(worker, err);
	err = fill(worker, fd, staged_fd, size, bytes, digest);
	if (err)
		cfs_object_discard(store, staged_fd);
	else
		*ret_fd = staged_fd;
	return err;
}

static int add_to_batch(struct scan_worker *worker, int staged_fd, uint64_t size,
			const struct cfs_digest *digest)
{
	struct scan *scan = worker->scan;
	struct scan_batch *batch = &worker->batch;

	atomic_fetch_add(&scan->counters->new_objects, 1);
	atomic_fetch_add(&scan->counters->new_bytes, size);
	batch->fds[batch->n] = staged_fd;
	batch->digests[batch->n++] = *digest;
	batch->bytes += size;
	if (batch->n == scan->batch_max || batch->bytes >= BATCH_BYTES)
		return scan_store_flush(worker);
	return 0;
}

/* Return: 0 if the caller must bring the object in, 1 if not, or -errno. */
static int claim_missing(struct scan_worker *worker, uint64_t size,
			 const struct cfs_digest *digest)
{
	struct scan *scan = worker->scan;
	int err = claim(worker, digest);

	if (err)
		return err;
	atomic_fetch_add(&scan->counters->objects, 1);
	atomic_fetch_add(&scan->counters->object_bytes, size);
	err = cfs_store_check(scan->options->store, digest, size);
	if (err < 0)
		return scan_fail_store(worker, err);
	worker->expects_new = err > 0;
	return err > 0 ? 0 : 1;		/* above 0: missing or damaged */
}

int scan_store_object(struct scan_worker *worker, int fd, int snapshot_fd,
		      uint64_t size, const char *bytes,
		      const struct cfs_digest *digest)
{
	int err = claim_missing(worker, size, digest);

	if (err == 0 && snapshot_fd < 0)
		err = stage(worker, fd, size, bytes, digest, &snapshot_fd);
	if (err == 0)
		return add_to_batch(worker, snapshot_fd, size, digest);
	cfs_object_discard(worker->scan->options->store, snapshot_fd);
	return err < 0 ? err : 0;
}
