// SPDX-License-Identifier: GPL-2.0-or-later
/* A quota for the store, and collecting what may go to keep it. */
#include "fetcher/ingest/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "cache/base/container_of.h"
#include "cache/base/timespec.h"
#include "cache/store/lock.h"
#include "cache/store/store.h"
#include "cache/upkeep/space.h"

/* Another tool is about to name an image: how long, and how often, to try again. */
#define BUSY_TRIES	20
#define BUSY_PAUSE_NS	(100 * 1000 * 1000)
/* After one that was in vain, unless something changes. */
#define BARREN_MS	10000
#define BLOCK_SIZE	4096
/* An object's entry in its folder; a first one makes the folder, a block. */
#define ENTRY_SIZE	128
/* No sum of sizes up to this overflows. */
#define SIZE_MOST	((uint64_t)1 << 60)

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

/* Bytes on disk: whole blocks, fs-verity's tree and descriptor, and the name. */
static uint64_t on_disk(const struct fetch_room *room, uint64_t size)
{
	uint64_t blocks;

	if (size == UINT64_MAX)
		return 0;
	if (size > SIZE_MOST)
		return SIZE_MOST;
	blocks = size / BLOCK_SIZE + (size % BLOCK_SIZE != 0);
	if (cfs_store_has_verity(room->store))
		blocks += blocks / 127 + 1;
	return blocks * BLOCK_SIZE + ENTRY_SIZE;
}

uint64_t fetch_room_need(const struct fetch_room *room, uint64_t size)
{
	return on_disk(room, size) + BLOCK_SIZE;	/* and perhaps its folder */
}

static struct timespec images_time(const struct fetch_room *room)
{
	struct timespec changed = { 0 };

	(void)cfs_store_images_changed(room->store, &changed);
	return changed;
}

/* The file system's size and what is free of it, in bytes; 0 and "all" if unknown. */
static void look_at_disk(const struct fetch_room *room, uint64_t *ret_size,
			 uint64_t *ret_free)
{
	struct statvfs fs;

	*ret_size = 0;
	*ret_free = UINT64_MAX;
	if (fstatvfs(cfs_store_objects_fd(room->store), &fs) < 0 || !fs.f_blocks)
		return;
	*ret_size = (uint64_t)fs.f_blocks * fs.f_frsize;
	*ret_free = (uint64_t)fs.f_bavail * fs.f_frsize;
}

const char *fetch_room_never(const struct fetch_room *room, uint64_t size)
{
	const struct fetch_limits *limits = room->limits;
	uint64_t need = on_disk(room, size);
	uint64_t disk_size, free_bytes;

	if (limits && limits->max_size && need > limits->max_size)
		return "larger than the store may become: raise --max-size";
	if (size == UINT64_MAX)
		return NULL;
	if (size > INT64_MAX)
		return "larger than any file can be";
	look_at_disk(room, &disk_size, &free_bytes);
	if (disk_size && need > disk_size)
		return "larger than the file system of the store";
	return NULL;
}

static bool is_within_quota(const struct fetch_room *room, uint64_t need)
{
	const struct fetch_limits *limits = room->limits;

	if (!limits->max_size)
		return true;
	/* What the store takes is found out by the first collection. */
	if (!room->known)
		return !room->running;
	return need <= limits->max_size &&
	       room->used + room->booked + quota_share_others(&room->share) <=
		       limits->max_size - need;
}

static bool reserve_is_kept(const struct fetch_room *room, uint64_t need)
{
	uint64_t disk_size, free_bytes;

	if (!room->limits->reserve)
		return true;
	look_at_disk(room, &disk_size, &free_bytes);
	return free_bytes >= room->limits->reserve &&
	       free_bytes - room->limits->reserve >= room->booked + need;
}

static bool fits(const struct fetch_room *room, uint64_t need)
{
	return is_within_quota(room, need) && reserve_is_kept(room, need);
}

/* ---- collections ---- */

static int collect(struct fetch_room *room, const struct cfs_gc_options *options)
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

/* What the store takes has to be known even if nothing may be removed. */
static void measure(struct fetch_room *room)
{
	struct cfs_space space;

	room->measured = room->last.err == 0;
	if (room->measured)
		room->total = room->last.report.bytes;
	else if (cfs_space_measure(room->store, NULL, NULL, &space) == 0) {
		room->measured = true;
		room->total = space.bytes;
	}
}

/* On a pool thread. */
static void room_run(struct loop_work *work)
{
	struct fetch_room *room = container_of(work, struct fetch_room, work);
	const struct fetch_limits *limits = room->limits;
	struct cfs_gc_options options = {
		.keep_within = true,
		.reserve = limits->reserve,
		.pins = limits->pins,
		.n_pins = limits->n_pins,
	};
	struct timespec from, to;

	clock_gettime(CLOCK_MONOTONIC, &from);
	room->images_time = images_time(room);
	if (limits->max_size) {
		options.low_water = low_water(limits);
		options.max_size = room->urgent ? limits->max_size :
						  high_water(limits);
	}
	if (room->urgent)
		options.need = room->need + room->others;
	room->last.err = collect(room, &options);
	measure(room);
	clock_gettime(CLOCK_MONOTONIC, &to);
	room->last.ms = (to.tv_sec - from.tv_sec) * 1000 +
			(to.tv_nsec - from.tv_nsec) / 1000000;
}

static bool has_removed(const struct fetch_collection *last)
{
	return last->err == 0 &&
	       (last->report.removed.bytes || last->report.removed_other);
}

