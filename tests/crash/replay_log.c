// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * replay_log: cut the power at many moments of a write log, and look at the store.
 *
 *	log:	w w w F w w F w w w w F ...		F: a flush
 *	              |     |
 *	              |     +-- crash at a flush: all before it is on the disk
 *	              +-- crash between two: all up to the flush before, and of what
 *	                  was under way any subset, in pieces of a block
 *
 * For each moment the disk is built on a scratch file behind a loop device, mounted
 * (which recovers the file system's journal), checked against store_rules.h and
 * unmounted.  Now and then a command is run on the recovered store, which must do
 * its work and leave a sound store.
 *
 * Marks in the log, "have NAME" and "drop NAME", say between which moments an image
 * name must be there: a tool has said that it is done.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <time.h>
#include <unistd.h>

#include "tests/crash/store_rules.h"
#include "tests/crash/write_log.h"

#define BLOCK		4096
#define NAMES_MAX	64

struct options {
	const char *base;		/* the disk before the first write */
	const char *log;
	const char *scratch;		/* the file behind device */
	const char *device;
	const char *mount;
	const char *fs;
	const char *mount_options;
	const char *then;
	uint64_t every;
	uint64_t points;
	uint64_t seconds;
	uint64_t seed;
};

struct replay {
	struct options o;
	struct write_log log;
	uint64_t size;
	uint8_t *durable;		/* the disk as of the last flush */
	uint8_t *scratch;
	int scratch_fd;
	uint8_t *used;			/* of each block: is it ever not zero? */
	char names[NAMES_MAX][256];	/* durable image names; "": free */
	uint64_t random;
	char store[512];

	uint64_t at_flush, between, reruns, failed_reruns, unmountable;
	struct store_rules rules;
};

static _Noreturn void die(const char *what, int err)
{
	fprintf(stderr, "replay_log: %s: %s\n", what, strerror(err));
	exit(2);
}

/* splitmix64: repeatable from the seed that is printed. */
static uint64_t next_random(struct replay *replay)
{
	uint64_t z = replay->random += 0x9e3779b97f4a7c15;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
	return z ^ (z >> 31);
}

static void apply(uint8_t *disk, const struct write_log_entry *entry,
		  uint64_t from, uint64_t len)
{
	if (entry->data)
		memcpy(disk + entry->offset + from, entry->data + from, len);
	else
		memset(disk + entry->offset + from, 0, len);
}

/* A write that was under way may have reached the disk in part. */
static void apply_some(struct replay *replay,
		       const struct write_log_entry *entry)
{
	const uint64_t kind = next_random(replay) % 4;

	for (uint64_t from = 0; from < entry->len; from += BLOCK) {
		uint64_t len = entry->len - from;

		if (kind == 0 || (kind == 1 && next_random(replay) % 2))
			continue;
		apply(replay->scratch, entry, from, len < BLOCK ? len : BLOCK);
	}
}

static bool is_write(const struct write_log_entry *entry)
{
	return !(entry->flags & WRITE_LOG_MARK) && entry->len;
}

static void name_add(struct replay *replay, const char *name)
{
	int i, free_slot = -1;

	for (i = 0; i < NAMES_MAX; i++) {
		if (strcmp(replay->names[i], name) == 0)
			return;
		if (!replay->names[i][0] && free_slot < 0)
			free_slot = i;
	}
	if (free_slot < 0)
		die("too many names", ENOSPC);
	snprintf(replay->names[free_slot], sizeof(replay->names[0]), "%s",
		 name);
}

static void name_drop(struct replay *replay, const char *name)
{
	for (int i = 0; i < NAMES_MAX; i++)
		if (strcmp(replay->names[i], name) == 0)
			replay->names[i][0] = '\0';
}

static void take_mark(struct replay *replay,
		      const struct write_log_entry *entry, bool have)
{
	char text[256], name[250];

	snprintf(text, sizeof(text), "%.*s", (int)entry->len,
		 (const char *)entry->data);
	if (have && sscanf(text, "have %249s", name) == 1)
		name_add(replay, name);
	if (!have && sscanf(text, "drop %249s", name) == 1)
		name_drop(replay, name);
}

static void take_marks(struct replay *replay, size_t from, size_t to, bool have)
{
	for (size_t i = from; i < to; i++)
		if (replay->log.entries[i].flags & WRITE_LOG_MARK)
			take_mark(replay, &replay->log.entries[i], have);
}

static void build_scratch(struct replay *replay)
{
	/* What the last recovery wrote elsewhere goes with the holes. */
	if (fallocate(replay->scratch_fd,
		      FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0,
		      (off_t)replay->size) < 0)
		die(replay->o.scratch, errno);
	for (uint64_t at = 0; at < replay->size; at += BLOCK)
		if (replay->used[at / BLOCK])
			memcpy(replay->scratch + at, replay->durable + at,
			       BLOCK);
}

static void rerun(struct replay *replay)
{
	replay->reruns++;
	if (system(replay->o.then) != 0) {
		replay->failed_reruns++;
		fprintf(stderr, "rule broken: the next run fails\n");
		return;
	}
	if (store_rules_check(replay->store, NULL, &replay->rules) < 0)
		replay->failed_reruns++;
}

/* Returns whether all was well. */
static bool check(struct replay *replay)
{
	const struct options *o = &replay->o;
	const uint64_t before = store_rules_broken(&replay->rules);
	const uint64_t n = replay->at_flush + replay->between;
	const uint64_t failed_before = replay->failed_reruns;
	const char *expected[NAMES_MAX + 1];
	int n_expected = 0, err;

	for (int i = 0; i < NAMES_MAX; i++)
		if (replay->names[i][0])
			expected[n_expected++] = replay->names[i];
	expected[n_expected] = NULL;
	if (mount(o->device, o->mount, o->fs, MS_NOATIME,
		  o->mount_options) < 0) {
		fprintf(stderr, "rule broken: mount: %m\n");
		replay->unmountable++;
		return false;
	}
	err = store_rules_check(replay->store, expected, &replay->rules);
	if (err < 0)
		die("checking", -err);
	if (o->then && n % o->every == 0)
		rerun(replay);
	if (umount2(o->mount, 0) < 0)
		die(o->mount, errno);
	return store_rules_broken(&replay->rules) == before &&
	       replay->failed_reruns == failed_before;
}

/* Crash once all entries before @end are on the disk, or somewhere before that. */
static void crash(struct replay *replay, size_t start, size_t end,
		  bool at_flush)
{
	char names[NAMES_MAX][256];
	size_t cut = end;

	memcpy(names, replay->names, sizeof(names));
	build_scratch(replay);
	if (!at_flush)
		cut = start + next_random(replay) % (end - start + 1);
	for (size_t i = start; i < cut; i++) {
		const struct write_log_entry *entry = &replay->log.entries[i];

		if (!is_write(entry))
			continue;
		/* A FUA write is on the disk as soon as it is done. */
		if (at_flush || entry->flags & WRITE_LOG_FUA)
			apply(replay->scratch, entry, 0, entry->len);
		else
			apply_some(replay, entry);
	}
	take_marks(replay, start, cut, true);
	take_marks(replay, start, end, false);
	if (at_flush)
		replay->at_flush++;
	else
		replay->between++;
	if (!check(replay))
		fprintf(stderr, "  at entry %zu of %zu, %s, seed %" PRIu64 "\n",
			cut, replay->log.n_entries,
			at_flush ? "a flush" : "between flushes",
			replay->o.seed);
	memcpy(replay->names, names, sizeof(names));
}

static size_t end_of_epoch(const struct write_log *log, size_t i)
{
	while (i < log->n_entries && !(log->entries[i].flags & WRITE_LOG_FLUSH))
		i++;
	return i < log->n_entries ? i + 1 : i;
}

static bool out_of_time(const struct replay *replay)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return replay->o.seconds && (uint64_t)now.tv_sec >= replay->o.seconds;
}

