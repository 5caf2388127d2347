// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Processes that open objects: they come, ask for the whole or read some bytes, wait,
 * are told, or are killed while they wait.
 *
 *	        comes            told
 *	AWAY ---------> WAITS ---------> AWAY
 *	  ^               |
 *	  +---------------+
 *	      is killed
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/container_of.h"
#include "fetcher/partial/partial.h"
#include "tests/sim/sim.h"

#define N_READERS	24
/* How long the simulated threads may keep what came from being told. */
#define SLACK_MS	5000
/* What makes progress is given so long for the next. */
#define PROGRESS_MS	10000

struct reader {
	struct sim_event event;		/* AWAY: comes; WAITS: is killed */
	bool waits;
	int object;
	enum fetch_kind kind;
	uint64_t since_ms;
	uint64_t queued_ms;		/* when it last stood in a line that moved */
	struct fetch_waiter waiter;	/* of who wants the whole */

	struct partial_handle *handle;	/* or has it open in part */
	struct partial_reader partial;
	bool in_part;			/* waits for */
	uint64_t offset, len;
};

static struct reader readers[N_READERS];
static bool closing;
static uint32_t wanted;			/* after healing, and not had yet */

static void come_back(struct reader *reader, uint64_t most_ms)
{
	if (sim.phase == SIM_RUNNING && !closing)
		sim_event_start(&reader->event, sim_below(most_ms + 1));
}

/* ---- what they are told ---- */

static bool may_be_told(int err)
{
	switch (err) {
	case 0:
		return true;
	case -ESHUTDOWN:
		return sim.phase >= SIM_STOPPING;
	case -EIO:
		return !sim.healthy || sim.disk_failed;
	case -ETIMEDOUT:
	case -EHOSTUNREACH:
		return !sim.healthy && sim.deadline_ms != UINT64_MAX;
	case -ENOSPC:
		return sim.disk_failed || sim.has_limits;
	case -EFBIG:		/* larger than the quota or the disk */
		return sim.has_limits;
	default:
		return sim.disk_failed && (err == -EDQUOT || err == -EROFS);
	}
}

static void told(struct reader *reader, int err)
{
	sim_trace("reader%d is told of o%d: %s", (int)(reader - readers),
		  reader->object, err ? strerror(-err) : "here");
	if (!reader->waits)
		sim_fail("reader%d is told what it did not ask",
			 (int)(reader - readers));
	if (!may_be_told(err))
		sim_fail("o%d: %s, and nothing has happened that could be a reason",
			 reader->object, strerror(-err));
	reader->waits = false;
	sim_event_stop(&reader->event);
}

/* The store must have what it says it has; but a collection may have come between. */
static void check_stored(const struct reader *reader)
{
	const struct cfs_digest *digest = &sim.objects[reader->object]->digest;
	int fd, err = cfs_store_get(sim.store, digest, &fd);

	if (err == CFS_STORE_MISS && sim.has_limits)
		return;
	if (err)
		sim_fail("o%d is said to be there, and the store says %d",
			 reader->object, err);
	if (!sim_object_same(fd, reader->object, 0, UINT64_MAX))
		sim_fail("o%d has other bytes", reader->object);
	close(fd);
}

static void ask(struct reader *reader);

/* From inside its done: it may do anything at all. */
static void go_on(struct reader *reader)
{
	struct reader *other = &readers[sim_below(N_READERS)];

	if (sim_chance(8) && other->waits && !other->in_part) {
		sim_trace("reader%d takes reader%d along",
			  (int)(reader - readers), (int)(other - readers));
		fetch_leave(sim.fetcher, &other->waiter);
		other->waits = false;
		sim_event_stop(&other->event);
		come_back(other, 2000);
	}
	if (sim_chance(8) && sim.phase == SIM_RUNNING && !closing)
		ask(reader);
	else
		come_back(reader, 3000);
}

static void whole_done(struct fetch_waiter *waiter, int err)
{
	struct reader *reader = container_of(waiter, struct reader, waiter);

	told(reader, err);
	if (err == 0)
		check_stored(reader);
	go_on(reader);
}

static void check_part(struct reader *reader)
{
	if (!sim_object_same(partial_fd(reader->handle), reader->object,
			     reader->offset, reader->len))
		sim_fail("o%d: wrong bytes in part, from %llu on", reader->object,
			 (unsigned long long)reader->offset);
}

static void part_done(struct partial_reader *partial, int err)
{
	struct reader *reader = container_of(partial, struct reader, partial);

	told(reader, err);
	reader->in_part = false;
	if (err == 0)
		check_part(reader);
	go_on(reader);
}

