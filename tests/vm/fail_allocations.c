// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fail_allocations IMAGE BASEDIR: let each allocation of each step fail once.
 *
 * Needs a kernel with failslab.  For n = 1, 2, 3 ... the image is mounted anew, so that
 * nothing of it is cached, and the n-th allocation of a step fails, until a step has not
 * as many.  It must give -ENOMEM, or succeed without; and once memory is back it must
 * succeed: nothing of the failure is remembered.  The image has what the steps name.
 *
 * A line a step; exit status 1 if one was not as it should.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/xattr.h>
#include <unistd.h>

#define TARGET		"failing"
#define FAILURES_MAX	1000

static const char *image;
static char options[4200];
static char buf[1 << 20];	/* nothing is allocated while allocations fail */

static int result(long ret)
{
	return ret < 0 ? -errno : 0;
}

static int mount_image(void)
{
	return result(mount(image, TARGET, "composefs", MS_NODEV, options));
}

static int remount(void)
{
	return result(mount(NULL, TARGET, NULL, MS_REMOUNT | MS_RDONLY, options));
}

/* Return: what the first call that failed gave, or 0. */
static int read_all(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | flags);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	while ((n = read(fd, buf, 65536)) > 0)
		;
	err = result(n);
	close(fd);
	return err;
}

static int read_object(void)
{
	return read_all(TARGET "/dir/object", 0);
}

static int read_inline(void)
{
	return read_all(TARGET "/dir/inline", 0);
}

static int list(void)
{
	int fd = open(TARGET "/many", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ssize_t n;
	int err;

	if (fd < 0)
		return -errno;
	while ((n = getdents64(fd, buf, sizeof(buf))) > 0)
		;
	err = result(n);
	close(fd);
	return err;
}

static int look_up(void)
{
	struct stat st;

	return result(lstat(TARGET "/dir/below/name", &st));
}

static int read_link(void)
{
	return result(readlink(TARGET "/dir/link", buf, sizeof(buf)));
}

static int get_xattr(void)
{
	return result(getxattr(TARGET "/dir/inline", "user.test", buf, sizeof(buf)));
}

static int list_xattrs(void)
{
	return result(listxattr(TARGET "/dir/inline", buf, sizeof(buf)));
}

static int get_acl(void)
{
	return result(getxattr(TARGET "/dir/inline", "system.posix_acl_access",
			       buf, sizeof(buf)));
}

static int map_object(void)
{
	int fd = open(TARGET "/dir/object", O_RDONLY | O_CLOEXEC);
	void *bytes;
	int err;

	if (fd < 0)
		return -errno;
	bytes = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE, fd, 0);
	err = bytes == MAP_FAILED ? -errno : 0;
	if (!err)
		munmap(bytes, 4096);
	close(fd);
	return err;
}

static int show(void)
{
	int err = read_all("/proc/self/mounts", 0);

	return err ? err : read_all("/proc/self/mountstats", 0);
}

static const struct step {
	const char *name;
	int (*take)(void);
} steps[] = {
	{ "mount", NULL },
	{ "remount", remount },
	{ "lookup", look_up },
	{ "list", list },
	{ "read an object", read_object },
	{ "read inline content", read_inline },
	{ "map an object", map_object },
	{ "readlink", read_link },
	{ "getxattr", get_xattr },
	{ "listxattr", list_xattrs },
	{ "get an ACL", get_acl },
	{ "show mounts", show },
};

static void set_fail_nth(int fd, unsigned int n)
{
	char text[16];
	int len = snprintf(text, sizeof(text), "%u", n);

	if (pwrite(fd, text, (size_t)len, 0) != len) {
		perror("fail-nth");
		exit(2);
	}
}

/* Has it come to the allocation that was to fail? */
static bool has_failed(int fd)
{
	char text[16] = "";

	if (pread(fd, text, sizeof(text) - 1, 0) <= 0) {
		perror("fail-nth");
		exit(2);
	}
	return atoi(text) == 0;
}

static void must(const char *what, int err)
{
	if (!err)
		return;
	printf("FAIL: %s: %s\n", what, strerror(-err));
	exit(2);
}

/* Return: true if the step was as it should; *@ret_failed: has anything failed? */
static bool try_step(const struct step *step, int fd, unsigned int n,
		     bool *ret_failed)
{
	int (*take)(void) = step->take ? step->take : mount_image;
	int err, again;

	if (step->take)
		must("mount", mount_image());
	set_fail_nth(fd, n);
	err = take();
	*ret_failed = has_failed(fd);
	set_fail_nth(fd, 0);
	again = step->take || err ? take() : 0;
	must("umount", result(umount2(TARGET, 0)));
	if (again) {
		printf("FAIL: %s: after allocation %u had failed (%s): %s\n",
		       step->name, n, strerror(-err), strerror(-again));
		return false;
	}
	if (err && err != -ENOMEM) {
		printf("FAIL: %s: allocation %u: %s\n", step->name, n,
		       strerror(-err));
		return false;
	}
	return true;
}

int main(int argc, char **argv)
{
	int fd = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	unsigned int wrong = 0;

	if (argc != 3 || fd < 0) {
		fputs("usage: fail_allocations IMAGE BASEDIR\n", stderr);
		return 2;
	}
	image = argv[1];
	snprintf(options, sizeof(options), "basedir=%s", argv[2]);
	memset(buf, 0, sizeof(buf));
	(void)mkdir(TARGET, 0700);
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		bool failed = true;
		unsigned int n;

		for (n = 1; failed && n < FAILURES_MAX; n++)
			wrong += !try_step(&steps[i], fd, n, &failed);
		printf("%s: %u allocations\n", steps[i].name, n - 2);
		wrong += n < 3;		/* did anything fail at all? */
	}
	printf("%u wrong\n", wrong);
	return wrong ? 1 : 0;
}
