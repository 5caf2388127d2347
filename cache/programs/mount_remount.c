// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Changing what is mounted:
 *
 *	flags			of the mount, by either back end
 *	ro, rw			of overlayfs with upperdir=
 *	folders, fetcher	with composefs.ko only
 *
 * What is in force already may be named again, as fstab does.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "cache/base/cleanup.h"
#include "cache/mount/attached.h"
#include "cache/mount/context.h"
#include "cache/mount/kernel.h"
#include "cache/programs/mount_request.h"

/* All that mount(8) has words for: what is not asked for is taken off. */
#define ATTRIBUTES	(MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | \
			 MOUNT_ATTR_NOEXEC | MOUNT_ATTR__ATIME | \
			 MOUNT_ATTR_NODIRATIME | MOUNT_ATTR_NOSYMFOLLOW)

/* What the first layer is called if it is a folder that was opened before. */
#define OPENED_LAYER	"m0"

#define ANEW	"unmount it and mount it again"

static int check_digest(const struct request *r,
			const struct mount_attached *now, struct errmsg *msg)
{
	char hex[CFS_DIGEST_HEX_LEN + 1] = "any image";

	if (!r->options.has_digest ||
	    (now->pinned &&
	     cfs_digest_equal(&now->digest, &r->options.digest)))
		return 0;
	if (now->pinned)
		cfs_digest_format(&now->digest, hex);
	return errmsg_set(msg, -EINVAL,
			  "%s: is pinned to %s; for the digest= that is asked for, " ANEW,
			  r->target, hex);
}

/* The folders of a mount by overlayfs are for ever what they are. */
static int check_folders(const struct request *r,
			 const struct mount_attached *now, struct errmsg *msg)
{
	struct mount_basedirs basedirs = { .n = 0 };
	int err;
	size_t i;

	if (!r->options.store && !r->options.n_basedirs)
		return 0;
	err = mount_basedirs_resolve(&r->options, &basedirs, msg);
	/* A store that root does not own: its path is not in the table of mounts. */
	i = r->options.store && mount_attached_looks_into(now, OPENED_LAYER);
	for (; err == 0 && i < basedirs.n; i++)
		if (!basedirs.dirs[i].fetches &&
		    !mount_attached_looks_into(now, basedirs.dirs[i].path))
			err = errmsg_set(msg, -EINVAL,
					 "%s: overlayfs can't look for objects elsewhere, in %s: " ANEW,
					 r->target, basedirs.dirs[i].path);
	mount_basedirs_free(&basedirs);
	return err;
}

static int set_writable(int target_fd, bool writable, struct errmsg *msg)
{
	CLEANUP_CLOSE int fd = -1;
	int err = mount_context_pick(target_fd, &fd, msg);

	if (err == 0)
		err = mount_context_flag(fd, writable ? "rw" : "ro", msg);
	if (err == 0)
		err = mount_context_reconfigure(fd, msg);
	return err;
}

static int set_attributes(const struct request *r, int target_fd, bool read_only,
			  const struct mount_attached *now, struct errmsg *msg)
{
	struct mount_attr attr = { .attr_clr = ATTRIBUTES };

	attr.attr_set = r->options.attributes;
	if (read_only)
		attr.attr_set |= MOUNT_ATTR_RDONLY;
	/* As when it was mounted: an image that only its mirror vouches for. */
	if (!now->pinned && mount_source_is_url(now->source))
		attr.attr_set |= MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	if (mount_setattr(target_fd, "", AT_EMPTY_PATH, &attr,
			  sizeof(attr)) < 0)
		return errmsg_set(msg, -errno, "%s: remount: %s", r->target,
				  strerror(errno));
	return 0;
}

static int remount_overlay(const struct request *r, int target_fd,
			   const struct mount_attached *now,
			   struct errmsg *msg)
{
	const struct mount_options *o = &r->options;
	bool has_upper = mount_attached_option(now, "upperdir=");
	bool read_only = o->read_only || !has_upper;
	int err = check_folders(r, now, msg);

	if (err == 0 && o->upperdir && !has_upper)
		err = errmsg_set(msg, -EINVAL,
				 "%s: has no upperdir=; for one, " ANEW,
				 r->target);
	if (err == 0 && has_upper)
		err = set_writable(target_fd, !read_only, msg);
	if (err == 0)
		err = set_attributes(r, target_fd, read_only, now, msg);
	if (err == 0 && o->n_mirrors)
		say("%s: the fetcher stays as it is: only composefs.ko can take another; with overlayfs, " ANEW,
		    r->target);
	return err;
}

static int replace_layers(struct request *r, int target_fd, struct errmsg *msg)
{
	char *mirrors[MOUNT_MIRRORS_MAX + 1], *paths[MOUNT_BASEDIRS_MAX] = { NULL };
	struct mount_layer layers[MOUNT_BASEDIRS_MAX + 1];
	struct kernel_mount m = { .layers = layers, .place = r->target };
	CLEANUP_CLOSE int fetch_fd = -1;
	struct mount_fetcher fetcher;
	int n, err = find_objects(r, msg);

	if (err < 0)
		return err;
	fetcher = make_fetcher(r, mirrors);
	if (fetcher.n_mirrors && !r->options.has_digest)
		return errmsg_set(msg, -EINVAL,
				  "mirror= needs digest= here: the fetcher must know the image");
	if (fetcher.n_mirrors)
		err = mount_fetcher_start(&fetcher, &r->options.digest,
					  &fetch_fd, msg);
	if (err < 0)
		return err;
	n = make_layers(r, false, fetch_fd, layers, paths);
	if (n < 0)
		err = n;
	else
		m.n_layers = n;
	if (err == 0)
		err = mount_kernel_replace_layers(target_fd, &m, msg);
	free_layer_paths(paths);
	return err;
}

/* mount(8) repeats the basedir= of /proc/mounts, in which "m1" is a fetcher. */
static bool same_basedirs(const struct mount_options *o,
			  const struct mount_attached *now)
{
	struct mount_options in_force;
	bool same;
	size_t i;

	mount_options_init(&in_force);
	same = mount_options_parse(&in_force, now->options, true, NULL) == 0 &&
	       in_force.n_basedirs == o->n_basedirs;
	for (i = 0; same && i < o->n_basedirs; i++)
		same = strcmp(in_force.basedirs[i], o->basedirs[i]) == 0;
	mount_options_free(&in_force);
	return same;
}

static int remount_kernel(struct request *r, int target_fd,
			  const struct mount_attached *now, struct errmsg *msg)
{
	const struct mount_options *o = &r->options;
	int err = 0;

	if (o->store || (o->n_basedirs && !same_basedirs(o, now)))
		err = replace_layers(r, target_fd, msg);
	if (err == 0)
		err = set_attributes(r, target_fd, true, now, msg);
	return err;
}

int remount_image(struct request *r, int target_fd, struct errmsg *msg)
{
	struct mount_attached now;
	int err = mount_attached_find(target_fd, r->target, &now, msg);

	if (err < 0)
		return err;
	err = check_digest(r, &now, msg);
	if (err == 0 && now.by == MOUNT_ATTACHED_OVERLAY)
		err = remount_overlay(r, target_fd, &now, msg);
	else if (err == 0)
		err = remount_kernel(r, target_fd, &now, msg);
	mount_attached_free(&now);
	return err;
}