/* The points are spread over all epochs; the first of each is its flush. */
static void run(struct replay *replay)
{
	const struct write_log *log = &replay->log;
	uint64_t n_epochs = 0, epoch = 0, done = 0;
	size_t start, end;

	for (start = 0; start < log->n_entries; start = end_of_epoch(log, start))
		n_epochs++;
	for (start = 0; start < log->n_entries; start = end) {
		uint64_t share = replay->o.points * ++epoch / n_epochs;

		end = end_of_epoch(log, start);
		for (uint64_t first = done; done < share; done++)
			if (!out_of_time(replay))
				crash(replay, start, end, done == first);
		for (size_t i = start; i < end; i++)
			if (is_write(&log->entries[i]))
				apply(replay->durable, &log->entries[i], 0,
				      log->entries[i].len);
		take_marks(replay, start, end, true);
		take_marks(replay, start, end, false);
	}
}

static void find_used(struct replay *replay)
{
	static const uint8_t zero[BLOCK];

	replay->used = calloc(replay->size / BLOCK, 1);
	if (!replay->used)
		die("memory", ENOMEM);
	for (uint64_t at = 0; at < replay->size; at += BLOCK)
		replay->used[at / BLOCK] =
			memcmp(replay->durable + at, zero, BLOCK) != 0;
	for (size_t i = 0; i < replay->log.n_entries; i++) {
		const struct write_log_entry *entry = &replay->log.entries[i];

		if (!is_write(entry))
			continue;
		if (entry->offset > replay->size ||
		    entry->len > replay->size - entry->offset)
			die("a write beyond the disk's end", EBADMSG);
		memset(replay->used + entry->offset / BLOCK, 1,
		       (entry->offset % BLOCK + entry->len + BLOCK - 1) / BLOCK);
	}
}

