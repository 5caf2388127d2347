// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "fetcher/programs/own_namespace.h"

/* Name look-ups, certificates, random numbers, the log. */
static const char *const always[] = {
	"/dev", "/dev/log", "/etc/gai.conf", "/etc/hosts", "/etc/nsswitch.conf",
	"/etc/pki", "/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt",
	"/proc", "/run", "/usr/lib", "/usr/share", "/var/lib/sss/pipes",
};

static int mount_id(int fd, const char *path, uint64_t *ret)
{
	struct statx stx;

	if (statx(fd, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT |
		  AT_STATX_DONT_SYNC | (*path ? 0 : AT_EMPTY_PATH),
		  STATX_MNT_ID, &stx) < 0)
		return -errno;
	*ret = stx.stx_mnt_id;
	return 0;
}

/* What is mounted at @path, without what is mounted below it, also in the new tree. */
static int copy_mount(int tree_fd, const char *path)
{
	CLEANUP_CLOSE int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE |
					 OPEN_TREE_CLOEXEC | AT_NO_AUTOMOUNT);

	if (fd < 0 || move_mount(fd, "", tree_fd, path + 1,
				 MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return -errno;
	return 0;
}

/* Copy the mounts that lie on the way to @path, which has no symlinks, or end there. */
static void copy_way(int tree_fd, char *path)
{
	uint64_t parent, here, parent_copy, copy;
	char *end = path;

	if (mount_id(AT_FDCWD, "/", &parent) < 0 ||
	    mount_id(tree_fd, "", &parent_copy) < 0)
		return;
	while (end) {
		end = strchr(end + 1, '/');
		if (end)
			*end = '\0';
		if (mount_id(AT_FDCWD, path, &here) < 0 ||
		    mount_id(tree_fd, path + 1, &copy) < 0)
			return;
		/* It may have come with another path. */
		if (here != parent && copy == parent_copy &&
		    (copy_mount(tree_fd, path) < 0 ||
		     mount_id(tree_fd, path + 1, &copy) < 0))
			return;
		parent = here;
		parent_copy = copy;
		if (end)
			*end = '/';
	}
}

/* A file that is not there yet will be made in its folder. */
static void copy_for(int tree_fd, const char *path)
{
	CLEANUP_FREE char *real = NULL, *folder = NULL;
	char *slash;

	if (!path || *path != '/')
		return;
	folder = strdup(path);
	real = realpath(path, NULL);
	slash = folder ? strrchr(folder, '/') : NULL;
	if (!real && slash && slash > folder) {
		*slash = '\0';
		real = realpath(folder, NULL);
	}
	if (real && real[1])
		copy_way(tree_fd, real);
}

/* To the root of this namespace, whatever chroot this process is in. */
static int go_to_root(void)
{
	CLEANUP_CLOSE int self_fd = syscall(SYS_pidfd_open, getpid(), 0);

	return self_fd < 0 || setns(self_fd, CLONE_NEWNS) < 0 ? -errno : 0;
}

/* Make the tree, which is this process's folder, the root of the namespace. */
static int pivot(void)
{
	if (syscall(SYS_pivot_root, ".", ".") < 0)
		return -errno;
	/* The old root lies on top of the new one now. */
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}

/* From the copied namespace into the tree; on failure, where we were in it. */
static int enter_tree(int tree_fd, int root_fd)
{
	if (fchdir(tree_fd) == 0 && pivot() == 0)
		return 0;
	/* In a chroot the root that has to give way is another one. */
	if (go_to_root() == 0 && fchdir(tree_fd) == 0 && pivot() == 0)
		return 0;
	/* The root of an initramfs can't be left: that and its mounts stay. */
	if (fchdir(root_fd) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return -errno;
	return 0;
}

static int make_private(int root_fd)
{
	int err = go_to_root();

	if (err == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		err = -errno;
	if (fchdir(root_fd) < 0 || chroot(".") < 0 || chdir("/") < 0)
		return -errno;
	return err;
}

/* Where the log on stderr is, or "". */
static void find_log(char path[PATH_MAX])
{
	struct stat st;
	ssize_t len = -1;

	if (fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode))
		len = readlink("/proc/self/fd/2", path, PATH_MAX - 1);
	path[len > 0 ? len : 0] = '\0';
}

static void open_log_again(const char *path)
{
	CLEANUP_CLOSE int fd = *path ? open(path, O_WRONLY | O_APPEND |
					    O_CLOEXEC | O_NOFOLLOW) : -1;
	struct stat old, new;

	if (fd >= 0 && fstat(STDERR_FILENO, &old) == 0 &&
	    fstat(fd, &new) == 0 && old.st_dev == new.st_dev &&
	    old.st_ino == new.st_ino)
		dup2(fd, STDERR_FILENO);
}

int own_namespace_enter(const char *const *paths, size_t n_paths)
{
	CLEANUP_CLOSE int root_fd = -1;
	CLEANUP_CLOSE int tree_fd = -1;
	char log[PATH_MAX];
	int err;

	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	find_log(log);
	root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -errno;
	err = make_private(root_fd);
	if (err < 0)
		return err;
	tree_fd = open_tree(AT_FDCWD, "/", OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	if (tree_fd >= 0 && move_mount(tree_fd, "", AT_FDCWD, "/",
				       MOVE_MOUNT_F_EMPTY_PATH) == 0) {
		for (size_t i = 0; i < sizeof(always) / sizeof(*always); i++)
			copy_for(tree_fd, always[i]);
		for (size_t i = 0; i < n_paths; i++)
			copy_for(tree_fd, paths[i]);
		copy_for(tree_fd, log);
		err = enter_tree(tree_fd, root_fd);
	}
	open_log_again(log);
	return err;
}
