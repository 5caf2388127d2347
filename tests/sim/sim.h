/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fetch engine in a simulated world.
 *
 *	 main.c     seeds, steps, what is printed
 *	    |
 *	 world.c    one seed, one world: its limits, its script, its end
 *	    |
 *	    +---- readers.c     processes that open objects, wait, and go away
 *	    +---- background.c  prefetch, completing, packs
 *	    |          |
 *	    |      [ engine, partial objects, packs, ingest, mirrors, store: the real code ]
 *	    |          |                     |                          |
 *	    +---- loop.c                transport.c                  disk.c
 *	    |     time, threads,        one GET after the other      errors of the
 *	    |     writes                     |                       file system
 *	    |                           mirrors.c
 *	    |                           how each server answers
 *	    |
 *	    +---- objects.c     bytes, trees, compressed objects: what is right
 *	    +---- images.c      images, their packs and profiles
 *	    +---- checks.c      what must hold after every step
 *	    +---- trace.c       what has happened, as text and as one number
 *
 * Time does not pass by itself.  All that will happen is an event with a time: a
 * thread has finished a job, a mirror sends bytes, a reader comes.  When the engine's
 * loop waits, the next event is taken, the clock is set to its time, and it happens.
 * That is a step.  The engine's loop, timers and deferred calls are the real ones;
 * the threads, the ring and the clock below it are not, and neither is libcurl.
 *
 * The disk is a folder on a tmpfs.  The system calls that the store makes pass
 * through disk.c (--wrap of the linker), which may refuse them, and which sees each
 * name that is given to an object.
 *
 * Everything random comes from sim_random(), and so from the seed: the same seed and
 * the same program give the same steps, of which trace.c computes a hash.
 *
 * One world at a time; one thread.
 */
#ifndef TESTS_SIM_SIM_H
#define TESTS_SIM_SIM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>

#include "cache/store/store.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/http/config.h"
#include "fetcher/http/get.h"
#include "fetcher/ingest/quota.h"
#include "fetcher/loop/loop.h"

#define SIM_OBJECTS_MAX		32
#define SIM_MIRRORS_MAX		3
#define SIM_IMAGES		8
#define SIM_IMAGE_OBJECTS	16
#define SIM_PATH_MAX		32

/* ---- objects.c: what is right ---- */

/**
 * struct sim_object - an object, the same in every world
 * @data, @size: its bytes
 * @tree, @tree_len: its Merkle tree, or NULL
 * @zst, @zst_len: the object as one zstd frame, or NULL
 */
struct sim_object {
	struct cfs_digest digest;
	uint8_t *data;
	uint64_t size;
	uint8_t *tree;
	uint64_t tree_len;
	uint8_t *zst;
	uint64_t zst_len;
};

/** sim_objects_make() - all objects that a world may have; once a process */
void sim_objects_make(void);

/** sim_objects_free() - forget them */
void sim_objects_free(void);

/** sim_object_any() - one of them */
const struct sim_object *sim_object_any(void);

/** sim_objects_pick() - the objects of this world, into sim.objects */
void sim_objects_pick(void);

/** sim_object_find() - the number of an object of this world, or -1 */
int sim_object_find(const struct cfs_digest *digest);

/** sim_object_same() - has a file these bytes of object @i from @offset on? */
bool sim_object_same(int fd, int i, uint64_t offset, uint64_t len);

/* ---- images.c ---- */

/**
 * struct sim_image - an image and what there may be of it
 * @self: the image, which is an object, too
 * @objects, @n: that it names
 */
struct sim_image {
	struct sim_object self;
	const struct sim_object *objects[SIM_IMAGE_OBJECTS];
	unsigned int n;
	uint8_t *pack;
	uint64_t pack_len;
	char *profile;
	uint64_t profile_len;
};

/** sim_images_make() - all images; once a process, after sim_objects_make() */
void sim_images_make(void);

/** sim_images_free() - forget them */
void sim_images_free(void);

/** sim_image_any() - one of them */
const struct sim_image *sim_image_any(void);

/** sim_store_put() - publish an object, without the engine */
void sim_store_put(struct cfs_store *store, const struct sim_object *object);

/* ---- loop.c: time and threads ---- */

/**
 * struct sim_event - something that is going to happen; zeroed before its first use
 * @fire: called once for each start
 */
