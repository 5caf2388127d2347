// SPDX-License-Identifier: GPL-2.0-or-later
/* A table of sets; in a set that is full the one that failed longest ago gives way. */
#include "fetcher/mount/failures.h"

#include <errno.h>
#include <stdlib.h>

#define N_SETS		4096		/* a power of two */
#define N_WAYS		4

#define PAUSE_FIRST_MS	250
#define PAUSE_LAST_MS	4000
#define FORGET_MS	60000

#define QUEUE_GAP_MS	250
#define QUEUE_MAX_MS	1000

/* Others write to the same file system: less than this is no reason to try again. */
#define ROOM_MORE	((uint64_t)256 << 10)

struct failure {
	struct failure_key key;
	uint64_t first_ms;		/* of the failures in a row */
	uint64_t failed_ms;		/* the last of them */
	uint64_t until_ms;		/* remembered till then */
	uint64_t changes, room;		/* of the world, then */
	int16_t err;			/* 0: free */
	uint16_t n;			/* failures in a row */
};

void failures_deinit(struct failures *failures)
{
	free(failures->sets);
	failures->sets = NULL;
}

static struct failure *set_of(const struct failures *failures,
			      const struct failure_key *key)
{
	const uint8_t *bytes = key->digest.bytes;
	uint64_t i = (bytes[0] | bytes[1] << 8) + key->part * 61;

	return &failures->sets[i % N_SETS * N_WAYS];
}

static struct failure *find(const struct failures *failures,
			    const struct failure_key *key)
{
	struct failure *set = set_of(failures, key);

	for (int i = 0; i < N_WAYS; i++)
		if (set[i].err && set[i].key.part == key->part &&
		    cfs_digest_equal(&set[i].key.digest, &key->digest))
			return &set[i];
	return NULL;
}

static struct failure *make(const struct failures *failures,
			    const struct failure_key *key)
{
	struct failure *set = set_of(failures, key), *oldest = &set[0];

	for (int i = 0; i < N_WAYS && oldest->err; i++)
		if (!set[i].err || set[i].failed_ms < oldest->failed_ms)
			oldest = &set[i];
	*oldest = (struct failure){ .key = *key };
	return oldest;
}

static bool took_a_deadline(int err)
{
	return err == -ETIMEDOUT || err == -EHOSTUNREACH;
}

static uint64_t pause_ms(unsigned int n)
{
	uint64_t ms = PAUSE_FIRST_MS;

	if (n < 2)
		return 0;
	while (--n > 1 && ms < PAUSE_LAST_MS)
		ms *= 2;
	return ms;
}

void failures_note(struct failures *failures, const struct failure_key *key,
		   const struct failure_world *world, int err)
{
	struct failure *failure;

	if (!failures->sets)
		failures->sets = calloc((size_t)N_SETS * N_WAYS,
					sizeof(*failures->sets));
	if (!failures->sets)
		return;
	failure = find(failures, key);
	if (!failure)
		failure = make(failures, key);
	if (failure->err != err || failure->changes != world->changes ||
	    world->now_ms - failure->failed_ms > FORGET_MS)
		failure->n = 0;
	if (!failure->n)
		failure->first_ms = world->now_ms;
	if (failure->n < UINT16_MAX)
		failure->n++;
	failure->err = (int16_t)err;
	failure->failed_ms = world->now_ms;
	failure->changes = world->changes;
	failure->room = world->room;
	if (took_a_deadline(err)) {
		failure->first_ms = world->now_ms;
		failure->until_ms = world->now_ms + QUEUE_GAP_MS;
	} else {
		failure->until_ms = world->now_ms + pause_ms(failure->n);
	}
}

int failures_recall(struct failures *failures, const struct failure_key *key,
		    const struct failure_world *world, bool queued)
{
	struct failure *failure = NULL;

	if (failures->sets)
		failure = find(failures, key);
	if (!failure || world->now_ms >= failure->until_ms ||
	    failure->changes != world->changes)
		return 0;
	if (failure->err == -ENOSPC &&
	    (world->room == UINT64_MAX ||
	     world->room >= failure->room + ROOM_MORE))
		return 0;
	if (!took_a_deadline(failure->err))
		return failure->err;
	if (!queued)
		return 0;
	failure->until_ms = world->now_ms + QUEUE_GAP_MS;
	if (failure->until_ms > failure->first_ms + QUEUE_MAX_MS)
		failure->until_ms = failure->first_ms + QUEUE_MAX_MS;
	return failure->err;
}
