// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * walk_hostile IMAGE BASEDIR SEED SECONDS: from SEED on mount broken copies of an
 * image with composefs.ko, do to them what programs do to a tree, and unmount them.
 *
 * Any error of any call is fine; a crash or a hang of the kernel is what is looked
 * for.  Each directory is entered once, so a walk ends.  Prints how many copies could
 * be mounted.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/full_io.h"
#include "kmod/cfs_format.h"
#include "tests/fuzz/image_mutate.h"

#define MUTATIONS_MAX	6
#define DEPTH_MAX	12
#define ENTRIES_MAX	600	/* of one directory, and as many directories */

static unsigned int n_dirs;

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

static bool try_copy(const char *basedir, const uint8_t *bytes, size_t size)
{
	char options[4200];
	int fd = open("hostile.img", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
		      0600);

	if (fd < 0 || full_write(fd, bytes, size)) {
		perror("hostile.img");
		exit(1);
	}
	close(fd);
	snprintf(options, sizeof(options), "basedir=%s,verity_check=%d",
		 basedir, (int)(size & 1));
	if (mount("hostile.img", "hostile", "composefs", MS_NODEV, options))
		return false;
	n_dirs = 0;
	walk(AT_FDCWD, "hostile", 0);
	if (umount2("hostile", 0)) {
		perror("umount");
		exit(1);
	}
	return true;
}

int main(int argc, char **argv)
{
	CLEANUP_FREE char *in = NULL;
	size_t in_size, capacity;
	unsigned long seed, n_mounted = 0, n = 0;
	time_t end;

	if (argc != 5) {
		fputs("usage: walk_hostile IMAGE BASEDIR SEED SECONDS\n", stderr);
		return 2;
	}
	CLEANUP_CLOSE int fd = open(argv[1], O_RDONLY | O_CLOEXEC);

	if (fd < 0 || full_read_file(fd, &in, &in_size)) {
		perror(argv[1]);
		return 1;
	}
	(void)mkdir("hostile", 0700);
	capacity = in_size + CFS_BLOCK_SIZE;
	CLEANUP_FREE uint8_t *bytes = malloc(capacity);

	if (!bytes)
		return 1;
	end = time(NULL) + (time_t)strtoul(argv[4], NULL, 0);
	for (seed = strtoul(argv[3], NULL, 0); time(NULL) < end; seed++, n++) {
		size_t size = in_size;

		memcpy(bytes, in, in_size);
		for (unsigned long i = 0; i <= seed % MUTATIONS_MAX; i++)
			size = image_mutate(bytes, size, capacity,
					    seed * MUTATIONS_MAX + i);
		n_mounted += try_copy(argv[2], bytes, size);
	}
	printf("%lu copies, %lu could be mounted\n", n, n_mounted);
	return 0;
}
