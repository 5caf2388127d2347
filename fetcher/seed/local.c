// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Taking wanted objects from a local folder.
 *
 * The threads share one walk: whoever is free takes the next file under the lock,
 * and digests and copies it outside.  So there is no queue, and memory does not
 * grow with the tree.  Each thread publishes what it has copied in batches: one
 * flush, then many names.
 */
#include "fetcher/seed/local.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/base/cleanup.h"
#include "cache/store/import.h"
#include "cache/store/store.h"
#include "cache/verity/hash.h"

/* So many copies, or so many bytes of them, wait for one flush. */
#define BATCH_OBJECTS	64
#define BATCH_SIZE	((uint64_t)64 << 20)

/* What one thread has copied and not published yet. */
struct from_batch {
	struct {
		int fd;
		struct seed_object *object;
	} staged[BATCH_OBJECTS];
	size_t n;
	uint64_t size;
};

struct from {
	struct seed_plan *plan;
	struct cfs_store *store;
	const char *path;
	bool dry_run;
	struct seed_object **by_size;	/* of what is wanted */
	struct seed_object **by_digest;
	size_t n_wanted;

	pthread_mutex_t lock;		/* of all below, and of outcomes */
	FTS *walk;
	size_t n_left;			/* wanted, and not taken yet */
	size_t next_name;		/* into by_digest */
	int err;
	struct seed_from_report report;
};

static int compare_sizes(const void *a, const void *b)
{
	const struct seed_object *const *x = a, *const *y = b;

	return ((*x)->size > (*y)->size) - ((*x)->size < (*y)->size);
}

static int compare_digests(const void *a, const void *b)
{
	const struct seed_object *const *x = a, *const *y = b;

	return memcmp((*x)->digest.bytes, (*y)->digest.bytes, CFS_DIGEST_LEN);
}

static int index_wanted(struct from *from)
{
	const struct seed_plan *plan = from->plan;
	size_t n = 0;

	from->by_size = calloc(plan->n_objects + 1, sizeof(*from->by_size));
	from->by_digest = calloc(plan->n_objects + 1, sizeof(*from->by_digest));
	if (!from->by_size || !from->by_digest)
		return -ENOMEM;
	for (size_t i = 0; i < plan->n_objects; i++)
		if (plan->objects[i].outcome == SEED_WANTED)
			from->by_size[n++] = &plan->objects[i];
	memcpy(from->by_digest, from->by_size, n * sizeof(*from->by_size));
	qsort(from->by_size, n, sizeof(*from->by_size), compare_sizes);
	qsort(from->by_digest, n, sizeof(*from->by_digest), compare_digests);
	from->n_wanted = n;
	from->n_left = n;
	return 0;
}

static bool size_is_wanted(const struct from *from, uint64_t size)
{
	const struct seed_object key_object = { .size = size };
	const struct seed_object *key = &key_object;

	return bsearch(&key, from->by_size, from->n_wanted,
		       sizeof(*from->by_size), compare_sizes) != NULL;
}

static struct seed_object *find_wanted(const struct from *from,
				       const struct cfs_digest *digest)
{
	const struct seed_object key_object = { .digest = *digest };
	const struct seed_object *key = &key_object;
	struct seed_object **found = bsearch(&key, from->by_digest,
					     from->n_wanted,
					     sizeof(*from->by_digest),
					     compare_digests);

	return found ? *found : NULL;
}

/* Whoever claims an object sees to it; false if somebody else has. */
static bool claim(struct from *from, struct seed_object *object)
{
	bool claimed;

	pthread_mutex_lock(&from->lock);
	claimed = object->outcome == SEED_WANTED;
	if (claimed) {
		object->outcome = SEED_LOCAL;
		from->n_left--;
		from->report.taken.objects++;
		from->report.taken.bytes += object->size;
	}
	pthread_mutex_unlock(&from->lock);
	return claimed;
}

/* It could not be published, or what was copied is something else. */
static void unclaim(struct from *from, struct seed_object *object)
{
	pthread_mutex_lock(&from->lock);
	object->outcome = SEED_WANTED;
	from->n_left++;
	from->report.taken.objects--;
	from->report.taken.bytes -= object->size;
	pthread_mutex_unlock(&from->lock);
}

/* One flush for what has been copied, then the names; 0 or -errno. */
static int publish(struct from *from, struct from_batch *batch)
{
	int err = 0;

	/* With fs-verity, sealing flushes. */
	if (batch->n && !cfs_store_has_verity(from->store))
		err = cfs_store_sync(from->store);
	for (size_t i = 0; i < batch->n; i++) {
		struct seed_object *object = batch->staged[i].object;
		int one = err;

		if (err < 0)
			cfs_object_discard(from->store, batch->staged[i].fd);
		else
			one = cfs_object_publish_synced(from->store,
							batch->staged[i].fd,
							&object->digest);
		if (one >= 0)
			continue;
		unclaim(from, object);
		err = one;
	}
	batch->n = 0;
	batch->size = 0;
	return err;
}

/*
 * Copy a claimed object.  A file that changes between being digested and being
 * copied is harmless: what counts are the bytes that were copied.
 */
