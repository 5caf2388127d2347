// SPDX-License-Identifier: GPL-2.0-or-later
/* A quota for the store, and collecting what no image needs to keep it. */
#include "fetcher/ingest/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "cache/base/container_of.h"
#include "cache/base/timespec.h"
#include "cache/store/store.h"
#include "cache/store/lock.h"

/* Somebody is about to name an image: how long, and how often, to try again. */
#define BUSY_TRIES	20
#define BUSY_PAUSE_NS	(100 * 1000 * 1000)
/* After one that was in vain, unless images/ changes. */
#define BARREN_MS	10000
#define BLOCK_SIZE	4096

static uint64_t high_water(const struct fetch_limits *limits)
{
	return limits->high_water ? limits->high_water :
	       limits->max_size - limits->max_size / 20;
}

static uint64_t low_water(const struct fetch_limits *limits)
{
	uint64_t high = high_water(limits);

	return limits->low_water ? limits->low_water : high - high / 10;
}

/* Bytes on disk, roughly: whole blocks, and the Merkle tree. */
static uint64_t on_disk(const struct fetch_room *room, uint64_t size)
{
	uint64_t blocks;

	if (size == UINT64_MAX)
		return 0;
	blocks = size / BLOCK_SIZE + 1;
	if (cfs_store_has_verity(room->store))
		blocks += blocks / 127 + 1;
	return blocks * BLOCK_SIZE;
}

static struct timespec images_time(const struct fetch_room *room)
{
	struct timespec changed = { 0 };

	(void)cfs_store_images_changed(room->store, &changed);
	return changed;
}

/* Free at least a twentieth of the file system if it is full. */
static uint64_t urgent_reserve(const struct fetch_room *room)
{
	struct statvfs fs;

	if (fstatvfs(cfs_store_objects_fd(room->store), &fs) < 0)
		return 0;
	return (uint64_t)fs.f_blocks * fs.f_frsize / 20;
}

static int collect(struct fetch_room *room,
		   const struct cfs_gc_options *options)
{
	const struct timespec pause = { .tv_nsec = BUSY_PAUSE_NS };
	struct fetch_collection *last = &room->last;
	int err = CFS_STORE_BUSY;

	for (int i = 0; i < BUSY_TRIES && err == CFS_STORE_BUSY; i++) {
		if (i)
			nanosleep(&pause, NULL);
		err = cfs_store_gc(room->store, options, &last->report,
				   &last->msg);
	}
	return err;
}

/* On a pool thread. */
static void room_run(struct loop_work *work)
{
	struct fetch_room *room = container_of(work, struct fetch_room, work);
	const struct fetch_limits *limits = room->limits;
	struct cfs_gc_options options = {
		.max_size = UINT64_MAX,
		.reserve = limits->reserve,
		.pins = limits->pins,
		.n_pins = limits->n_pins,
	};
	struct timespec from, to;
	uint64_t urgent;

	clock_gettime(CLOCK_MONOTONIC, &from);
	room->images_time = images_time(room);
	if (limits->max_size) {
		options.low_water = low_water(limits);
		options.max_size = room->urgent ? options.low_water :
						  high_water(limits);
	}
	if (room->urgent) {
		urgent = urgent_reserve(room);
		if (options.reserve < urgent)
			options.reserve = urgent;
	}
	room->last.err = collect(room, &options);
	if (room->urgent && room->last.err == 0 &&
	    !room->last.report.removed.objects) {
		/* It is not bytes that are short: inodes, or somebody's quota. */
		options.max_size = 0;
		options.reserve = 0;
		room->last.err = collect(room, &options);
	}
	clock_gettime(CLOCK_MONOTONIC, &to);
	room->last.ms = (to.tv_sec - from.tv_sec) * 1000 +
			(to.tv_nsec - from.tv_nsec) / 1000000;
}

static void room_done(struct loop_work *work)
{
	struct fetch_room *room = container_of(work, struct fetch_room, work);
	const struct cfs_gc_report *report = &room->last.report;

	room->running = false;
	if (room->last.err == 0) {
		room->known = true;
		room->used = report->pinned.bytes + report->young.bytes +
			     report->spare.bytes + room->added;
	}
	/* If there was need, and nothing that may go, the next finds no more. */
	if (room->last.err < 0 ||
	    (room->last.err == 0 && !report->removed.objects &&
	     (room->urgent || !report->enough)))
		room->barren_until_ms = loop_now_ms(room->loop) + BARREN_MS;
	room->ended(room->context, &room->last);
}

static void start(struct fetch_room *room, bool urgent)
{
	room->running = true;
	room->urgent = urgent;
	room->added = 0;
	room->barren_until_ms = 0;
	room->last = (struct fetch_collection){ 0 };
	room->work.run = room_run;
	room->work.done = room_done;
	loop_work_submit(room->loop, &room->work);
}

void fetch_room_start(struct fetch_room *room)
{
	if (room->limits && (room->limits->max_size || room->limits->reserve))
		start(room, false);
}

static bool barren(const struct fetch_room *room)
{
	const struct timespec time = images_time(room);

	return loop_now_ms(room->loop) < room->barren_until_ms &&
	       timespec_compare(&time, &room->images_time) == 0;
}

static bool reserve_is_kept(const struct fetch_room *room, uint64_t need)
{
	struct statvfs fs;

	if (!room->limits->reserve ||
	    fstatvfs(cfs_store_objects_fd(room->store), &fs) < 0)
		return true;
	return (uint64_t)fs.f_bavail * fs.f_frsize >=
	       room->limits->reserve + room->booked + need;
}

bool fetch_room_book(struct fetch_room *room, uint64_t size, uint64_t *booked)
{
	const struct fetch_limits *limits = room->limits;
	uint64_t need = on_disk(room, size);

	if (!limits || *booked)
		return true;
	if (limits->max_size && room->known &&
	    room->used + room->booked + need > limits->max_size)
		return false;
	if (!reserve_is_kept(room, need))
		return false;
	room->booked += need;
	*booked = need;
	return true;
}

void fetch_room_unbook(struct fetch_room *room, uint64_t *booked)
{
	room->booked -= *booked;
	*booked = 0;
}

void fetch_room_published(struct fetch_room *room, uint64_t size)
{
	const struct fetch_limits *limits = room->limits;

	if (!limits)
		return;
	room->used += on_disk(room, size);
	room->added += on_disk(room, size);
	if (room->running ||
	    !((limits->max_size && room->known &&
	       room->used + room->booked > high_water(limits)) ||
	      !reserve_is_kept(room, 0)))
		return;
	if (!barren(room))
		start(room, false);
}

bool fetch_room_collect(struct fetch_room *room)
{
	if (!room->limits || (!room->running && barren(room)))
		return false;
	if (!room->running)
		start(room, true);
	return true;
}
