// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mount_hostile BASEDIR: mount each image of tests/fuzz/hostile_images.c with
 * composefs.ko, take the step that the table names, and compare what comes of it.
 * Whatever a step says is wrong with an image must be counted in mountstats, too, and
 * said by the kernel if it is the mount that fails.
 *
 * A line an image; exit status 1 if one was not as it should.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/full_io.h"
#include "tests/fuzz/hostile_images.h"
#include "tests/unit/tiny_image.h"
#include "tests/vm/walk_tree.h"

#define IMAGE	"hostile.img"
#define TARGET	"hostile"

static int list(const char *path)
{
	DIR *dir = opendir(path);
	int err;

	if (!dir)
		return -errno;
	do
		errno = 0;
	while (readdir(dir));
	err = -errno;
	closedir(dir);
	return err;
}

static int open_file(const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? -errno : 0;
}

static int stat_file(const char *path, enum hostile_step step, uint64_t *ret)
{
	struct stat st;

	if (lstat(path, &st))
		return -errno;
	switch (step) {
	case HOSTILE_NLINK:
		*ret = st.st_nlink;
		break;
	case HOSTILE_SIZE:
		*ret = (uint64_t)st.st_size;
		break;
	case HOSTILE_UID:
		*ret = st.st_uid;
		break;
	case HOSTILE_MTIME:
		*ret = (uint64_t)st.st_mtim.tv_sec;
		break;
	default:
		*ret = 0;
	}
	return 0;
}

static int get_xattr(const char *path, const char *name)
{
	static char value[65536];

	return lgetxattr(path, name, value, sizeof(value)) < 0 ? -errno : 0;
}

static int list_xattrs(const char *path)
{
	static char names[65536];

	return llistxattr(path, names, sizeof(names)) < 0 ? -errno : 0;
}

/* Return: 0 or -errno; *@seen is what the image's author may choose. */
static int take_step(const struct hostile_image *hostile, uint64_t *seen)
{
	char path[256];

	snprintf(path, sizeof(path), TARGET "/%s",
		 hostile->path ? hostile->path : "");
	*seen = 0;
	switch (hostile->step) {
	case HOSTILE_MOUNT:
		return 0;
	case HOSTILE_LIST:
		return list(path);
	case HOSTILE_OPEN:
		return open_file(path);
	case HOSTILE_LISTXATTR:
		return list_xattrs(path);
	case HOSTILE_GETXATTR:
		return get_xattr(path, "security.selinux");
	case HOSTILE_ACL:
		return get_xattr(path, "system.posix_acl_access");
	default:
		return stat_file(path, hostile->step, seen);
	}
}

/* How often has the mounted image contradicted itself? */
static long image_errors(void)
{
	CLEANUP_FREE char *text = NULL;
	CLEANUP_CLOSE int fd = open("/proc/self/mountstats",
				    O_RDONLY | O_CLOEXEC);
	const char *found;
	size_t size;

	if (fd < 0 || full_read_file(fd, &text, &size))
		return -1;
	found = strstr(text, "image_errors ");
	return found ? strtol(found + strlen("image_errors "), NULL, 10) : -1;
}

/* Has the kernel said something of composefs since @kmsg was read last? */
static bool kernel_spoke(int kmsg)
{
	char record[8192];
	bool spoke = false;
	ssize_t len;

	while ((len = read(kmsg, record, sizeof(record) - 1)) > 0 ||
	       errno == EPIPE) {
		if (len <= 0)
			continue;	/* records were overwritten */
		record[len] = '\0';
		spoke = spoke || strstr(record, "composefs");
	}
	return spoke;
}

static void write_image(const struct hostile_image *hostile)
{
	struct tiny_image *tiny = tiny_make();
	size_t size = hostile_image_make(hostile, tiny->bytes);
	CLEANUP_CLOSE int fd = open(IMAGE, O_WRONLY | O_CREAT | O_TRUNC |
				    O_CLOEXEC, 0600);

	if (fd < 0 || full_write(fd, tiny->bytes, size)) {
		perror(IMAGE);
		exit(2);
	}
	tiny_free(tiny);
}

/* Return: what is wrong, or NULL. */
static const char *try_image(const struct hostile_image *hostile, int kmsg,
			     const char *options, int *err)
{
	bool explained = false;
	uint64_t seen;

	write_image(hostile);
	(void)kernel_spoke(kmsg);
	if (mount(IMAGE, TARGET, "composefs", MS_NODEV, options)) {
		*err = -errno;
		explained = kernel_spoke(kmsg);
		if (hostile->step != HOSTILE_MOUNT)
			return "was not mounted";
	} else {
		*err = take_step(hostile, &seen);
		explained = image_errors() > 0;
		walk_tree(TARGET, 32);
		if (umount2(TARGET, 0)) {
			perror("umount");
			exit(2);
		}
		if (!*err && seen != hostile->seen)
			return "shows another value";
	}
	if (*err != hostile->kernel)
		return "gives another error";
	if ((*err == -EFSCORRUPTED || *err == -EOPNOTSUPP || *err == -EINVAL) &&
	    !explained)
		return "is refused without a word";
	return NULL;
}

int main(int argc, char **argv)
{
	CLEANUP_CLOSE int kmsg = open("/dev/kmsg", O_RDONLY | O_NONBLOCK |
				      O_CLOEXEC);
	char options[4200];
	unsigned int wrong = 0;

	if (argc != 2 || kmsg < 0) {
		fputs("usage: mount_hostile BASEDIR\n", stderr);
		return 2;
	}
	(void)mkdir(TARGET, 0700);
	snprintf(options, sizeof(options), "basedir=%s", argv[1]);
	for (size_t i = 0; i < hostile_images_count; i++) {
		const struct hostile_image *hostile = &hostile_images[i];
		const char *why;
		int err;

		why = try_image(hostile, kmsg, options, &err);
		printf("%s: %s: %s\n", why ? "FAIL" : "ok", hostile->name,
		       why ? why : strerror(-err));
		if (why)
			printf("\t%s instead of %s\n", strerror(-err),
			       strerror(-hostile->kernel));
		wrong += why != NULL;
	}
	printf("%zu images, %u wrong\n", hostile_images_count, wrong);
	return wrong ? 1 : 0;
}
