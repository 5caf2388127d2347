// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Overlayfs without fs-verity serves an object of any size: a file that was cut short would
 * be short data, or zeros.  So the sizes are compared before such a mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/image/file.h"
#include "cache/image/objects.h"
#include "cache/programs/mount_request.h"
#include "cache/store/heal.h"

struct sizes {
	struct request *r;
	struct errmsg *msg;
	int folder_fds[MOUNT_BASEDIRS_MAX];	/* -1: not looked into */
};

static void close_image(struct cfs_image_file **image)
{
	cfs_image_file_close(*image);
}

/* The first folder that has the path is the one that is read from. */
static size_t find(const struct sizes *sizes, const char *path, struct stat *ret)
{
	size_t i;

	for (i = 0; i < sizes->r->basedirs.n; i++)
		if (sizes->folder_fds[i] >= 0 &&
		    fstatat(sizes->folder_fds[i], path, ret,
			    AT_SYMLINK_NOFOLLOW) == 0)
			break;
	return i;
}

static int check_size(void *context, const struct cfs_image_object *object)
{
	struct sizes *sizes = context;
	struct request *r = sizes->r;
	struct stat st;
	size_t i;
	int err;

	if (!object->path[0])
		return 0;
	i = find(sizes, object->path, &st);
	if (i == r->basedirs.n ||
	    (S_ISREG(st.st_mode) && (uint64_t)st.st_size == object->size))
		return 0;
	/* By its bytes: the image may be what is wrong, and others need the object. */
	if (r->store && object->need != CFS_NEED_FILE) {
		err = cfs_object_heal(r->store, &object->digest, UINT64_MAX);
		if (err == 0 && find(sizes, object->path, &st) == r->basedirs.n) {
			say("%s: object %s had another size than the image says: moved to quarantine, and fetched again when it is read",
			    object->file, object->path);
			return 0;
		}
		if (err == CFS_HEAL_SOUND)
			return errmsg_set(sizes->msg, -EUCLEAN,
					  "%s: %s: the image says %" PRIu64 " bytes, but its object %s is whole and has another size",
					  r->image_name, object->file,
					  object->size, object->path);
	}
	return errmsg_set(sizes->msg, -EUCLEAN,
			  "%s: object %s/%s is damaged: it has %" PRIu64 " bytes and not %" PRIu64 "; cfs-store verify --repair moves it aside, and brings it back with --mirror=URL",
			  object->file, r->basedirs.dirs[i].path, object->path,
			  (uint64_t)st.st_size, object->size);
}

/*
 * -1: on FUSE, or not there.  A fetcher's folder would fetch each object that is looked
 * up in it, and a slow one keep the mount waiting.
 */
static int open_local(const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct statfs fs;

	return fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type != FUSE_SUPER_MAGIC ?
		       take_fd(&fd) : -1;
}

int check_object_sizes(struct request *r, struct errmsg *msg)
{
	CLEANUP(close_image) struct cfs_image_file *file = NULL;
	struct sizes sizes = { .r = r, .msg = msg };
	int fd = fcntl(r->image_fd, F_DUPFD_CLOEXEC, 0), err;
	size_t i;

	if (fd < 0)
		return -errno;
	err = cfs_image_file_open(fd, &file);
	if (err < 0)
		return err;
	for (i = 0; i < r->basedirs.n; i++)
		sizes.folder_fds[i] = open_local(r->basedirs.dirs[i].path);
	err = cfs_image_objects(cfs_image_file_image(file), check_size, &sizes);
	for (i = 0; i < r->basedirs.n; i++)
		cleanup_close(&sizes.folder_fds[i]);
	return err;
}