struct sim_event {
	void (*fire)(struct sim_event *event);
	/* private: */
	uint64_t at_ms;
	uint64_t order;		/* among those of the same time; random */
	size_t place;		/* in the heap; 0: not in it */
};

/** sim_event_start() - let it happen in @ms; moves one that was started */
void sim_event_start(struct sim_event *event, uint64_t ms);

/** sim_event_stop() - it does not happen; idempotent */
void sim_event_stop(struct sim_event *event);

/** sim_events_left() - how many are to happen */
size_t sim_events_left(void);

/** sim_loop_reset() - before a world: time begins, nothing is to happen */
void sim_loop_reset(void);

/** sim_loop_busy() - jobs and writes that are submitted and not told */
unsigned int sim_loop_busy(void);

/** sim_now_ms() - the time */
uint64_t sim_now_ms(void);

/* ---- disk.c ---- */

/** sim_disk_reset() - before a world: no errors */
void sim_disk_reset(void);

/** sim_disk_fail() - from now on one call in @one_in fails with @err; 0: none does */
void sim_disk_fail(unsigned int one_in, int err);

/** sim_disk_writev() - a write of the ring; bytes or -errno */
int sim_disk_writev(int fd, const struct iovec *pieces, unsigned int n,
		    off_t offset);

/** sim_disk_used() - bytes of the objects that have a name, as the quota counts */
uint64_t sim_disk_used(void);

/** sim_disk_named() - how many objects were given a name, in all worlds */
uint64_t sim_disk_named(void);

/** sim_disk_mapped() - bytes that the engine has mapped: its chunks */
uint64_t sim_disk_mapped(void);

/* ---- transport.c ---- */

/** sim_transport_use() - give the engine the simulated network */
void sim_transport_use(struct fetcher *fetcher);

/** sim_transport_reset() - before a world */
void sim_transport_reset(void);

/** sim_gets_active() - GETs that are under way */
unsigned int sim_gets_active(void);

/** sim_object_streams() - is there a GET that has brought bytes of object @i? */
bool sim_object_streams(int i);

/** sim_object_heard_ms() - when bytes of object @i last came; 0: never */
uint64_t sim_object_heard_ms(int i);

/** sim_any_heard_ms() - when bytes of anything last came; 0: never */
uint64_t sim_any_heard_ms(void);

/* ---- mirrors.c: how a server answers ---- */

enum sim_folder {
	SIM_OBJECT,
	SIM_ZST,
	SIM_TREE,
	SIM_MIRROR_FILE,
	SIM_PACK,
	SIM_PROFILE,
};

/**
 * struct sim_plan - how one GET will go
 * @first_ms: to the first byte; UINT64_MAX: never
 * @slice_ms: between bursts of bytes
 * @burst: bytes in one
 * @bytes: that come before it ends; UINT64_MAX: all that was asked for
 * @flip: offset of a byte that is wrong, or UINT64_MAX
 * @result: how it ends after @bytes; FETCH_RESULT_OK: as a connection that is closed
 *	then
 * @stalls: after @bytes nothing comes any more, and it does not end
 * @retry_after_ms: of the answer
 */
struct sim_plan {
	uint64_t first_ms, slice_ms;
	uint64_t burst;
	uint64_t bytes;
	uint64_t flip;
	enum fetch_result result;
	bool stalls;
	uint64_t retry_after_ms;
};

/** sim_mirrors_make() - the mirrors of this world */
void sim_mirrors_make(void);

/** sim_mirrors_plan() - how mirror @mirror answers a GET for @folder of object @i */
struct sim_plan sim_mirrors_plan(size_t mirror, enum sim_folder folder, int i,
				 const struct http_get *get);

/** sim_mirrors_change() - one of them gets another mood */
void sim_mirrors_change(void);

/** sim_mirrors_heal() - all have everything, and answer, from now on */
void sim_mirrors_heal(void);

/** sim_mirror_file() - what mirror @i says that it has */
const char *sim_mirror_file(size_t i);

/* ---- readers.c ---- */

/** sim_readers_start() - let them come */
void sim_readers_start(void);

/** sim_readers_heal() - from now on each object is wanted until it can be had */
void sim_readers_heal(void);

/** sim_readers_content() - has every object been had since then? */
bool sim_readers_content(void);

/** sim_readers_stop() - none comes any more */
void sim_readers_stop(void);

/** sim_readers_close() - the engine has stopped: close what is open */
void sim_readers_close(void);

