// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/programs/image_in_use.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/store/store.h"

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* A lease for writing is given if no other description of the file is open. */
static bool is_open_elsewhere(int fd)
{
	if (fcntl(fd, F_SETLEASE, F_WRLCK) < 0)
		return errno == EAGAIN;
	(void)fcntl(fd, F_SETLEASE, F_UNLCK);
	return false;
}

static bool process_has(const char *pid, int own_fd, const struct stat *image)
{
	char path[64];
	const struct dirent *entry;
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%.16s/fd", pid);

	CLEANUP(close_dir) DIR *dir = opendir(path);
	bool own = (pid_t)atoi(pid) == getpid();

	while (dir && (entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]) &&
		    !(own && atoi(entry->d_name) == own_fd) &&
		    fstatat(dirfd(dir), entry->d_name, &st, 0) == 0 &&
		    st.st_dev == image->st_dev && st.st_ino == image->st_ino)
			return true;
	return false;
}

static bool is_mounted_by(const char *pid, const char *hex)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%.16s/mountinfo", pid);

	CLEANUP(close_file) FILE *file = fopen(path, "re");
	CLEANUP_FREE char *line = NULL;
	size_t size = 0;

	while (file && getline(&line, &size, file) >= 0)
		if (strstr(line, hex))
			return true;
	return false;
}

bool image_is_mounted(struct cfs_store *store, const struct cfs_digest *digest)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];
	CLEANUP_CLOSE int fd = -1;
	bool has_process = false, named = false;
	const struct dirent *entry;
	struct stat st;

	if (cfs_store_get(store, digest, &fd) != 0 || fstat(fd, &st) < 0 ||
	    !is_open_elsewhere(fd))
		return false;

	CLEANUP(close_dir) DIR *dir = opendir("/proc");

	if (!dir)
		return false;
	cfs_digest_format(digest, hex);
	while ((entry = readdir(dir))) {
		if (!isdigit((unsigned char)entry->d_name[0]))
			continue;
		has_process = has_process || process_has(entry->d_name, fd, &st);
		named = named || is_mounted_by(entry->d_name, hex);
	}
	return named || !has_process;
}