/* ---- what they do ---- */

static void wait_for(struct reader *reader)
{
	reader->waits = true;
	reader->since_ms = sim_now_ms();
	if (sim.phase == SIM_RUNNING && sim_chance(4))
		sim_event_start(&reader->event, sim_chance(2) ? sim_below(20) :
							       sim_below(20000));
}

static void ask_whole(struct reader *reader)
{
	const struct sim_object *object = sim.objects[reader->object];
	int err;

	wait_for(reader);
	sim_trace("reader%d wants o%d, %s", (int)(reader - readers),
		  reader->object, fetch_kind_name(reader->kind));
	err = fetch_object(sim.fetcher, &object->digest,
			   sim.sizes_unknown ? FETCH_SIZE_UNKNOWN : object->size,
			   reader->kind, &reader->waiter);
	if (err)
		sim_fail("o%d may not be asked for: %d", reader->object, err);
}

static void ask_part(struct reader *reader)
{
	const struct sim_object *object = sim.objects[reader->object];
	int err;

	reader->offset = sim_chance(3) ? reader->offset + reader->len :
					 sim_below(object->size);
	if (reader->offset >= object->size)
		reader->offset = 0;
	reader->len = sim_between(1, sim_chance(4) ? 300000 : 20000);
	if (reader->len > object->size - reader->offset)
		reader->len = object->size - reader->offset;
	sim_trace("reader%d wants %llu of o%d from %llu on",
		  (int)(reader - readers), (unsigned long long)reader->len,
		  reader->object, (unsigned long long)reader->offset);
	wait_for(reader);
	reader->in_part = true;
	err = partial_read(reader->handle, reader->offset, reader->len,
			   &reader->partial);
	if (err == PARTIAL_WAIT)
		return;
	part_done(&reader->partial, err);
}

static void close_part(struct reader *reader)
{
	sim_trace("reader%d closes o%d", (int)(reader - readers), reader->object);
	partial_close(reader->handle);
	reader->handle = NULL;
}

/* As fetcher/mount does: in part if that is possible, else the whole. */
static void ask(struct reader *reader)
{
	struct partials *partials = fetcher_partials(sim.fetcher);
	const struct sim_object *object;
	int err;

	if (reader->handle && sim_chance(3))
		close_part(reader);
	if (reader->handle) {
		ask_part(reader);
		return;
	}
	reader->object = (int)sim_below((uint64_t)sim.n_objects);
	reader->kind = (enum fetch_kind)sim_below(N_FETCH_KINDS);
	object = sim.objects[reader->object];
	if (!sim.sizes_unknown && sim_chance(2) &&
	    cfs_store_check(sim.store, &object->digest, object->size) != 0 &&
	    partials_readable(partials, &object->digest, object->size)) {
		sim_trace("reader%d opens o%d in part",
			  (int)(reader - readers), reader->object);
		err = partial_open(partials, &object->digest, object->size,
				   &reader->handle);
		/* What is larger than the quota is refused at once. */
		SIM_CHECK(err == 0 || (err == -ENOSPC && sim.has_limits));
		if (err == 0)
			ask_part(reader);
		else
			sim_event_start(&reader->event, 1 + sim_below(500));
		return;
	}
	ask_whole(reader);
}

static void fire(struct sim_event *event)
{
	struct reader *reader = container_of(event, struct reader, event);

	if (!reader->waits) {
		if (sim.phase == SIM_RUNNING)
			ask(reader);
		return;
	}
	sim_trace("reader%d is killed", (int)(reader - readers));
	if (reader->in_part)
		partial_leave(&reader->partial);
	else
		fetch_leave(sim.fetcher, &reader->waiter);
	reader->waits = false;
	reader->in_part = false;
	if (reader->handle && sim_chance(2))
		close_part(reader);
	come_back(reader, 1000);
}

void sim_readers_start(void)
{
	memset(readers, 0, sizeof(readers));
	closing = false;
	wanted = 0;
	for (int i = 0; i < N_READERS; i++) {
		readers[i].event.fire = fire;
		readers[i].waiter.done = whole_done;
		readers[i].partial.done = part_done;
		come_back(&readers[i], sim_chance(2) ? 10 : 5000);
	}
}

/* ---- after healing: each object is wanted until it can be had ---- */

struct wanter {
	struct sim_event event;
	struct fetch_waiter waiter;
};

