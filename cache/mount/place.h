/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A place where mounts can be put together, in a mount namespace that a process of its
 * own has.
 *
 * File systems that are stacked on others take only layers that are attached
 * somewhere.  What has no place in the caller's tree (an image's EROFS, a
 * fetcher's FUSE mount) gets one here: a tmpfs, which is the current folder
 * there.  No other process ever sees it, and it is gone when that process is, however it
 * ends.  The caller's root may be a chroot, its folder a removed one, and /proc is not
 * needed: it never leaves its namespace.
 *
 *	caller				the process in the place
 *	fork			-->	namespace, tmpfs, layers attached
 *	waits				calls the function
 *	answer, descriptor	<--	ends
 *
 * Ownership: everything passed in is borrowed.  The calling process must have one thread,
 * and SIGCHLD not be ignored.
 */
#ifndef CACHE_MOUNT_PLACE_H
#define CACHE_MOUNT_PLACE_H

#include <stddef.h>

#include "cache/base/errmsg.h"

/* The kernel's limit for the value of an option, with the NUL. */
#define MOUNT_VALUE_MAX	256

/**
 * struct mount_layer - a folder of objects
 * @path: absolute; below @inside, if there is one, relative to its root
 * @inside: a mount that is attached nowhere, or -1
 */
struct mount_layer {
	const char *path;
	int inside;
};

/**
 * typedef mount_place_fn - called once, in the place, by the process there: what it
 *	changes in memory the caller does not see
 * @ret_fd: is -1; what it is set to is given to the caller
 *
 * Return: 0 or -errno.
 */
typedef int (*mount_place_fn)(void *context, int *ret_fd, struct errmsg *msg);

/**
 * mount_place_run() - have something done in the place
 * @folder: any existing one; hidden, to the process there only, for that long
 * @layers: whose @inside is attached first
 * @n_layers: how many
 * @ret_fd: the descriptor that @fn gave, owned by the caller; untouched if it gave none
 *
 * Return: 0, what @fn returned, or -errno.
 */
int mount_place_run(const char *folder, const struct mount_layer *layers,
		    size_t n_layers, mount_place_fn fn, void *context,
		    int *ret_fd, struct errmsg *msg);

/** mount_place_attach() - attach a mount as a new folder of the place */
int mount_place_attach(int mount_fd, const char *name);

/**
 * mount_place_layer() - a layer's path, from the place
 * @i: its number
 *
 * Return: 0, or -ENAMETOOLONG if it is too long for an option.
 */
int mount_place_layer(const struct mount_layer *layer, size_t i,
		      char ret[MOUNT_VALUE_MAX]);

/**
 * mount_place_short() - a short path of a layer, of letters and digits only
 * @i: its number
 *
 * Return: 0 or -errno.
 */
int mount_place_short(const struct mount_layer *layer, size_t i,
		      char ret[MOUNT_VALUE_MAX]);

#endif /* CACHE_MOUNT_PLACE_H */
