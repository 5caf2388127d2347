// SPDX-License-Identifier: GPL-2.0-or-later
/* What blocks on the disk: opening the files, hashing without a tree, publishing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/container_of.h"
#include "cache/base/full_io.h"
#include "cache/store/publish.h"
#include "fetcher/mirror/mirrors.h"
#include "fetcher/partial/internal.h"

#define HASH_LEN	((uint64_t)1 << 20)	/* worth a job */
#define READ_LEN	(128 * 1024)

/* On a pool thread. */
static int load(struct partial *partial)
{
	struct partial_map *map = &partial->map;
	int err = cfs_partial_open(partial->partials->fetcher->store,
				   &partial->digest, partial->size,
				   map->has_tree, &partial->files);

	if (err == 0 && map->has_tree)
		err = cfs_partial_recheck(&partial->files, &partial->digest,
					  &map->tree, partial->hash,
					  &map->bits[PARTIAL_NODES].here,
					  &map->bits[PARTIAL_DATA].here);
	return err;
}

/* On a pool thread: the bytes from hashed to hash_to. */
static int hash(struct partial *partial)
{
	CLEANUP_FREE void *buffer = malloc(READ_LEN);
	int err = buffer ? 0 : -ENOMEM;

	while (err == 0 && partial->hashed < partial->hash_to) {
		size_t n = READ_LEN;

		if (n > partial->hash_to - partial->hashed)
			n = partial->hash_to - partial->hashed;
		err = full_pread(partial->files.data_fd, buffer, n,
				 (off_t)partial->hashed);
		if (err == 0)
			err = cfs_verity_hash_add(partial->hash, buffer, n);
		partial->hashed += n;
	}
	return err;
}

/* On a pool thread. */
static int publish(struct partial *partial)
{
	struct cfs_digest digest = partial->digest;
	int err = 0;

	if (!partial->map.has_tree) {
		err = hash(partial);
		if (err == 0)
			err = cfs_verity_hash_finish(partial->hash, &digest);
		if (err == 0 && !cfs_digest_equal(&digest, &partial->digest))
			err = -EBADMSG;
	}
	if (err == 0)
		err = cfs_partial_publish(partial->partials->fetcher->store,
					  &partial->files, &partial->digest);
	return err > 0 ? 0 : err;
}

static void run(struct loop_work *work)
{
	struct partial *partial = container_of(work, struct partial, work);

	switch (partial->job) {
	case JOB_LOAD:
		partial->job_err = load(partial);
		break;
	case JOB_HASH:
		partial->job_err = hash(partial);
		break;
	case JOB_PUBLISH:
		partial->job_err = publish(partial);
		break;
	}
}

static void loaded(struct partial *partial)
{
	if (partial->job_err < 0) {
		cfs_partial_close(partial->partials->fetcher->store,
				  &partial->files);
		partial->state = PARTIAL_IDLE;
		partial_store_failed(partial, partial->job_err);
		return;
	}
	partial->state = PARTIAL_ACTIVE;
	partial_map_loaded(&partial->map);
	partial->partials->stats.kept +=
		partial->map.bits[PARTIAL_DATA].here.n_set;
	partial_woken(partial);
}

static void published(struct partial *partial)
{
	struct fetcher *fetcher = partial->partials->fetcher;
	struct fetch_event event = {
		.digest = &partial->digest,
		.size = partial->size,
		.ms = loop_now_ms(fetcher->loop) - partial->started_ms,
		.final = true,
		.sequence = partial->sequence,
		.begun_ms = partial->started_ms,
		.demand_ms = partial->started_ms,
		.sent_ms = partial->started_ms,
		.got_ms = loop_now_ms(fetcher->loop),
	};

	partial->state = PARTIAL_DONE;
	partial_room_published(partial);
	if (!partial->owner)	/* else it is the fetch's to count */
		fetcher_count(fetcher, &event);
	partial_woken(partial);
}

/* All came, and it is not the object. */
static void wrong_bytes(struct partial *partial)
{
	struct fetcher *fetcher = partial->partials->fetcher;
	struct fetch_event event = {
		.digest = &partial->digest,
		.size = partial->size,
		.ms = loop_now_ms(fetcher->loop) - partial->started_ms,
		.mirror = mirrors_url(fetcher->mirrors, partial->mirror),
		.result = FETCH_RESULT_BAD_DIGEST,
		.reason = "the parts together do not have the digest",
	};

	/* Of several mirrors, nobody knows which one is to blame. */
	if (!partial->map.has_tree && !partial->spliced)
		mirrors_blame(fetcher->mirrors, partial->mirror,
			      loop_now_ms(fetcher->loop));
	fetcher_note(fetcher, partial->mirror, &event);
	(void)partial_room_forget(partial);
	partial->turn = TURN_STREAM;
}

static void finished(struct partial *partial)
{
	if (partial->job_err == 0) {
		published(partial);
	} else if (partial->job_err == -EBADMSG) {
		wrong_bytes(partial);
	} else {
		/* The files may be gone: whoever comes next starts again. */
		cfs_partial_close(partial->partials->fetcher->store,
				  &partial->files);
		partial->state = PARTIAL_IDLE;
		partial_room_end(partial);
		partial_store_failed(partial, partial->job_err);
	}
}

static void done(struct loop_work *work)
{
	struct partial *partial = container_of(work, struct partial, work);

	partial->working = false;
	partial->partials->n_jobs--;
	switch (partial->job) {
	case JOB_LOAD:
		loaded(partial);
		break;
	case JOB_HASH:
		if (partial->job_err < 0)
			partial_store_failed(partial, partial->job_err);
		break;
	case JOB_PUBLISH:
		finished(partial);
		break;
	}
	partial_settle(partial);
}

static void start(struct partial *partial, enum partial_job job)
{
	partial->job = job;
	partial->working = true;
	partial->partials->n_jobs++;
	partial->work = (struct loop_work){ .run = run, .done = done };
	loop_work_submit(partial->partials->fetcher->loop, &partial->work);
}

void partial_load(struct partial *partial)
{
	/* What was here may have gone with the files: only what is found now counts. */
	partial_map_clear(&partial->map);
	partial->hashed = 0;
	cfs_verity_hash_reset(partial->hash);
	partial->state = PARTIAL_LOADING;
	start(partial, JOB_LOAD);
}

void partial_hash(struct partial *partial)
{
	uint64_t here = partial->map.prefix * VERITY_BLOCK_LEN;

	if (partial->map.has_tree || partial->working ||
	    here < partial->hashed + HASH_LEN)
		return;
	partial->hash_to = here < partial->size ? here : partial->size;
	start(partial, JOB_HASH);
}

void partial_finish(struct partial *partial)
{
	partial->state = PARTIAL_FINISHING;
	partial->hash_to = partial->size;
	start(partial, JOB_PUBLISH);
}
