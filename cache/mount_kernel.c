// SPDX-License-Identifier: GPL-2.0-or-later
/* Mounting an image through composefs.ko. */
#include "cache/mount_kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "cache/base/cleanup.h"
#include "cache/mount_context.h"

bool mount_kernel_available(void)
{
	/* Also asks modprobe. */
	CLEANUP_CLOSE int fd = fsopen("composefs", FSOPEN_CLOEXEC);

	return fd >= 0;
}

/* Append a path to a list that is split at colons; false if it does not fit. */
static bool append_path(char list[MOUNT_VALUE_MAX], const char *path)
{
	size_t at = strlen(list);

	if (at)
		list[at++] = ':';
	for (; *path; path++) {
		if (at + 3 > MOUNT_VALUE_MAX)
			return false;
		if (*path == ':' || *path == '\\')
			list[at++] = '\\';
		list[at++] = *path;
	}
	list[at] = '\0';
	return true;
}

/* Paths as they are if they fit into an option, else short ones. */
static int list_layers(const struct kernel_mount *m, bool use_short,
		       char ret[MOUNT_VALUE_MAX])
{
	char path[MOUNT_VALUE_MAX];
	size_t i;

	ret[0] = '\0';
	for (i = 0; i < m->n_layers; i++) {
		int err = use_short ?
			mount_place_short(&m->layers[i], i, path) :
			mount_place_layer(&m->layers[i], i, path);

		if (err < 0)
			return err;
		if (!append_path(ret, path))
			return -ENAMETOOLONG;
	}
	return 0;
}

struct job {
	const struct kernel_mount *mount;
	int mount_fd;
};

static int do_job(void *job_arg, struct errmsg *msg)
{
	struct job *job = job_arg;
	const struct kernel_mount *m = job->mount;
	char source[32], list[MOUNT_VALUE_MAX], number[2];
	char hex[CFS_DIGEST_HEX_LEN + 1];
	CLEANUP_CLOSE int fd = -1;
	int err = list_layers(m, false, list);

	if (err == -ENAMETOOLONG)
		err = list_layers(m, true, list);
	if (err < 0)
		return errmsg_set(msg, err, "basedir: %s", strerror(-err));
	snprintf(source, sizeof(source), "/proc/self/fd/%d", m->image_fd);
	snprintf(number, sizeof(number), "%u", m->verity_check % 10);
	err = mount_context_open("composefs", &fd, msg);
	if (err == 0)
		err = mount_context_flag(fd, "ro", msg);
	if (err == 0)
		err = mount_context_string(fd, "source", source, msg);
	if (err == 0)
		err = mount_context_string(fd, "basedir", list, msg);
	if (err == 0 && m->digest) {
		cfs_digest_format(m->digest, hex);
		err = mount_context_string(fd, "digest", hex, msg);
	}
	if (err == 0)
		err = mount_context_string(fd, "verity_check", number, msg);
	if (err == 0)
		err = mount_context_create(fd, m->attributes | MOUNT_ATTR_RDONLY,
					   &job->mount_fd, msg);
	return err;
}

int mount_kernel(const struct kernel_mount *m, int *ret_mount_fd,
		 struct errmsg *msg)
{
	struct job job = { .mount = m, .mount_fd = -1 };
	CLEANUP_CLOSE int mount_fd = -1;
	int err = mount_place_run(m->place, m->layers, m->n_layers, do_job,
				  &job, msg);

	mount_fd = job.mount_fd;
	if (err == 0)
		*ret_mount_fd = take_fd(&mount_fd);
	return err;
}
