// SPDX-License-Identifier: GPL-2.0-or-later
/* Removing what no image needs. */
#include "cache/upkeep/gc.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/statvfs.h>
#include <time.h>

#include "cache/base/cleanup.h"
#include "cache/base/errmsg.h"
#include "cache/base/failpoint.h"
#include "cache/base/timespec.h"
#include "cache/store/explain.h"
#include "cache/store/list.h"
#include "cache/store/partial.h"
#include "cache/mirror/extra.h"
#include "cache/store/layout.h"
#include "cache/store/lock.h"
#include "cache/upkeep/refs.h"

/* How old the last mark of use must be before there is a new one. */
#define MARK_AFTER_S	(24 * 60 * 60)

struct gc {
	struct cfs_store *store;
	const struct cfs_gc_options *options;
	struct cfs_gc_report report;
	struct cfs_store_refs *refs;
	int64_t now;
	struct cfs_object_info *candidates;	/* with a limit only */
	size_t n_candidates;
	size_t capacity;
};

static void count(struct cfs_gc_count *to, uint64_t bytes)
{
	to->objects++;
	to->bytes += bytes;
}

static int drop(struct gc *gc, const struct cfs_object_info *info)
{
	int err = 0;

	if (!gc->options->dry_run)
		err = FAILPOINT("gc.before_remove");
	if (err == 0 && !gc->options->dry_run)
		err = cfs_store_object_remove(gc->store, &info->digest);
	if (err == 0 && !gc->options->dry_run)
		err = FAILPOINT("gc.after_remove");
	if (err == -EISDIR)
		err = object_set_aside(gc->store, &info->digest);
	if (err == CFS_STORE_MISS)
		return 0;
	if (err < 0)
		return err;
	count(&gc->report.removed, info->disk_size);
	if (gc->options->removed)
		gc->options->removed(gc->options->context, info);
	return 0;
}

static int add_candidate(struct gc *gc, const struct cfs_object_info *info)
{
	if (gc->n_candidates == gc->capacity) {
		size_t capacity = gc->capacity ? gc->capacity * 2 : 1024;
		struct cfs_object_info *grown =
			reallocarray(gc->candidates, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		gc->candidates = grown;
		gc->capacity = capacity;
	}
	gc->candidates[gc->n_candidates++] = *info;
	return 0;
}

static bool has_limit(const struct gc *gc)
{
	return gc->options->max_size || gc->options->reserve;
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
		return add_candidate(gc, info);
	return drop(gc, info);
}

static int older_first(const void *a, const void *b)
{
	const struct cfs_object_info *x = a, *y = b;
	int order = timespec_compare(&x->used, &y->used);

	return order ? order :
		       memcmp(x->digest.bytes, y->digest.bytes, CFS_DIGEST_LEN);
}

/* Bytes that have to go for max_size, given what the walk found. */
static uint64_t over_max_size(const struct gc *gc)
{
	const struct cfs_gc_report *report = &gc->report;
	uint64_t total = report->pinned.bytes + report->young.bytes;
	uint64_t max = gc->options->max_size;
	uint64_t low = gc->options->low_water;

	for (size_t i = 0; i < gc->n_candidates; i++)
		total += gc->candidates[i].disk_size;
	if (!max || total <= max)
		return 0;
	return total - (low ? low : max - max / 10);
}

/* Bytes that have to go for the reserve. */
static int over_reserve(const struct gc *gc, uint64_t *ret)
{
	struct statvfs fs;
	uint64_t free_bytes;

	*ret = 0;
	if (!gc->options->reserve)
		return 0;
	if (fstatvfs(cfs_store_objects_fd(gc->store), &fs) < 0)
		return -errno;
	free_bytes = (uint64_t)fs.f_bavail * fs.f_frsize;
	if (free_bytes < gc->options->reserve)
		*ret = gc->options->reserve - free_bytes +
		       gc->options->reserve / 10;
	return 0;
}

static int drop_to_limit(struct gc *gc)
{
	uint64_t excess = over_max_size(gc), excess_of_reserve;
	int err = over_reserve(gc, &excess_of_reserve);

	if (err < 0)
		return err;
	if (excess < excess_of_reserve)
		excess = excess_of_reserve;
	if (gc->n_candidates)
		qsort(gc->candidates, gc->n_candidates,
		      sizeof(*gc->candidates), older_first);
	for (size_t i = 0; i < gc->n_candidates; i++) {
		const struct cfs_object_info *candidate = &gc->candidates[i];

		if (gc->report.removed.bytes >= excess) {
			count(&gc->report.spare, candidate->disk_size);
			continue;
		}
		err = drop(gc, candidate);
		if (err)
			return err;
	}
	gc->report.enough = gc->report.removed.bytes >= excess;
	return 0;
}

static bool needed_in_part(void *context, const struct cfs_digest *digest)
{
	struct gc *gc = context;
	struct cfs_object_info info;
	size_t n;

	return cfs_store_refs_find(gc->refs, digest, &n) &&
	       cfs_store_object_look(gc->store, digest, &info) == CFS_STORE_MISS;
}

/* Of a dry run all objects are still there, and so nothing is left over. */
static int sweep_extras(struct gc *gc)
{
	static const char *const of_objects[] = { "verity", "zst" };
	static const char *const of_images[] = { "packs", "profiles" };
	bool dry_run = gc->options->dry_run;
	uint64_t *bytes = &gc->report.removed.bytes;
	int err = 0;

	for (size_t i = 0; i < 2 && err == 0; i++)
		err = cfs_store_extra_sweep(gc->store, of_objects[i], dry_run,
					    bytes);
	for (size_t i = 0; i < 2 && err == 0; i++)
		err = cfs_store_extra_sweep_images(gc->store, of_images[i],
						   dry_run, bytes);
	if (err == 0)
		err = cfs_partial_sweep(gc->store, needed_in_part, gc, dry_run,
					bytes);
	if (err == 0 && !dry_run)
		*bytes += cfs_store_sweep(gc->store, true);
	return err;
}

static int walk_and_drop(struct gc *gc)
{
	int err = 0;

	for (int folder = 0; folder < CFS_STORE_FOLDERS && err == 0; folder++)
		err = cfs_store_folder_each(gc->store, (uint8_t)folder, visit,
					    gc);
	if (err == 0 && has_limit(gc))
		err = drop_to_limit(gc);
	return err == 0 ? sweep_extras(gc) : err;
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
	free(gc.candidates);
	if (err == 0)
		*ret = gc.report;
	else
		cfs_store_explain(store, err, msg);
	return err;
}
