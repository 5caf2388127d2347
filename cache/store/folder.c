// SPDX-License-Identifier: GPL-2.0-or-later
/* The folders of a store, each reached from its descriptor and never by a path. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/beneath.h"
#include "cache/base/cleanup.h"
#include "cache/base/failpoint.h"
#include "cache/store/layout.h"
#include "cache/store/store.h"

/* Is the caller root, and the folder another user's? */
static bool is_guest(int parent_fd, uid_t *ret_uid, gid_t *ret_gid)
{
	struct stat st;

	if (geteuid() != 0 || fstat(parent_fd, &st) < 0 || st.st_uid == 0)
		return false;
	*ret_uid = st.st_uid;
	*ret_gid = st.st_gid;
	return true;
}

int store_make_dir(int parent_fd, const char *name, mode_t mode)
{
	CLEANUP_CLOSE int fd = -1;

	if (mkdirat(parent_fd, name, mode) < 0)
		return errno == EEXIST ? 0 : -errno;
	fd = openat(parent_fd, name,
		    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0)
		return fchmod(fd, mode) < 0 ? -errno : 0;
	/* Not readable, by an umask.  This needs /proc, which may not be there. */
	return fchmodat(parent_fd, name, mode, AT_SYMLINK_NOFOLLOW) < 0 ?
		       -errno : 0;
}

/*
 * Made with the owner's rights, so that it is the owner's from the beginning: the
 * name can be exchanged before anything could be done to a folder of root's.
 */
static int make_folder(int parent_fd, const char *name, mode_t mode)
{
	uid_t uid;
	gid_t gid;
	bool guest = is_guest(parent_fd, &uid, &gid);
	int err = FAILPOINT("store.mkdir");

	if (err < 0)
		return err;
	if (guest) {
		setfsgid(gid);
		setfsuid(uid);
	}
	err = store_make_dir(parent_fd, name, mode);
	if (guest) {
		setfsuid(geteuid());
		setfsgid(getegid());
	}
	return err;
}

/*
 * Whoever owns the parent can have moved a folder of another user there; what root
 * removes or renames in it would be that user's.
 */
static int check_owner(int parent_fd, int fd)
{
	struct stat st;
	uid_t uid;
	gid_t gid;

	if (!is_guest(parent_fd, &uid, &gid))
		return 0;
	if (fstat(fd, &st) < 0)
		return -errno;
	return st.st_uid == uid ? 0 : -EPERM;
}

/* Mounts are root's work; what is mounted there is what root wants there. */
static int open_mounted(int parent_fd, const char *name, int how)
{
	CLEANUP_CLOSE int fd = openat(parent_fd, name,
				      how | O_NOFOLLOW | O_CLOEXEC);
	struct statx stx;

	if (fd < 0 || statx(fd, "", AT_EMPTY_PATH, 0, &stx) < 0)
		return -errno;
	return stx.stx_attributes & STATX_ATTR_MOUNT_ROOT ? take_fd(&fd) :
							    -EXDEV;
}

static int open_one(int parent_fd, const char *name, unsigned int flags,
		    mode_t mode)
{
	int how = (flags & FOLDER_LIST ? O_RDONLY : O_PATH) | O_DIRECTORY;
	int fd = beneath_open(parent_fd, name, how, 0), err;

	if (fd == -EXDEV && flags & FOLDER_MOUNT)
		return open_mounted(parent_fd, name, how);

	if (fd == -ENOENT && flags & FOLDER_CREATE) {
		err = make_folder(parent_fd, name, mode);
		if (err < 0)
			return err;
		fd = beneath_open(parent_fd, name, how, 0);
	}
	if (fd < 0 || !(flags & (FOLDER_CHANGE | FOLDER_CREATE)))
		return fd;
	err = check_owner(parent_fd, fd);
	if (err < 0) {
		close(fd);
		return err;
	}
	return fd;
}

int store_folder_open(int parent_fd, const char *path, unsigned int flags,
		      mode_t mode)
{
	const char *slash = strchr(path, '/');
	CLEANUP_CLOSE int above_fd = -1;
	char above[32];

	if (parent_fd < 0)
		return -EOPNOTSUPP;
	if (!slash)
		return open_one(parent_fd, path, flags, mode);
	snprintf(above, sizeof(above), "%.*s", (int)(slash - path), path);
	above_fd = open_one(parent_fd, above, flags & ~FOLDER_LIST, mode);
	return above_fd < 0 ? above_fd :
			      open_one(above_fd, slash + 1, flags, mode);
}

int object_folder(const struct cfs_store *store, const struct cfs_digest *digest,
		  unsigned int flags, char ret_name[OBJECT_LEAF_LEN + 1])
{
	char name[CFS_OBJECT_NAME_LEN + 1];

	cfs_object_name_format(digest, name);
	name[2] = '\0';
	strcpy(ret_name, name + 3);
	return store_folder_open(store->objects_fd, name, flags, 0755);
}

int cfs_store_folder(struct cfs_store *store, const char *name, bool create,
		     int *ret_fd)
{
	int fd = store_folder_open(store->root_fd, name,
				   FOLDER_LIST | (create ? FOLDER_CREATE : 0),
				   0755);

	if (fd < 0)
		return fd == -ENOENT && !create ? CFS_STORE_MISS : fd;
	*ret_fd = fd;
	return 0;
}
