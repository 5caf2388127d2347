/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the checks that a mount asks for come to on these file systems.  Never
 * silently weaker: what can't be had is refused, or warned of if the mount said
 * that it may be.
 *
 *	verity_check	an object is opened if
 *	0		it is there (what was fetched was checked before it got
 *			its name)
 *	1		it has the fs-verity digest that the image names, if any
 *	2		it has the fs-verity digest that the image names
 *
 * Everything is borrowed for the duration of the call.
 */
#ifndef CACHE_MOUNT_VERITY_H
#define CACHE_MOUNT_VERITY_H

#include "cache/base/errmsg.h"
#include "cache/verity/digest.h"
#include "cache/mount/options.h"

enum {
	MOUNT_VERITY_NONE = 1,	/* there is no fs-verity below: worth a word */
};

/**
 * mount_verity_settle() - can the folders of objects give what was asked for?
 * @options: verity_check is lowered to 0 if there is no fs-verity and try_verity
 * @folders: of objects, without fetchers
 * @n_folders: how many
 * @msg: names the folder without fs-verity, also with MOUNT_VERITY_NONE
 *
 * Return: 0, MOUNT_VERITY_NONE if verity_check is 0 and a folder has no
 * fs-verity, -EOPNOTSUPP if more was asked for than there is, or -errno.
 */
int mount_verity_settle(struct mount_options *options,
			const char *const *folders, size_t n_folders,
			struct errmsg *msg);

/**
 * mount_verity_check_image() - is this image the one of digest=?
 * @options: with has_digest; verity_check may be lowered as above
 * @path: of the image, for messages
 * @image_fd: the image
 * @msg: says what is wrong
 *
 * The kernel's measured digest decides.  An image without fs-verity is hashed
 * here, but only with verity_check=0 and without image_verity: nothing keeps its
 * bytes from changing afterwards.
 *
 * Return: 0, MOUNT_VERITY_NONE if it was hashed here, -EBADMSG if it is another
 * image, -EOPNOTSUPP if it has no fs-verity but must, or -errno.
 */
int mount_verity_check_image(struct mount_options *options, const char *path,
			     int image_fd, struct errmsg *msg);

#endif /* CACHE_MOUNT_VERITY_H */