static int copy(struct from *from, struct from_batch *batch, int from_fd,
		struct seed_object *object)
{
	struct cfs_digest digest;
	int fd = cfs_object_import_staged(from->store, from_fd, &digest);

	if (fd < 0) {
		unclaim(from, object);
		return fd;
	}
	if (!cfs_digest_equal(&digest, &object->digest)) {
		unclaim(from, object);
		cfs_object_discard(from->store, fd);
		return 0;
	}
	batch->staged[batch->n].fd = fd;
	batch->staged[batch->n++].object = object;
	batch->size += object->size;
	if (batch->n == BATCH_OBJECTS || batch->size >= BATCH_SIZE)
		return publish(from, batch);
	return 0;
}

/* Copy a file in, if it turns out to be wanted; 0 or what the store gave. */
static int take(struct from *from, struct from_batch *batch, int fd)
{
	struct seed_object *object;
	struct cfs_digest digest;
	uint64_t size;
	int err = cfs_verity_hash_fd(fd, UINT64_MAX, &digest, &size);

	if (err < 0)	/* unreadable: somebody else may have it */
		return err == -ENOMEM ? err : 0;
	pthread_mutex_lock(&from->lock);
	from->report.digested.objects++;
	from->report.digested.bytes += size;
	pthread_mutex_unlock(&from->lock);
	object = find_wanted(from, &digest);
	if (!object || object->size != size || !claim(from, object) ||
	    from->dry_run)
		return 0;
	return copy(from, batch, fd, object);
}

static int open_regular(const char *path)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
		      O_CLOEXEC);
	struct stat st;

	if (fd >= 0 && (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))) {
		close(fd);
		return -1;
	}
	return fd;
}

/* The next object to be asked for by name; called with the lock held. */
static char *next_by_name(struct from *from)
{
	char name[CFS_OBJECT_NAME_LEN + 1], *path = NULL;

	if (from->next_name / 2 >= from->n_wanted)
		return NULL;
	cfs_object_name_format(&from->by_digest[from->next_name / 2]->digest,
			       name);
	if (asprintf(&path, "%s/%s%s", from->path,
		     from->next_name % 2 ? "" : "objects/", name) < 0)
		path = NULL;
	from->next_name++;
	return path;
}

/* The next file of a wanted size; called with the lock held. */
static char *next_by_walk(struct from *from)
{
	char *const paths[] = { (char *)from->path, NULL };
	const FTSENT *entry;

	/* Not before it is needed: glibc leaks a walk that is closed before it has begun. */
	if (!from->walk)
		from->walk = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW |
				      FTS_NOCHDIR | FTS_XDEV, NULL);
	if (!from->walk) {
		from->err = -errno;
		return NULL;
	}
	while ((entry = fts_read(from->walk)))
		if (entry->fts_info == FTS_F &&
		    size_is_wanted(from, (uint64_t)entry->fts_statp->st_size))
			return strdup(entry->fts_path);
	return NULL;
}

static char *next_path(struct from *from)
{
	char *path = NULL;

	pthread_mutex_lock(&from->lock);
	if (from->err == 0 && from->n_left) {
		path = next_by_name(from);
		if (!path)
			path = next_by_walk(from);
	}
	pthread_mutex_unlock(&from->lock);
	return path;
}

static void failed(struct from *from, int err)
{
	if (err >= 0)
		return;
	pthread_mutex_lock(&from->lock);
	if (from->err == 0)
		from->err = err;
	pthread_mutex_unlock(&from->lock);
}

static void *work(void *context)
{
	struct from *from = context;
	struct from_batch batch = { .n = 0 };

	for (;;) {
		CLEANUP_FREE char *path = next_path(from);
		CLEANUP_CLOSE int fd = path ? open_regular(path) : -1;

		if (!path)
			break;
		if (fd >= 0)
			failed(from, take(from, &batch, fd));
	}
	failed(from, publish(from, &batch));
	return NULL;
}

static void run(struct from *from, unsigned int n_threads)
{
	pthread_t *others = calloc(n_threads, sizeof(*others));
	unsigned int started = 0;

	/* This thread is one of them; without memory it is the only one. */
	while (others && started + 1 < n_threads &&
	       pthread_create(&others[started], NULL, work, from) == 0)
		started++;
	work(from);
	while (started > 0)
		pthread_join(others[--started], NULL);
	free(others);
}

int seed_from(struct seed_plan *plan, struct cfs_store *store,
	      const char *path, bool dry_run, unsigned int n_threads,
	      struct seed_from_report *ret)
{
	struct from from = {
		.plan = plan,
		.store = store,
		.path = path,
		.dry_run = dry_run,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	struct stat st;
	int err;

	*ret = from.report;
	if (stat(path, &st) < 0)
		return -errno;
	if (!S_ISDIR(st.st_mode))
		return -ENOTDIR;
	err = index_wanted(&from);
	if (err == 0) {
		run(&from, n_threads);
		if (from.walk)
			fts_close(from.walk);
		err = from.err;
	}
	free(from.by_size);
	free(from.by_digest);
	*ret = from.report;
	return err;
}