/* The next one that needs as much would find no more. */
static void note_barren(struct fetch_room *room)
{
	uint64_t disk_size;

	room->barren_until_ms = loop_now_ms(room->loop) + BARREN_MS;
	room->barren_need = room->need;
	look_at_disk(room, &disk_size, &room->barren_free);
}

static void room_done(struct loop_work *work)
{
	struct fetch_room *room = container_of(work, struct fetch_room, work);
	bool was_known = room->known;

	room->running = false;
	if (room->measured) {
		room->known = true;
		room->used = room->total + room->added;
	}
	room->added = 0;
	room->last.helped = has_removed(&room->last) || !was_known ||
			    (room->refused && fits(room, room->need));
	if (room->urgent && !room->last.helped)
		room->last.helped = room->shed && room->shed(room->context);
	if (room->urgent && !room->last.helped)
		note_barren(room);
	else if (!room->urgent && !has_removed(&room->last) &&
		 !(room->last.err == 0 && room->last.report.enough))
		room->quiet_until_ms = loop_now_ms(room->loop) + BARREN_MS;
	room->ended(room->context, &room->last);
}

static void start(struct fetch_room *room, bool urgent, uint64_t need)
{
	room->running = true;
	room->urgent = urgent;
	room->need = need;
	room->others = room->booked + quota_share_others(&room->share);
	quota_share_measure(&room->share);
	room->refused = urgent && !fits(room, need);
	room->added = 0;
	room->barren_until_ms = 0;
	room->last = (struct fetch_collection){ 0 };
	room->work.run = room_run;
	room->work.done = room_done;
	loop_work_submit(room->loop, &room->work);
}

void fetch_room_start(struct fetch_room *room)
{
	const struct fetch_limits *limits = room->limits;

	if (!limits || (!limits->max_size && !limits->reserve))
		return;
	/* Without it only what this process does is known at once. */
	if (limits->max_size)
		(void)quota_share_open(&room->share,
				       cfs_store_objects_fd(room->store));
	start(room, false, 0);
}

void fetch_room_stop(struct fetch_room *room)
{
	room->stopping = true;
}

void fetch_room_end(struct fetch_room *room)
{
	quota_share_close(&room->share);
}

static bool barren(const struct fetch_room *room, uint64_t need)
{
	struct timespec time;
	uint64_t disk_size, free_bytes;

	if (loop_now_ms(room->loop) >= room->barren_until_ms ||
	    need < room->barren_need)
		return false;
	look_at_disk(room, &disk_size, &free_bytes);
	time = images_time(room);
	return free_bytes <= room->barren_free &&
	       timespec_compare(&time, &room->images_time) == 0;
}

bool fetch_room_collect(struct fetch_room *room, uint64_t need)
{
	if (!room->limits)
		return false;
	if (!room->running) {
		if (room->stopping || barren(room, need))
			return false;
		start(room, true, need);
	}
	return true;
}

void fetch_room_may_help(struct fetch_room *room)
{
	room->barren_until_ms = 0;
}

/* ---- booking ---- */

bool fetch_room_book_bytes(struct fetch_room *room, uint64_t bytes,
			   uint64_t *booked)
{
	if (!room->limits)
		return true;
	if (!fits(room, bytes))
		return false;
	room->booked += bytes;
	quota_share_publish(&room->share, room->booked, 0);
	/* Another process may have booked at the same time: then neither has. */
	if (room->share.open && !is_within_quota(room, 0)) {
		room->booked -= bytes;
		quota_share_publish(&room->share, room->booked, 0);
		return false;
	}
	*booked += bytes;
	return true;
}

bool fetch_room_book(struct fetch_room *room, uint64_t size, uint64_t *booked)
{
	return *booked || fetch_room_book_bytes(room, fetch_room_need(room, size),
						booked);
}

void fetch_room_unbook_bytes(struct fetch_room *room, uint64_t bytes,
			     uint64_t *booked)
{
	if (bytes > *booked)
		bytes = *booked;
	room->booked -= bytes;
	*booked -= bytes;
	if (bytes)
		quota_share_publish(&room->share, room->booked, 0);
}

void fetch_room_unbook(struct fetch_room *room, uint64_t *booked)
{
	fetch_room_unbook_bytes(room, *booked, booked);
}

void fetch_room_landed(struct fetch_room *room, uint64_t bytes, uint64_t *booked)
{
	const struct fetch_limits *limits = room->limits;

	/* Landed before it is unbooked: others may count it twice, never not at all. */
	quota_share_publish(&room->share, room->booked, bytes);
	fetch_room_unbook_bytes(room, bytes, booked);
	room->used += bytes;
	if (room->running)
		room->added += bytes;
	if (!limits || room->running || room->stopping ||
	    loop_now_ms(room->loop) < room->quiet_until_ms)
		return;
	if ((limits->max_size && room->known &&
	     room->used + room->booked > high_water(limits)) ||
	    !reserve_is_kept(room, 0))
		start(room, false, 0);
}

void fetch_room_published(struct fetch_room *room, uint64_t size,
			  uint64_t *booked)
{
	fetch_room_landed(room, on_disk(room, size), booked);
	fetch_room_unbook(room, booked);
}

void fetch_room_renamed(struct fetch_room *room, uint64_t bytes)
{
	if (room->running)
		room->added += bytes;
}

void fetch_room_freed(struct fetch_room *room, uint64_t bytes)
{
	/* A collection that is running may have seen them or not. */
	if (!room->running)
		room->used -= bytes < room->used ? bytes : room->used;
	fetch_room_may_help(room);
}
