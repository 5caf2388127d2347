// SPDX-License-Identifier: GPL-2.0-or-later
/* What programs do to a tree, to find out what a file system does with it. */
#include "tests/vm/walk_tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

#define DEPTH_MAX	12
#define ENTRIES_MAX	600	/* of one directory, and as many directories */
#define ENTRIES_ALL	12	/* of a directory are touched in any case */

static unsigned int n_dirs;
static unsigned int touch_every;

/* A sealed page of an object, a hole, inline content: all are read. */
static void read_file(int dir, const char *name)
{
	static char buf[8192];
	CLEANUP_CLOSE int fd = openat(dir, name,
				      O_RDONLY | O_NONBLOCK | O_NOFOLLOW |
				      O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode))
		return;
	if (pread(fd, buf, sizeof(buf), 0) < 0)
		return;
	if (pread(fd, buf, sizeof(buf), st.st_size - 1) < 0)
		return;
	(void)lseek(fd, 0, SEEK_HOLE);
	if (st.st_size > 0) {
		void *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);

		if (page != MAP_FAILED)
			munmap(page, 4096);
	}
}

static void read_xattrs(const char *path)
{
	static char names[65536], value[65536];
	ssize_t len = llistxattr(path, names, sizeof(names));
	ssize_t i;

	(void)lgetxattr(path, "security.selinux", value, sizeof(value));
	(void)lgetxattr(path, "system.posix_acl_access", value, sizeof(value));
	for (i = 0; i < len; i += (ssize_t)strlen(names + i) + 1)
		(void)lgetxattr(path, names + i, value, sizeof(value));
}

static void walk(int parent, const char *name, int depth)
{
	static char target[5000], path[320];
	unsigned int n = 0;
	int fd = openat(parent, name,
			O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	DIR *dir = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	struct stat st;

	if (!dir) {
		if (fd >= 0)
			close(fd);
		return;
	}
	n_dirs++;
	while (n++ < ENTRIES_MAX && (entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (n > ENTRIES_ALL && n % touch_every)
			continue;
		(void)fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW);
		if (readlinkat(fd, entry->d_name, target, sizeof(target)) >= 0)
			continue;
		snprintf(path, sizeof(path), "/proc/self/fd/%d/%s", fd,
			 entry->d_name);
		read_xattrs(path);
		read_file(fd, entry->d_name);
		if (depth < DEPTH_MAX && n_dirs < ENTRIES_MAX)
			walk(fd, entry->d_name, depth + 1);
	}
	seekdir(dir, 1234567);
	(void)readdir(dir);
	closedir(dir);
}

void walk_tree(const char *path, unsigned int every)
{
	n_dirs = 0;
	touch_every = every;
	walk(AT_FDCWD, path, 0);
}
