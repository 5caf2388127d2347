/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * mount.composefs from the inside: one mount, step by step.
 *
 *	file			step
 *	mount.composefs.c	arguments in, steps in order, exit status out
 *	mount_get_image.c	where objects are, the image, what vouches for it
 *	mount_backend.c		composefs.ko, or EROFS and overlayfs
 *	mount_sizes.c		objects of a wrong size are not served
 *	mount_remount.c		what is mounted already
 */
#ifndef CACHE_PROGRAMS_MOUNT_REQUEST_H
#define CACHE_PROGRAMS_MOUNT_REQUEST_H

#include <stdbool.h>

#include "cache/base/errmsg.h"
#include "cache/mount/basedirs.h"
#include "cache/mount/fetcher.h"
#include "cache/mount/options.h"
#include "cache/mount/place.h"
#include "cache/mount/source.h"
#include "cache/store/store.h"

/**
 * struct request - one mount; owned by main(), filled step by step
 * @options_text: all that was given with -o
 * @store: that the image is in; NULL if nothing fetches
 * @store_absent: what had to be made of options.store, to be taken back on failure
 * @lock_fd: keeps gc away from @store, or -1
 * @image_name: for messages
 * @digest: of an image in @store
 * @objects_fd: the store's objects/, as a mount that is attached nowhere, if its
 *	path may lead elsewhere by the time that the kernel resolves it; else -1
 * @sealed: the kernel measured digest= on the image, and can do so again
 * @weak: which folder has no fs-verity; empty if all have
 */
struct request {
	const char *source;
	const char *target;
	char *options_text;
	struct mount_options options;
	struct mount_basedirs basedirs;
	bool fake;
	bool verbose;

	bool is_url;
	struct mount_source url;
	struct cfs_store *store;
	char *store_path;
	int objects_fd;
	unsigned int store_absent;
	int lock_fd;

	int image_fd;
	char image_name[512];
	struct cfs_digest digest;
	bool has_acl;
	bool sealed;
	struct errmsg weak;
};

/** say() - a line on stderr */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));

/** find_objects() - basedirs, store, and whether they can be verified */
int find_objects(struct request *r, struct errmsg *msg);

/** get_image() - from its file or its mirror; into the store if anything fetches */
int get_image(struct request *r, struct errmsg *msg);

/** check_image() - against digest=, or as something that nobody vouches for */
int check_image(struct request *r, struct errmsg *msg);

/**
 * check_object_sizes() - compare the objects that are here with the image, by stat only
 *
 * For a mount that does not check objects when they are opened.  One of a wrong size is moved
 * aside if it can be fetched again.
 *
 * Return: 0, -EUCLEAN (a damaged object, named in @msg) or -errno.
 */
int check_object_sizes(struct request *r, struct errmsg *msg);

/** forget_image() - the mount failed: an image that is not trusted keeps no name */
void forget_image(struct request *r);

/** make_fetcher() - how to run cfs-fetch; @mirrors has room for all of them */
struct mount_fetcher make_fetcher(const struct request *r,
				  char *mirrors[MOUNT_MIRRORS_MAX + 1]);

/** mount_image() - the mount, attached nowhere; @ret_fd is the caller's */
int mount_image(struct request *r, int *ret_fd, struct errmsg *msg);

/**
 * make_layers() - the folders of objects, as layers
 * @fetch_fd: the mount of this mount's own fetcher, or -1
 * @layers: room for MOUNT_BASEDIRS_MAX + 1
 * @paths: MOUNT_BASEDIRS_MAX times NULL; to free_layer_paths() when @layers was used,
 *	on failure too
 *
 * Return: how many layers, or -ENOMEM.
 */
int make_layers(const struct request *r, bool overlay, int fetch_fd,
		struct mount_layer *layers, char **paths);

/** free_layer_paths() - release what make_layers() made */
void free_layer_paths(char *paths[MOUNT_BASEDIRS_MAX]);

/** remount_image() - what is mounted at @target_fd becomes as the options say */
int remount_image(struct request *r, int target_fd, struct errmsg *msg);

#endif /* CACHE_PROGRAMS_MOUNT_REQUEST_H */