static struct wanter wanters[SIM_OBJECTS_MAX];

static void want(struct sim_event *event)
{
	struct wanter *wanter = container_of(event, struct wanter, event);
	int i = (int)(wanter - wanters);

	if (sim.phase != SIM_HEALED)
		return;
	sim_trace("o%d is wanted", i);
	SIM_CHECK(fetch_object(sim.fetcher, &sim.objects[i]->digest,
			       sim.sizes_unknown ? FETCH_SIZE_UNKNOWN :
						   sim.objects[i]->size,
			       FETCH_DEMAND, &wanter->waiter) == 0);
}

static void want_done(struct fetch_waiter *waiter, int err)
{
	struct wanter *wanter = container_of(waiter, struct wanter, waiter);
	int i = (int)(wanter - wanters);

	sim_trace("o%d was wanted: %s", i, err ? strerror(-err) : "here");
	/* What is larger than the quota can't be had. */
	if (err == 0 || ((err == -ENOSPC || err == -EFBIG) && sim.has_limits))
		wanted &= ~((uint32_t)1 << i);
	else if (sim.phase == SIM_HEALED)
		sim_event_start(&wanter->event, 500);
}

void sim_readers_heal(void)
{
	memset(wanters, 0, sizeof(wanters));
	for (int i = 0; i < sim.n_objects; i++) {
		wanters[i].event.fire = want;
		wanters[i].waiter.done = want_done;
		wanted |= (uint32_t)1 << i;
		sim_event_start(&wanters[i].event, sim_below(100));
	}
}

bool sim_readers_content(void)
{
	return !wanted && !sim_readers_waiting();
}

/* ---- the end ---- */

void sim_readers_stop(void)
{
	closing = true;
	for (int i = 0; i < N_READERS; i++)
		sim_event_stop(&readers[i].event);
	for (int i = 0; i < SIM_OBJECTS_MAX; i++)
		sim_event_stop(&wanters[i].event);
}

void sim_readers_close(void)
{
	for (int i = 0; i < N_READERS; i++) {
		if (readers[i].waits)
			sim_fail("reader%d was never told of o%d", i,
				 readers[i].object);
		/* The others are the engine's to free. */
		if (readers[i].handle && sim_chance(2))
			close_part(&readers[i]);
	}
}

unsigned int sim_readers_waiting(void)
{
	unsigned int n = 0;

	for (int i = 0; i < N_READERS; i++)
		n += readers[i].waits;
	return n;
}

static int is_queued(void *context, const struct fetch_view *view)
{
	struct reader *reader = context;

	if (!cfs_digest_equal(view->digest, &sim.objects[reader->object]->digest))
		return 0;
	if (!view->mirror && sim_now_ms() <= sim_any_heard_ms() + PROGRESS_MS)
		reader->queued_ms = sim_now_ms();
	return 1;
}

/*
 * The deadline does not cut a transfer that makes progress, and does not count while
 * one that was never asked for stands in a line that moves.
 */
static bool has_excuse(struct reader *reader)
{
	uint64_t moves_ms = PROGRESS_MS + SLACK_MS, now_ms = sim_now_ms();

	fetcher_each(sim.fetcher, is_queued, reader);
	return sim_loop_busy() || sim_object_streams(reader->object) ||
	       now_ms <= sim_object_heard_ms(reader->object) + moves_ms ||
	       now_ms <= reader->queued_ms + moves_ms;
}

static uint64_t deadline_of(const struct reader *reader)
{
	/* What has made progress since it began is given some time for more, once. */
	uint64_t at_ms = reader->since_ms + sim.deadline_ms + PROGRESS_MS +
			 SLACK_MS;

	/*
	 * Who came before a reader did waits as long as that one; and who reads in part,
	 * when that turns out not to be possible, as long as the GET of the whole.
	 */
	return !reader->in_part && reader->kind == FETCH_DEMAND ?
		       at_ms : at_ms + sim.deadline_ms;
}

void sim_readers_check(void)
{
	if (sim.deadline_ms == UINT64_MAX)
		return;
	for (int i = 0; i < N_READERS; i++) {
		struct reader *reader = &readers[i];

		/* It is looked at a little before, to see where it stands then. */
		if (reader->waits &&
		    sim_now_ms() + 2 * SLACK_MS > deadline_of(reader) &&
		    !has_excuse(reader) && sim_now_ms() > deadline_of(reader))
			sim_fail("reader%d waits for o%d since %llu", i,
				 reader->object,
				 (unsigned long long)reader->since_ms);
	}
}
