/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /proc/self/mountinfo says of a mount: which back end it has, which image it is
 * pinned to, and where it looks for objects.
 *
 *	type composefs	digest=HEX and basedir=A:B among its options
 *	type overlay	lowerdir+=composefs[-HEX],datadir+=A,datadir+=B
 *
 * Ownership: mount_attached_find() gives the caller strings to mount_attached_free().
 */
#ifndef CACHE_MOUNT_ATTACHED_H
#define CACHE_MOUNT_ATTACHED_H

#include <stdbool.h>

#include "cache/base/errmsg.h"
#include "cache/verity/digest.h"

/* What overlayfs' lowest layer is called; followed by "-" and the digest if that is pinned. */
#define MOUNT_ATTACHED_IMAGE	"composefs"

enum mount_attached_by {
	MOUNT_ATTACHED_KERNEL,
	MOUNT_ATTACHED_OVERLAY,
};

/**
 * struct mount_attached - a mount of an image
 * @by: its back end
 * @source: as /proc/mounts shows it
 * @options: of the mount and of the file system, joined by commas, with a comma before
 *	the first one
 * @pinned: @digest is in force
 */
struct mount_attached {
	enum mount_attached_by by;
	char *source;
	char *options;
	bool pinned;
	struct cfs_digest digest;
};

/**
 * mount_attached_find() - what is mounted there?
 * @fd: any descriptor of its root, O_PATH for instance
 * @path: of it, for messages
 * @ret: untouched on failure
 *
 * Return: 0, -EINVAL if it is no image, or -errno (there is no /proc, for instance).
 */
int mount_attached_find(int fd, const char *path, struct mount_attached *ret,
			struct errmsg *msg);

/**
 * mount_file_system_of() - the file system that a file or folder is on
 * @fd: any descriptor of it
 * @ret_type: its type ("ext4"), owned by the caller
 * @ret_source: its device, as /proc/mounts shows it, owned by the caller
 *
 * Return: 0 or -errno; both are untouched then.
 */
int mount_file_system_of(int fd, char **ret_type, char **ret_source);

/** mount_attached_option() - is there an option that begins like this ("upperdir=")? */
bool mount_attached_option(const struct mount_attached *attached,
			   const char *begin);

/**
 * mount_attached_looks_into() - is this one of the folders of objects?
 * @folder: absolute, without symlinks
 *
 * Return: false if not; true also if the kernel shows other names for its folders.
 */
bool mount_attached_looks_into(const struct mount_attached *attached,
			       const char *folder);

/** mount_attached_free() - release what it holds; the struct is the caller's */
void mount_attached_free(struct mount_attached *attached);

#endif /* CACHE_MOUNT_ATTACHED_H */
