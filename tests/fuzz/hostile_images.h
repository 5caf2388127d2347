/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Images made by hand to do harm: one for each kind of mistake that readers of file
 * systems have made.  Each is tests/unit/tiny_image.h's image with a few fields changed.
 *
 * Read in userspace by tests/unit/test_hostile_images.c, mounted by
 * tests/vm/mount_hostile.c; both know from here what must be seen.
 */
#ifndef TESTS_FUZZ_HOSTILE_IMAGES_H
#define TESTS_FUZZ_HOSTILE_IMAGES_H

#include <stddef.h>
#include <stdint.h>

/* What somebody does with the mounted image, at @path below the mount point. */
enum hostile_step {
	HOSTILE_MOUNT,
	HOSTILE_LIST,		/* readdir() to the end */
	HOSTILE_STAT,
	HOSTILE_NLINK,		/* stat(), and st_nlink is @seen */
	HOSTILE_SIZE,		/* the same, st_size */
	HOSTILE_UID,
	HOSTILE_MTIME,
	HOSTILE_OPEN,
	HOSTILE_LISTXATTR,
	HOSTILE_GETXATTR,	/* security.selinux */
	HOSTILE_ACL,		/* getxattr() of system.posix_acl_access */
};

/* Little-endian @value, @width bytes, at @offset; none if @width is 0. */
struct hostile_patch {
	uint32_t offset;
	uint32_t width;
	uint64_t value;
};

/**
 * struct hostile_image - one image and what becomes of it
 * @make: more than fields can say; NULL: nothing more
 * @truncate: bytes of the image that are left, 0: all
 * @reader: 0 or -errno of cfs_image_open(), else of cfs_image_check()
 * @kernel: 0 or -errno of @step
 * @seen: what a @step without an error shows
 */
struct hostile_image {
	const char *name;
	struct hostile_patch patches[4];
	void (*make)(uint8_t *bytes);
	uint32_t truncate;
	int reader;
	enum hostile_step step;
	const char *path;
	int kernel;
	uint64_t seen;
};

extern const struct hostile_image hostile_images[];
extern const size_t hostile_images_count;

/**
 * hostile_image_make() - the bytes of an image
 * @bytes: the tiny image, changed in place
 *
 * Return: the image's size, at most the tiny image's.
 */
size_t hostile_image_make(const struct hostile_image *image, uint8_t *bytes);

#endif /* TESTS_FUZZ_HOSTILE_IMAGES_H */
