// SPDX-License-Identifier: GPL-2.0-or-later
/* Mounting the image: through composefs.ko, or EROFS and overlayfs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "cache/base/cleanup.h"
#include "cache/mount/erofs.h"
#include "cache/mount/kernel.h"
#include "cache/mount/overlay.h"
#include "cache/programs/mount_request.h"

/* Overlayfs looks into the fetchers' second tree. */
int make_layers(const struct request *r, bool overlay, int fetch_fd,
		struct mount_layer *layers, char **paths)
{
	size_t i, n = 0;

	for (i = 0; i < r->basedirs.n; i++) {
		const char *path = r->basedirs.dirs[i].path;

		if (overlay && r->basedirs.dirs[i].fetches) {
			if (asprintf(&paths[i], "%s/retry", path) < 0) {
				paths[i] = NULL;
				return -ENOMEM;
			}
			path = paths[i];
		}
		if (overlay && i == 0 && r->objects_fd >= 0)
			layers[n++] = (struct mount_layer){ "", r->objects_fd };
		else
			layers[n++] = (struct mount_layer){ path, -1 };
	}
	if (fetch_fd >= 0)
		layers[n++] = (struct mount_layer){ overlay ? "retry" : "",
						    fetch_fd };
	return n;
}

static int set_idmap(int mount_fd, const char *path, struct errmsg *msg)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct mount_attr attr = { .attr_set = MOUNT_ATTR_IDMAP };

	if (fd >= 0) {
		attr.userns_fd = fd;
		if (mount_setattr(mount_fd, "", AT_EMPTY_PATH, &attr,
				  sizeof(attr)) == 0)
			return 0;
	}
	return errmsg_set(msg, -errno, "idmap=%s: %s", path, strerror(errno));
}

static int mount_with_kernel(struct request *r,
			     const struct mount_layer *layers, size_t n_layers,
			     int *ret_fd, struct errmsg *msg)
{
	const struct mount_options *o = &r->options;
	struct kernel_mount m = {
		.image_fd = r->image_fd,
		.layers = layers,
		.n_layers = n_layers,
		.digest = r->sealed ? &o->digest : NULL,
		.verity_check = o->verity_check,
		.attributes = o->attributes,
		.place = r->target,
	};
	int err = mount_kernel(&m, ret_fd, msg);

	if (err == 0 && o->idmap)
		err = set_idmap(*ret_fd, o->idmap, msg);
	return err;
}

/* The mount is put together somewhere else: paths have to be absolute. */
static int resolve(char **path, struct errmsg *msg)
{
	char *absolute;

	if (!*path)
		return 0;
	absolute = realpath(*path, NULL);
	if (!absolute)
		return errmsg_set(msg, -errno, "%s: %s", *path,
				  strerror(errno));
	free(*path);
	*path = absolute;
	return 0;
}

static int mount_with_overlay(struct request *r,
			      const struct mount_layer *layers, size_t n_layers,
			      int *ret_fd, struct errmsg *msg)
{
	struct mount_options *o = &r->options;
	CLEANUP_CLOSE int erofs_fd = -1;
	struct overlay_mount m = {
		.source = r->source,
		.digest = o->has_digest ? &o->digest : NULL,
		.layers = layers,
		.n_layers = n_layers,
		.verity_check = o->verity_check,
		.read_only = o->read_only,
		.attributes = o->attributes,
		.place = r->target,
	};
	int err = mount_erofs(r->image_fd, r->has_acl, &erofs_fd, msg);

	if (err == 0 && o->idmap)
		err = set_idmap(erofs_fd, o->idmap, msg);
	if (err < 0)
		return err;
	err = resolve(&o->upperdir, msg);
	if (err == 0)
		err = resolve(&o->workdir, msg);
	if (err < 0)
		return err;
	m.upperdir = o->upperdir;
	m.workdir = o->workdir;
	m.erofs_fd = erofs_fd;
	return mount_overlay(&m, OVERLAY_PARAMETERS, ret_fd, msg);
}

void free_layer_paths(char *paths[MOUNT_BASEDIRS_MAX])
{
	size_t i;

	for (i = 0; i < MOUNT_BASEDIRS_MAX; i++)
		free(paths[i]);
}

int mount_image(struct request *r, int *ret_fd, struct errmsg *msg)
{
	const struct mount_options *o = &r->options;
	char *mirrors[MOUNT_MIRRORS_MAX + 1], *paths[MOUNT_BASEDIRS_MAX] = { NULL };
	struct mount_layer layers[MOUNT_BASEDIRS_MAX + 1];
	struct mount_fetcher fetcher = make_fetcher(r, mirrors);
	CLEANUP_CLOSE int fetch_fd = -1;
	bool overlay;
	int n, err;

	overlay = o->backend == MOUNT_BACKEND_OVERLAY || o->upperdir ||
		  (o->backend == MOUNT_BACKEND_AUTO &&
		   !mount_kernel_available());
	if (r->verbose)
		say("backend %s, verity_check=%u",
		    overlay ? "overlay" : "kernel", o->verity_check);
	/* With verity the kernel wants the whole; composefs.ko, in the store. */
	fetcher.partial_reads = overlay && o->verity_check == 0;
	if (fetcher.partial_reads) {
		err = check_object_sizes(r, msg);
		if (err < 0)
			return err;
	}
	if (fetcher.n_mirrors) {
		err = mount_fetcher_start(&fetcher, &r->digest, &fetch_fd, msg);
		if (err < 0)
			return err;
	}
	n = make_layers(r, overlay, fetch_fd, layers, paths);
	if (n < 0)
		err = n;
	else if (overlay)
		err = mount_with_overlay(r, layers, n, ret_fd, msg);
	else
		err = mount_with_kernel(r, layers, n, ret_fd, msg);
	free_layer_paths(paths);
	return err;
}
