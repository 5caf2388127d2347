// SPDX-License-Identifier: GPL-2.0-or-later
/* What the checks that a mount asks for come to on these file systems. */
#include "cache/mount/verity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/mount/attached.h"
#include "cache/verity/measure.h"
#include "cache/verity/hash.h"

/* Scripts look for this beginning and for the other one, of compare(). */
#define NO_VERITY	"Image has no fs-verity"

/* 1 if files of this folder can have fs-verity, 0 if not, or -errno. */
static int folder_has_verity(const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct cfs_digest digest;

	if (fd < 0)
		return -errno;
	return cfs_object_measure(fd, &digest) == -ENODATA;
}

/* What gives a folder's file system fs-verity, as it has to be typed. */
static void say_how(const char *folder, char *ret, size_t size)
{
	CLEANUP_CLOSE int fd = open(folder, O_PATH | O_CLOEXEC);
	CLEANUP_FREE char *type = NULL;
	CLEANUP_FREE char *device = NULL;

	if (fd >= 0 && mount_file_system_of(fd, &type, &device) == 0 &&
	    strcmp(type, "ext4") == 0 && device[0] == '/')
		snprintf(ret, size, "type, once: tune2fs -O verity %s", device);
	else
		snprintf(ret, size, "have the store on a file system with fs-verity, made with mkfs.ext4 -O verity DEVICE%s%s",
			 type ? ": this one is of the type " : "",
			 type ? type : "");
}

/* @how: besides tryverity, what can be done about it. */
static int refuse_or_lower(struct mount_options *options, const char *first,
			   const char *second, const char *how,
			   struct errmsg *msg)
{
	if (options->verity_check == 0 || options->try_verity) {
		options->verity_check = 0;
		errmsg_set(msg, -EOPNOTSUPP, "%s: %s", first, second);
		return MOUNT_VERITY_NONE;
	}
	return errmsg_set(msg, -EOPNOTSUPP,
			  "%s: %s. Either %s: then objects are checked when they are fetched, not when they are read. Or %s",
			  first, second, options->says_verity ?
			  "give tryverity in place of verity and verity_check=" :
			  "add ,tryverity to the options",
			  how);
}

int mount_verity_settle(struct mount_options *options,
			const char *const *folders, size_t n_folders,
			struct errmsg *msg)
{
	char how[256];
	size_t i;

	for (i = 0; i < n_folders; i++) {
		int has = folder_has_verity(folders[i]);

		if (has < 0)
			return errmsg_set(msg, has, "%s: %s", folders[i],
					  strerror(-has));
		if (has)
			continue;
		say_how(folders[i], how, sizeof(how));
		return refuse_or_lower(options, folders[i],
				       "the file system has no fs-verity", how,
				       msg);
	}
	return 0;
}

static int compare(const struct mount_options *options, const char *path,
		   const struct cfs_digest *digest, struct errmsg *msg)
{
	char got[CFS_DIGEST_HEX_LEN + 1], want[CFS_DIGEST_HEX_LEN + 1];

	if (cfs_digest_equal(digest, &options->digest))
		return 0;
	cfs_digest_format(digest, got);
	cfs_digest_format(&options->digest, want);
	return errmsg_set(msg, -EBADMSG,
			  "Image has wrong fs-verity: %s: its digest is %s, not %s",
			  path, got, want);
}

int mount_verity_check_image(struct mount_options *options, const char *path,
			     int image_fd, struct errmsg *msg)
{
	struct cfs_digest digest;
	int lowered, err = cfs_object_measure(image_fd, &digest);

	if (err == 0)
		return compare(options, path, &digest, msg);
	if (err != -ENODATA && err != -EOPNOTSUPP)
		return errmsg_set(msg, err, "%s: fs-verity: %s", path,
				  strerror(-err));
	if (options->image_verity)
		return errmsg_set(msg, -EOPNOTSUPP,
				  NO_VERITY ": %s: image_verity asks for it",
				  path);
	lowered = refuse_or_lower(options, NO_VERITY, path,
				  "type, once: fsverity enable IMAGE, where its file system has fs-verity",
				  msg);
	if (lowered < 0)
		return lowered;
	err = cfs_verity_hash_fd(image_fd, UINT64_MAX, &digest, NULL);
	if (err < 0)
		return errmsg_set(msg, err, "%s: %s", path, strerror(-err));
	err = compare(options, path, &digest, msg);
	return err < 0 ? err : MOUNT_VERITY_NONE;
}
