// SPDX-License-Identifier: GPL-2.0-or-later
/* Removing what no image needs. */
#include "cache/upkeep/gc.h"

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>
#include <time.h>

#include "cache/base/cleanup.h"
#include "cache/base/errmsg.h"
#include "cache/base/failpoint.h"
#include "cache/store/explain.h"
#include "cache/store/list.h"
#include "cache/store/partial.h"
#include "cache/mirror/extra.h"
#include "cache/store/layout.h"
#include "cache/store/lock.h"
#include "cache/upkeep/evict.h"
#include "cache/upkeep/refs.h"
#include "cache/upkeep/space.h"

/* How old the last mark of use must be before there is a new one. */
#define MARK_AFTER_S	(24 * 60 * 60)

struct gc {
	struct cfs_store *store;
	const struct cfs_gc_options *options;
	struct cfs_gc_report report;
	struct cfs_store_refs *refs;
	int64_t now;
	struct evict_list candidates;	/* with a limit only */
	uint64_t bytes;			/* of all the store, when they were found */
	uint64_t disk_bytes, free_bytes;	/* of the file system then */
};

/* Bytes that have to go for a limit, and that should for some time of peace. */
struct excess {
	uint64_t must, want;
};

static void count(struct cfs_gc_count *to, uint64_t bytes)
{
	to->objects++;
	to->bytes += bytes;
}

static int remove_object(struct gc *gc, const struct cfs_digest *digest)
{
	int err;

	if (gc->options->dry_run)
		return 0;
	err = FAILPOINT("gc.before_remove");
	if (err == 0)
		err = cfs_store_object_remove(gc->store, digest);
	if (err == 0)
		err = FAILPOINT("gc.after_remove");
	return err == -EISDIR ? object_set_aside(gc->store, digest) : err;
}

static int drop(struct gc *gc, const struct cfs_object_info *info)
{
	int err = remove_object(gc, &info->digest);

	if (err == CFS_STORE_MISS)
		return 0;
	if (err < 0)
		return err;
	count(&gc->report.removed, info->disk_size);
	if (gc->options->removed)
		gc->options->removed(gc->options->context, info);
	return 0;
}

static bool has_limit(const struct gc *gc)
{
	return gc->options->max_size || gc->options->reserve ||
	       gc->options->need || gc->options->keep_within;
}

static int visit(void *context, const struct cfs_object_info *info)
{
	struct gc *gc = context;
	int64_t age = gc->now - info->written;
	size_t n;

	if (cfs_store_refs_find(gc->refs, &info->digest, &n)) {
		count(&gc->report.pinned, info->disk_size);
		/* A mark that can't be set costs precision, nothing else. */
		if (!gc->options->dry_run &&
		    gc->now - info->used.tv_sec > MARK_AFTER_S)
			(void)cfs_store_object_mark_used(gc->store,
							 &info->digest);
		return 0;
	}
	/* A clock that went back makes everything look young: that is safe. */
	if (gc->options->keep_younger_s &&
	    (age < 0 || (uint64_t)age < gc->options->keep_younger_s)) {
		count(&gc->report.young, info->disk_size);
		return 0;
	}
	if (has_limit(gc))
		return evict_list_add_object(&gc->candidates, info);
	return drop(gc, info);
}

