// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/base/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

/* What tells two mounts apart; the device where the kernel has no number for them. */
struct mount_identity {
	bool numbered;
	uint64_t number;
	dev_t device;
};

static int identify(int fd, struct mount_identity *ret)
{
	struct statx stx;
	struct stat st;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) == 0 &&
	    stx.stx_mask & STATX_MNT_ID) {
		*ret = (struct mount_identity){
			.numbered = true,
			.number = stx.stx_mnt_id,
		};
		return 0;
	}
	if (fstat(fd, &st) < 0)
		return -errno;
	*ret = (struct mount_identity){ .device = st.st_dev };
	return 0;
}

static int check_mount(int fd, const struct mount_identity *want)
{
	struct mount_identity found;
	int err = identify(fd, &found);

	if (err < 0)
		return err;
	return found.numbered == want->numbered &&
	       found.number == want->number && found.device == want->device ?
		       0 : -EXDEV;
}

/* Open one component; with O_PATH or O_DIRECTORY a link is not told by the errno. */
static int open_component(int dir_fd, const char *name, int flags, mode_t mode)
{
	struct stat st;
	int fd;

	if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0)
		return -EXDEV;
	fd = openat(dir_fd, name, flags | O_NOFOLLOW | O_CLOEXEC, mode);
	if (fd >= 0 && flags & O_PATH && !(flags & O_DIRECTORY) &&
	    fstat(fd, &st) == 0 && S_ISLNK(st.st_mode)) {
		close(fd);
		return -ELOOP;
	}
	if (fd >= 0)
		return fd;
	if (errno == ENOTDIR &&
	    fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return S_ISLNK(st.st_mode) ? -ELOOP : -ENOTDIR;
	return -errno;
}

static int open_by_steps(int dir_fd, const char *path, int flags, mode_t mode)
{
	CLEANUP_CLOSE int fd = -1;
	struct mount_identity mount;
	int err = identify(dir_fd, &mount);

	if (err < 0)
		return err;
	if (*path == '\0')
		return -ENOENT;
	do {
		size_t len = strcspn(path, "/");
		bool last = path[len] == '\0';
		char name[256];
		int next_fd;

		if (len == 0)
			return -EXDEV;
		if (len >= sizeof(name))
			return -ENAMETOOLONG;
		memcpy(name, path, len);
		name[len] = '\0';
		next_fd = open_component(fd >= 0 ? fd : dir_fd, name,
					 last ? flags : O_PATH | O_DIRECTORY,
					 mode);
		if (next_fd < 0)
			return next_fd;
		cleanup_close(&fd);
		fd = next_fd;
		err = check_mount(fd, &mount);
		if (err < 0)
			return err;
		path += len + (last ? 0 : 1);
	} while (*path);
	return take_fd(&fd);
}

int beneath_open(int dir_fd, const char *path, int flags, mode_t mode)
{
	const struct open_how how = {
		/* Not O_NOFOLLOW: then a link would be opened, not refused. */
		.flags = (uint64_t)(flags | O_CLOEXEC),
		.mode = flags & O_CREAT ? mode : 0,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS |
			   RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};
	int fd = (int)syscall(SYS_openat2, dir_fd, path, &how, sizeof(how));

	if (fd >= 0)
		return fd;
	/* EPERM: a filter of system calls that does not know this one. */
	if (errno == ENOSYS || errno == EPERM)
		return open_by_steps(dir_fd, path, flags, mode);
	return -errno;
}
