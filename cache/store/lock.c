// SPDX-License-Identifier: GPL-2.0-or-later
/* The locks of a store. */
#include "cache/store/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/store/layout.h"

#define POLL_MS		50
#define TELL_MS		10000

static cfs_store_lock_fn tell_waiting;

void cfs_store_lock_tell(cfs_store_lock_fn fn)
{
	tell_waiting = fn;
}

const char *cfs_store_lock_format(const struct cfs_store_lock_holder *holder,
				  char ret[CFS_STORE_LOCK_TEXT])
{
	char since[64] = "", waited[64] = "";

	if (holder->seconds >= 0)
		snprintf(since, sizeof(since), ", which runs since %ld s",
			 holder->seconds);
	if (holder->waited)
		snprintf(waited, sizeof(waited), " for %ld s now",
			 holder->waited);
	if (holder->pid)
		snprintf(ret, CFS_STORE_LOCK_TEXT,
			 "waiting%s for the store's lock: process %ld (%s) has it%s",
			 waited, holder->pid, holder->name, since);
	else
		snprintf(ret, CFS_STORE_LOCK_TEXT,
			 "waiting%s for the store's lock: another process has it",
			 waited);
	return ret;
}

/* Who may write to the store may lock it, and no others: they can't open this. */
static int give_to_owner(int root_fd, int fd)
{
	struct stat st;

	if (fstat(root_fd, &st) < 0)
		return -errno;
	if (geteuid() == 0 && fchown(fd, st.st_uid, st.st_gid) < 0)
		return -errno;
	return fchmod(fd, st.st_mode & S_IWGRP ? 0660 : 0600) < 0 ? -errno : 0;
}

static int open_file(int root_fd, const char *name, int *ret_fd)
{
	const int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	CLEANUP_CLOSE int fd = openat(root_fd, name, flags);
	struct stat st;

	if (fd < 0 && errno == ENOENT) {
		fd = openat(root_fd, name, flags | O_CREAT | O_EXCL, 0600);
		if (fd >= 0) {
			int err = give_to_owner(root_fd, fd);

			if (err < 0)
				return err;
		} else if (errno == EEXIST) {
			fd = openat(root_fd, name, flags);
		}
	}
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EMEDIUMTYPE;
	*ret_fd = take_fd(&fd);
	return 0;
}

int store_lock_open(int root_fd, int folder_fd, const char *name, int *ret_fd)
{
	int err = root_fd < 0 ? -EROFS : open_file(root_fd, name, ret_fd);

	if (err != -EROFS)
		return err;
	/* A folder of objects only; or nothing can be written, and nothing removed. */
	*ret_fd = openat(folder_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return *ret_fd < 0 ? -errno : 0;
}

/* Seconds since a process began, or -1. */
static long age_of(long pid)
{
	unsigned long long begin;
	struct timespec now;
	char path[64];
	FILE *file;
	int n;

	snprintf(path, sizeof(path), "/proc/%ld/stat", pid);
	file = fopen(path, "re");
	if (!file)
		return -1;
	/* After the name, which may hold anything but ")": 19 fields, then the begin. */
	n = fscanf(file, "%*[^)]) %*c");
	for (int i = 0; n >= 0 && i < 18; i++)
		n = fscanf(file, "%*s");
	n = fscanf(file, "%llu", &begin);
	fclose(file);
	if (n != 1 || clock_gettime(CLOCK_BOOTTIME, &now) < 0)
		return -1;
	return now.tv_sec - (long)(begin / (unsigned long)sysconf(_SC_CLK_TCK));
}

/* The process that has a lock on this file, or 0 if it can't be told. */
static long holder_of(int fd)
{
	FILE *file = fopen("/proc/locks", "re");
	unsigned long long inode;
	unsigned int major_no, minor_no;
	long pid, found = 0;
	char line[256];
	struct stat st;

	if (!file)
		return 0;
	if (fstat(fd, &st) == 0)
		while (!found && fgets(line, sizeof(line), file))
			if (sscanf(line, "%*d: FLOCK %*s %*s %ld %x:%x:%llu",
				   &pid, &major_no, &minor_no, &inode) == 4 &&
			    inode == st.st_ino &&
			    makedev(major_no, minor_no) == st.st_dev && pid > 0)
				found = pid;
	fclose(file);
	return found;
}

static void tell(int fd, long waited_ms)
{
	struct cfs_store_lock_holder holder = {
		.pid = holder_of(fd),
		.seconds = -1,
		.waited = waited_ms / 1000,
	};
	char path[64];
	FILE *file;

	if (holder.pid) {
		snprintf(path, sizeof(path), "/proc/%ld/comm", holder.pid);
		file = fopen(path, "re");
		if (file && fscanf(file, "%31[^\n]", holder.name) != 1)
			holder.name[0] = '\0';
		if (file)
			fclose(file);
		holder.seconds = age_of(holder.pid);
	}
	tell_waiting(&holder);
}

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int store_lock_take(int fd, int operation, bool wait)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000 * 1000 };
	long begin = now_ms(), next = begin;

	while (flock(fd, operation | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return -errno;
		if (!wait)
			return CFS_STORE_BUSY;
		if (tell_waiting && now_ms() >= next) {
			tell(fd, next - begin);
			next += TELL_MS;
		}
		if (nanosleep(&pause, NULL) < 0)
			return -errno;
	}
	return 0;
}

int cfs_store_lock(struct cfs_store *store, enum cfs_store_lock_kind kind,
		   bool wait, int *ret_fd)
{
	CLEANUP_CLOSE int fd = -1;
	int err = store_lock_open(store->root_fd, store->objects_fd, ".lock",
				  &fd);

	if (err == 0)
		err = store_lock_take(fd, kind == CFS_STORE_LOCK_SHARED ?
						  LOCK_SH : LOCK_EX, wait);
	if (err == 0)
		*ret_fd = take_fd(&fd);
	return err;
}
