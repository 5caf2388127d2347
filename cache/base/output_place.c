// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/base/output_place.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

#define LINKS_MAX	40

/* A description of our own, whose flags no other process shares; or -errno. */
static int reopen(int fd)
{
	char path[64];
	int ret;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	ret = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	return ret < 0 ? -errno : ret;
}

static int open_descriptor(int fd, bool wait)
{
	int own = fcntl(fd, F_GETFD), flags = fcntl(fd, F_GETFL), ret;
	struct stat st;

	/* What an exec would close was not inherited. */
	if (own < 0 || own & FD_CLOEXEC || flags < 0 ||
	    (flags & O_ACCMODE) == O_RDONLY)
		return -EBADF;
	if (!wait && fstat(fd, &st) == 0 &&
	    (S_ISFIFO(st.st_mode) || S_ISCHR(st.st_mode))) {
		ret = reopen(fd);
		if (ret >= 0)
			return ret;
	}
	ret = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return ret < 0 ? -errno : ret;
}

static int open_in_place(const char *path, bool wait)
{
	const int flags = O_WRONLY | O_NOCTTY | O_CLOEXEC |
			  (wait ? 0 : O_NONBLOCK);
	CLEANUP_CLOSE int fd = open(path, flags);
	struct stat st;

	if (fd < 0)
		return -errno;
	/* A file that has no name any more. */
	if (fstat(fd, &st) < 0 ||
	    (S_ISREG(st.st_mode) && ftruncate(fd, 0) < 0))
		return -errno;
	return take_fd(&fd);
}

/* Is this link one of procfs, which lead to what they name without its name? */
static int is_magic(const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return -errno;
	return fs.f_type == PROC_SUPER_MAGIC;
}

/* The folder of a path, for realpath(); owned by the caller. */
static char *folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return slash == path ? strdup("/") : strndup(path, slash - path);
}

static bool is_real_path_of(const char *name, const char *real)
{
	CLEANUP_FREE char *path = realpath(name, NULL);

	return path && strcmp(path, real) == 0;
}

/* The number of our own descriptor that a path names, or -1. */
static int descriptor_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	const char *digits = slash ? slash + 1 : path;
	CLEANUP_FREE char *folder = NULL;
	CLEANUP_FREE char *real = NULL;
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(digits, &end, 10);
	if (*digits < '0' || *digits > '9' || *end || errno || n > INT_MAX)
		return -1;
	folder = folder_of(path);
	real = folder ? realpath(folder, NULL) : NULL;
	if (!real || !(is_real_path_of("/proc/self/fd", real) ||
		       is_real_path_of("/proc/thread-self/fd", real)))
		return -1;
	return (int)n;
}

/*
 * Where everybody may make names, only links of the folder's owner or the
 * caller's own are followed, as open() has it with fs.protected_symlinks.
 */
static bool may_follow(const struct stat *link, const char *folder)
{
	struct stat st;

	if (link->st_uid == geteuid() || stat(folder, &st) < 0)
		return true;
	return (st.st_mode & (S_ISVTX | S_IWOTH)) != (S_ISVTX | S_IWOTH) ||
	       st.st_uid == link->st_uid;
}

/* Replace the path of a symlink by what it says. */
static int follow(char **path, const struct stat *link)
{
	char target[PATH_MAX];
	ssize_t len = readlink(*path, target, sizeof(target) - 1);
	CLEANUP_FREE char *folder = folder_of(*path);
	char *next = NULL;

	if (len < 0)
		return -errno;
	if (!folder)
		return -ENOMEM;
	if (!may_follow(link, folder))
		return -EACCES;
	target[len] = '\0';
	if (asprintf(&next, "%s%s%s", *target == '/' ? "" : folder,
		     *target == '/' ? "" : "/", target) < 0)
		return -ENOMEM;
	free(*path);
	*path = next;
	return 0;
}

static int opened(int fd, struct output_place *ret)
{
	if (fd < 0)
		return fd;
	ret->fd = fd;
	return 0;
}

/* One step; 1 if there is another to go. */
static int step(char **path, bool wait, struct output_place *ret)
{
	const size_t len = strlen(*path);
	int fd = descriptor_of(*path), err;

	if (fd >= 0)
		return opened(open_descriptor(fd, wait), ret);
	if (lstat(*path, &ret->st) < 0) {
		if (errno != ENOENT)
			return -errno;
		return len && (*path)[len - 1] == '/' ? -EISDIR : 0;
	}
	switch (ret->st.st_mode & S_IFMT) {
	case S_IFDIR:
		return -EISDIR;
	case S_IFREG:
		ret->exists = true;
		return 0;
	case S_IFLNK:
		err = is_magic(*path);
		if (err == 0)
			err = follow(path, &ret->st);
		else if (err > 0)
			break;
		return err < 0 ? err : 1;
	}
	return opened(open_in_place(*path, wait), ret);
}

int output_place_find(const char *path, bool wait, struct output_place *ret)
{
	CLEANUP_FREE char *at = strdup(path);
	struct output_place place = { .fd = -1 };
	int err = 1, i;

	if (!at)
		return -ENOMEM;
	if (!*path)
		return -ENOENT;
	if (strcmp(path, "-") == 0)
		err = opened(open_descriptor(STDOUT_FILENO, wait), &place);
	for (i = 0; err == 1; i++)
		err = i < LINKS_MAX ? step(&at, wait, &place) : -ELOOP;
	if (err)
		return err;
	if (place.fd < 0)
		place.path = take_ptr(at);
	*ret = place;
	return 0;
}

void output_place_release(struct output_place *place)
{
	cleanup_close(&place->fd);
	place->fd = -1;
	free(place->path);
	place->path = NULL;
}