/** sim_readers_check() - does anybody wait for too long? */
void sim_readers_check(void);

/** sim_readers_waiting() - how many wait */
unsigned int sim_readers_waiting(void);

/* ---- background.c ---- */

/** sim_background_put_image() - into a store that is empty */
void sim_background_put_image(void);

/** sim_background_make() - before a life begins; there is an engine */
void sim_background_make(void);

/** sim_background_start() - begin */
void sim_background_start(void);

/** sim_background_event() - the engine's log */
void sim_background_event(const struct fetch_event *event);

/** sim_background_collected() - objects may have been removed */
void sim_background_collected(void);

/** sim_background_stop() - before fetcher_stop() */
void sim_background_stop(void);

/** sim_background_free() - first before fetcher_free(), then after it */
void sim_background_free(bool after_fetcher);

/* ---- checks.c ---- */

/** sim_check_step() - after every step */
void sim_check_step(void);

/** sim_check_end() - the engine has stopped and is not freed yet */
void sim_check_end(void);

/* ---- trace.c ---- */

/** sim_trace() - note what happens; one line without a newline */
void sim_trace(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** sim_trace_reset() - before a world */
void sim_trace_reset(bool to_stderr);

/** sim_trace_hash() - of all that was noted */
uint64_t sim_trace_hash(void);

/** sim_trace_dump() - the last lines, and how to see this again */
void sim_trace_dump(void);

/** sim_fail() - something does not hold: say so and end the process */
void sim_fail(const char *format, ...)
	__attribute__((format(printf, 1, 2), noreturn));

#define SIM_CHECK(e)							\
	do {								\
		if (!(e))						\
			sim_fail("%s:%d: %s", __FILE__, __LINE__, #e);	\
	} while (0)

/* ---- world.c ---- */

/** sim_path_make() - an empty folder, in memory if possible */
void sim_path_make(char ret[SIM_PATH_MAX]);

/** sim_path_remove() - with all that is in it */
void sim_path_remove(const char *path);

enum sim_phase {
	SIM_RUNNING,		/* anything may happen */
	SIM_HEALED,		/* nothing goes wrong any more */
	SIM_STOPPING,		/* fetcher_stop() was called */
	SIM_STOPPED,
};

/**
 * struct sim - the world
 * @steps: so far in this world
 * @healthy: nothing ever goes wrong here
 * @disk_failed: some call was refused
 * @deadline_ms: of the engine; UINT64_MAX: it waits for ever
 * @quota_known: the engine has counted what the store takes
 * @quota_slack: bytes by which it may exceed its quota even so
 * @verity: the file system seals files
 * @no_tmpfile: it knows no nameless files
 */
struct sim {
	uint64_t seed;
	uint64_t random;
	uint64_t steps;
	enum sim_phase phase;
	uint64_t healed_ms;

	bool healthy;
	bool sizes_unknown;
	bool disk_failed;
	bool verity, no_tmpfile;
	uint64_t deadline_ms;

	const struct sim_image *image;		/* or NULL */
	const struct sim_object *objects[SIM_OBJECTS_MAX];
	int n_objects;
	size_t n_mirrors;

	struct loop *loop;
	struct cfs_store *store;
	struct fetch_config config;
	struct fetch_limits limits;
	bool has_limits;
	bool quota_known;
	uint64_t quota_slack;
	struct fetcher *fetcher;
};

extern struct sim sim;

/** sim_world_run() - from its seed to its end; ends the process on a failure */
void sim_world_run(uint64_t seed, bool print_trace);

/* ---- random numbers; all from the seed ---- */

/** sim_random() - 64 bits */
static inline uint64_t sim_random(void)
{
	uint64_t x = sim.random += 0x9e3779b97f4a7c15ULL;

	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ x >> 27) * 0x94d049bb133111ebULL;
	return x ^ x >> 31;
}

/** sim_below() - less than @n, which is not 0 */
static inline uint64_t sim_below(uint64_t n)
{
	return sim_random() % n;
}

/** sim_between() - both may be had */
static inline uint64_t sim_between(uint64_t from, uint64_t to)
{
	return from + sim_below(to - from + 1);
}

/** sim_chance() - true once in @n times */
static inline bool sim_chance(uint64_t n)
{
	return sim_below(n) == 0;
}

#endif /* TESTS_SIM_SIM_H */