/* The base is changed in memory only. */
static uint8_t *map_file(const char *path, bool shared, int *fd, uint64_t *size)
{
	uint8_t *map;

	*fd = open(path, shared ? O_RDWR | O_CLOEXEC : O_RDONLY | O_CLOEXEC);
	if (*fd < 0)
		die(path, errno);
	*size = (uint64_t)lseek(*fd, 0, SEEK_END);
	if (!*size || *size % BLOCK)
		die(path, EINVAL);
	map = mmap(NULL, *size, PROT_READ | PROT_WRITE,
		   shared ? MAP_SHARED : MAP_PRIVATE, *fd, 0);
	if (map == MAP_FAILED)
		die(path, errno);
	return map;
}

static void parse(int argc, char **argv, struct options *o)
{
	static const struct option options[] = {
		{ "base", required_argument, NULL, 'b' },
		{ "log", required_argument, NULL, 'l' },
		{ "scratch", required_argument, NULL, 'c' },
		{ "device", required_argument, NULL, 'd' },
		{ "mount", required_argument, NULL, 'm' },
		{ "fs", required_argument, NULL, 'f' },
		{ "mount-options", required_argument, NULL, 'o' },
		{ "then", required_argument, NULL, 't' },
		{ "every", required_argument, NULL, 'e' },
		{ "points", required_argument, NULL, 'n' },
		{ "seconds", required_argument, NULL, 'S' },
		{ "seed", required_argument, NULL, 's' },
		{ NULL, 0, NULL, 0 },
	};
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'b': o->base = optarg; break;
		case 'l': o->log = optarg; break;
		case 'c': o->scratch = optarg; break;
		case 'd': o->device = optarg; break;
		case 'm': o->mount = optarg; break;
		case 'f': o->fs = optarg; break;
		case 'o': o->mount_options = optarg; break;
		case 't': o->then = optarg; break;
		case 'e': o->every = strtoull(optarg, NULL, 10); break;
		case 'n': o->points = strtoull(optarg, NULL, 10); break;
		case 'S': o->seconds = strtoull(optarg, NULL, 10); break;
		case 's': o->seed = strtoull(optarg, NULL, 10); break;
		default: exit(2);
		}
	}
	if (!o->base || !o->log || !o->scratch || !o->device || !o->mount ||
	    !o->fs || !o->every)
		die("usage", EINVAL);
}

int main(int argc, char **argv)
{
	static struct replay replay = {
		.o = { .points = 1000, .every = 50 },
	};
	const struct options *o = &replay.o;
	struct timespec now;
	uint64_t size, repairs;
	int fd, err;

	parse(argc, argv, &replay.o);
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (replay.o.seconds)
		replay.o.seconds += (uint64_t)now.tv_sec;
	replay.random = o->seed;
	snprintf(replay.store, sizeof(replay.store), "%s/store", o->mount);
	replay.durable = map_file(o->base, false, &fd, &replay.size);
	replay.scratch = map_file(o->scratch, true, &replay.scratch_fd, &size);
	if (size != replay.size)
		die(o->scratch, EINVAL);
	err = write_log_open(&replay.log, o->log);
	if (err < 0)
		die(o->log, -err);
	find_used(&replay);
	run(&replay);

	repairs = replay.unmountable + replay.failed_reruns +
		  store_rules_broken(&replay.rules) - replay.rules.wrong;
	printf("%s: %" PRIu64 " crash points (%" PRIu64 " at flushes, %" PRIu64
	       " between), %" PRIu64 " objects read, %" PRIu64
	       " reruns, %" PRIu64 " names without seal, %" PRIu64
	       " wrong reads, %" PRIu64 " repairs needed\n",
	       o->fs, replay.at_flush + replay.between, replay.at_flush,
	       replay.between, replay.rules.objects, replay.reruns,
	       replay.rules.unsealed, replay.rules.wrong, repairs);
	write_log_close(&replay.log);
	return replay.rules.wrong || repairs;
}
