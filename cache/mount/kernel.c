// SPDX-License-Identifier: GPL-2.0-or-later
/* Mounting an image through composefs.ko. */
#include "cache/mount/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "cache/base/cleanup.h"
#include "cache/mount/context.h"

bool mount_kernel_available(void)
{
	/* Also asks modprobe. */
	CLEANUP_CLOSE int fd = fsopen("composefs", FSOPEN_CLOEXEC);

	return fd >= 0;
}

/* Paths as they are if they fit into an option, else short ones. */
static int add_layers(int fd, const struct kernel_mount *m, struct errmsg *msg)
{
	char path[MOUNT_VALUE_MAX];
	size_t i;
	int err = 0;

	for (i = 0; err == 0 && i < m->n_layers; i++) {
		err = mount_place_layer(&m->layers[i], i, path);
		if (err == -ENAMETOOLONG)
			err = mount_place_short(&m->layers[i], i, path);
		if (err < 0)
			return errmsg_set(msg, err, "basedir: %s",
					  strerror(-err));
		err = mount_context_string(fd, "basedir+", path, msg);
	}
	return err;
}

struct job {
	const struct kernel_mount *mount;
};

static int do_mount(void *job_arg, int *ret_fd, struct errmsg *msg)
{
	const struct job *job = job_arg;
	const struct kernel_mount *m = job->mount;
	char source[32], number[2];
	char hex[CFS_DIGEST_HEX_LEN + 1];
	CLEANUP_CLOSE int fd = -1;
	int err;

	snprintf(source, sizeof(source), "/proc/self/fd/%d", m->image_fd);
	snprintf(number, sizeof(number), "%u", m->verity_check % 10);
	err = mount_context_open("composefs", &fd, msg);
	if (err == 0)
		err = mount_context_flag(fd, "ro", msg);
	if (err == 0)
		err = mount_context_string(fd, "source", source, msg);
	if (err == 0)
		err = add_layers(fd, m, msg);
	if (err == 0 && m->digest) {
		cfs_digest_format(m->digest, hex);
		err = mount_context_string(fd, "digest", hex, msg);
	}
	if (err == 0)
		err = mount_context_string(fd, "verity_check", number, msg);
	if (err == 0)
		err = mount_context_create(fd, m->attributes | MOUNT_ATTR_RDONLY,
					   ret_fd, msg);
	return err;
}

int mount_kernel(const struct kernel_mount *m, int *ret_mount_fd,
		 struct errmsg *msg)
{
	struct job job = { .mount = m };

	return mount_place_run(m->place, m->layers, m->n_layers, do_mount, &job,
			       ret_mount_fd, msg);
}

struct replace_job {
	const struct kernel_mount *mount;
	int mount_fd;
};

static int do_replace(void *job_arg, int *ret_fd, struct errmsg *msg)
{
	const struct replace_job *job = job_arg;
	CLEANUP_CLOSE int fd = -1;
	int err = mount_context_pick(job->mount_fd, &fd, msg);

	(void)ret_fd;
	if (err == 0)
		err = add_layers(fd, job->mount, msg);
	if (err == 0)
		err = mount_context_reconfigure(fd, msg);
	return err;
}

int mount_kernel_replace_layers(int mount_fd, const struct kernel_mount *m,
				struct errmsg *msg)
{
	struct replace_job job = { .mount = m, .mount_fd = mount_fd };
	int no_fd;

	return mount_place_run(m->place, m->layers, m->n_layers, do_replace,
			       &job, &no_fd, msg);
}