static uint64_t minus(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

static void add_excess(struct excess *to, uint64_t must, uint64_t want)
{
	if (to->must < must)
		to->must = must;
	if (to->want < want)
		to->want = want;
}

/* What has to go, as far as that can be counted. */
static struct excess find_excess(const struct gc *gc)
{
	const struct cfs_gc_options *options = gc->options;
	uint64_t max = options->max_size, low = options->low_water;
	uint64_t want = gc->bytes + options->need;
	struct excess excess = { 0, 0 };

	if (max && want > max)
		add_excess(&excess, want - max, want - (low ? low : max - max / 10));
	want = options->reserve + options->need;
	if (want > gc->free_bytes)
		add_excess(&excess, want - gc->free_bytes,
			   want - gc->free_bytes +
				   (options->need ? gc->disk_bytes / 20 :
						    want / 10));
	/* Something is short that bytes don't tell: inodes, or a user's quota. */
	if (options->need && !excess.must)
		excess.want = 2 * options->need > gc->candidates.bytes / 10 ?
				      2 * options->need :
				      gc->candidates.bytes / 10;
	return excess;
}

static int evict(struct gc *gc, const struct evict_entry *entry)
{
	struct cfs_object_info info = {
		.digest = entry->digest,
		.disk_size = entry->bytes,
		.used = entry->used,
	};

	if (entry->class == EVICT_OBJECT)
		return drop(gc, &info);
	if (gc->options->dry_run) {
		gc->report.removed_other += entry->bytes;
		return 0;
	}
	return evict_file(gc->store, entry, &gc->report.removed_other);
}

static uint64_t removed_bytes(const struct gc *gc)
{
	return gc->report.removed.bytes + gc->report.removed_other;
}

static int evict_all(struct gc *gc, uint64_t from_bytes,
		     const struct excess *excess, bool reachable)
{
	int err = 0;

	for (size_t i = 0; i < gc->candidates.n && err == 0; i++) {
		const struct evict_entry *entry = &gc->candidates.entries[i];
		bool enough = removed_bytes(gc) - from_bytes >= excess->want;

		if (!enough && (reachable || (entry->class == EVICT_OBJECT &&
					      !gc->options->need)))
			err = evict(gc, entry);
		else if (entry->class == EVICT_OBJECT)
			count(&gc->report.spare, entry->bytes);
	}
	return err;
}

static int drop_to_limit(struct gc *gc)
{
	uint64_t before = removed_bytes(gc);
	struct excess excess = find_excess(gc);
	bool reachable = excess.must <= gc->candidates.bytes;
	int err;

	evict_list_sort(&gc->candidates);
	err = evict_all(gc, before, &excess, reachable);
	gc->report.enough = reachable &&
			    removed_bytes(gc) - before >= excess.must;
	gc->report.bytes = minus(gc->bytes, removed_bytes(gc) - before);
	return err;
}

static int add_file(void *context, enum cfs_space_kind kind, const char *path,
		    const struct stat *st)
{
	struct gc *gc = context;

	return evict_list_add_file(&gc->candidates, gc->store, kind, path, st);
}

static int look_at_disk(struct gc *gc)
{
	struct statvfs fs;

	if (fstatvfs(cfs_store_objects_fd(gc->store), &fs) < 0)
		return -errno;
	gc->disk_bytes = (uint64_t)fs.f_blocks * fs.f_frsize;
	gc->free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	return 0;
}

static int measure(struct gc *gc)
{
	struct cfs_space space;
	int err = cfs_space_measure(gc->store, add_file, gc, &space);

	if (err == 0)
		gc->bytes = space.bytes;
	return err == 0 ? look_at_disk(gc) : err;
}

/* What can't be completed as things are is of no use, and in the way. */
static bool needed_in_part(void *context, const struct cfs_digest *digest,
			   uint64_t missing)
{
	struct gc *gc = context;
	struct cfs_object_info info;
	size_t n;

	return missing != UINT64_MAX && missing <= gc->free_bytes &&
	       cfs_store_refs_find(gc->refs, digest, &n) &&
	       cfs_store_object_look(gc->store, digest, &info) == CFS_STORE_MISS;
}

static int sweep_partial(struct gc *gc)
{
	int err = look_at_disk(gc);

	/* With a limit, whether there is room for it follows from that. */
	if (has_limit(gc))
		gc->free_bytes = UINT64_MAX;
	if (err == 0)
		err = cfs_partial_sweep(gc->store, needed_in_part, gc,
					gc->options->dry_run,
					&gc->report.removed_other);
	return err;
}

/* Of a dry run all objects are still there, and so nothing is left over. */
static int sweep_extras(struct gc *gc)
{
	static const char *const of_objects[] = { "verity", "zst" };
	static const char *const of_images[] = { "packs", "profiles" };
	bool dry_run = gc->options->dry_run;
	uint64_t *bytes = &gc->report.removed_other;
	int err = 0;

	for (size_t i = 0; i < 2 && err == 0; i++)
		err = cfs_store_extra_sweep(gc->store, of_objects[i], dry_run,
					    bytes);
	for (size_t i = 0; i < 2 && err == 0; i++)
		err = cfs_store_extra_sweep_images(gc->store, of_images[i],
						   dry_run, bytes);
	return err;
}

static int walk_and_drop(struct gc *gc)
{
	uint64_t removed;
	int err = 0;

	for (int folder = 0; folder < CFS_STORE_FOLDERS && err == 0; folder++)
		err = cfs_store_folder_each(gc->store, (uint8_t)folder, visit,
					    gc);
	if (err == 0)
		err = sweep_partial(gc);
	if (err == 0 && !gc->options->dry_run)
		gc->report.removed_other += cfs_store_sweep(gc->store, true);
	if (err == 0)
		err = sweep_extras(gc);
	if (err < 0 || !has_limit(gc))
		return err;
	err = measure(gc);
	if (err == 0)
		err = drop_to_limit(gc);
	/* What stood beside objects that went just now goes with them. */
	removed = gc->report.removed_other;
	if (err == 0 && gc->report.removed.objects)
		err = sweep_extras(gc);
	gc->report.bytes = minus(gc->report.bytes,
				 gc->report.removed_other - removed);
	return err;
}

int cfs_store_gc(struct cfs_store *store, const struct cfs_gc_options *options,
		 struct cfs_gc_report *ret, struct errmsg *msg)
{
	struct gc gc = {
		.store = store,
		.options = options,
		.report.enough = true,
		.now = time(NULL),
	};
	CLEANUP_CLOSE int lock_fd = -1;
	int err;

	/* Without it everything would be garbage. */
	if (store->images_fd < 0)
		return errmsg_set(msg, -EOPNOTSUPP, "it has no images/, so what needs its objects is not known: nothing was removed");
	err = cfs_store_lock(store, CFS_STORE_LOCK_EXCLUSIVE, options->wait,
			     &lock_fd);
	if (err)
		return err;
	err = cfs_store_refs_new(store, options->pins, options->n_pins,
				 &gc.refs, msg);
	if (err < 0)
		return err;
	gc.report.images = gc.refs->n_images;
	/* A name that is gone must not come back after its objects went. */
	if (!options->dry_run && store->images_fd >= 0)
		err = image_names_sync(store);
	if (err == 0)
		err = walk_and_drop(&gc);
	cfs_store_refs_free(gc.refs);
	evict_list_free(&gc.candidates);
	if (err == 0)
		*ret = gc.report;
	else
		cfs_store_explain(store, err, msg);
	return err;
}
