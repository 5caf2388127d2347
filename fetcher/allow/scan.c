// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "cache/base/cleanup.h"
#include "cache/base/timespec.h"
#include "cache/image/file.h"
#include "cache/image/objects.h"
#include "cache/store/store.h"
#include "cache/store/transient.h"
#include "fetcher/allow/scan.h"

/* Closer to the present than this, a folder may change and keep its time. */
#define SETTLED_NS	1000000000ll

struct allow_scan {
	struct cfs_store *store;
	struct allow_list *list;
	struct cfs_digest *only;
	size_t n_only;
	struct allow_image *images;
	size_t n_images;
	struct allow_paths paths;
	uint64_t changes;
	struct timespec mtime;		/* of STORE/images when it was read */
	bool settled;			/* the time says all about its contents */
};

struct image_context {
	struct allow_scan *scan;
	struct allow_image *image;
};

static int list_object(void *context, const struct cfs_image_object *object)
{
	struct image_context *c = context;
	int err;

	if (object->need == CFS_NEED_FILE) {
		if (!c->image->n_files++)
			c->image->file = strdup(object->file);
		return allow_paths_add(&c->scan->paths, object->path);
	}
	err = allow_list_add(c->scan->list, &object->digest, object->size,
			     c->image->slot, NULL);
	if (err == ALLOW_LIST_CLASH) {
		c->image->clashes++;
		return 0;
	}
	return err;
}

static int list_image(struct allow_scan *scan, struct allow_image *image)
{
	struct image_context context = { scan, image };
	struct cfs_image_file *file;
	int fd, err;

	err = cfs_store_get(scan->store, &image->digest, &fd);
	if (err)
		return err < 0 ? err : -ENOENT;
	err = cfs_image_file_open(fd, &file);
	if (err)
		return err;
	err = cfs_image_objects(cfs_image_file_image(file), list_object,
				&context);
	cfs_image_file_close(file);
	return err;
}

static struct allow_image *find_image(struct allow_scan *scan,
				      const struct cfs_digest *digest)
{
	for (size_t i = 0; i < scan->n_images; i++) {
		if (cfs_digest_equal(&scan->images[i].digest, digest))
			return &scan->images[i];
	}
	return NULL;
}

/* Also tries again what failed: the object of an image can come after its name. */
static int add_image(void *context, const char *name,
		     const struct cfs_digest *digest)
{
	struct allow_scan *scan = context;
	struct allow_image *image = find_image(scan, digest);
	struct allow_image *images;

	/* It is not trusted, and its mount has a fetcher of its own. */
	if (name && cfs_transient_is(scan->store, name))
		return 0;
	if (image && !image->err)
		return 0;
	if (!image) {
		images = reallocarray(scan->images, scan->n_images + 1,
				      sizeof(*images));
		if (!images)
			return -ENOMEM;
		scan->images = images;
		image = &images[scan->n_images];
		*image = (struct allow_image){
			.digest = *digest,
			.slot = scan->n_images < ALLOW_IMAGES_MAX - 1 ?
				(int)scan->n_images : ALLOW_IMAGES_MAX - 1,
		};
		if (name) {
			image->name = strdup(name);
			if (!image->name)
				return -ENOMEM;
		}
		scan->n_images++;
	}
	scan->changes++;
	image->clashes = 0;
	image->n_files = 0;
	free(image->file);
	image->file = NULL;
	image->err = list_image(scan, image);
	return image->err == -ENOMEM ? -ENOMEM : 0;
}

static int read_images(struct allow_scan *scan)
{
	struct timespec now, mtime;
	int err;

	if (scan->only) {
		for (size_t i = 0; i < scan->n_only; i++) {
			err = add_image(scan, NULL, &scan->only[i]);
			if (err)
				return err;
		}
		return 0;
	}
	clock_gettime(CLOCK_REALTIME, &now);
	err = cfs_store_images_changed(scan->store, &mtime);
	if (err)
		return err;
	err = cfs_store_image_each(scan->store, add_image, scan);
	if (err)
		return err;
	scan->mtime = mtime;
	scan->settled = (now.tv_sec - mtime.tv_sec) * 1000000000ll +
			(now.tv_nsec - mtime.tv_nsec) > SETTLED_NS;
	return 0;
}

int allow_scan_new(struct cfs_store *store, const struct cfs_digest *only,
		   size_t n_only, struct allow_scan **ret)
{
	struct allow_scan *scan = calloc(1, sizeof(*scan));
	int err;

	if (!scan)
		return -ENOMEM;
	scan->store = store;
	err = allow_list_new(&scan->list);
	if (!err && n_only) {
		scan->only = calloc(n_only, sizeof(*only));
		if (scan->only)
			memcpy(scan->only, only, n_only * sizeof(*only));
		else
			err = -ENOMEM;
		scan->n_only = n_only;
	}
	if (!err)
		err = read_images(scan);
	if (err) {
		allow_scan_free(scan);
		return err;
	}
	*ret = scan;
	return 0;
}

static void forget_images(struct allow_scan *scan)
{
	for (size_t i = 0; i < scan->n_images; i++) {
		free(scan->images[i].name);
		free(scan->images[i].file);
	}
	free(scan->images);
	allow_paths_clear(&scan->paths);
	scan->images = NULL;
	scan->n_images = 0;
}

void allow_scan_free(struct allow_scan *scan)
{
	if (!scan)
		return;
	forget_images(scan);
	free(scan->only);
	allow_list_free(scan->list);
	free(scan);
}

int allow_scan_refresh(struct allow_scan *scan)
{
	uint64_t before = allow_list_total(scan->list)->objects;
	struct timespec mtime;
	int err;

	if (scan->only)
		return ALLOW_SCAN_SAME;
	err = cfs_store_images_changed(scan->store, &mtime);
	if (err)
		return err;
	if (scan->settled && timespec_compare(&mtime, &scan->mtime) == 0)
		return ALLOW_SCAN_SAME;
	err = read_images(scan);
	if (err)
		return err;
	return allow_list_total(scan->list)->objects == before ?
	       ALLOW_SCAN_SAME : 0;
}

int allow_scan_again(struct allow_scan *scan)
{
	allow_list_clear(scan->list);
	forget_images(scan);
	return read_images(scan);
}

struct allow_list *allow_scan_list(struct allow_scan *scan)
{
	return scan->list;
}

const struct allow_paths *allow_scan_paths(const struct allow_scan *scan)
{
	return &scan->paths;
}

uint64_t allow_scan_changes(const struct allow_scan *scan)
{
	return scan->changes;
}

const struct allow_image *allow_scan_images(const struct allow_scan *scan,
					    size_t *ret_n)
{
	*ret_n = scan->n_images;
	return scan->images;
}
