// SPDX-License-Identifier: GPL-2.0-or-later
/* A read-only block device made of an image file. */
#include "cache/mount/loop_device.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

/* Another process may attach to the free device first. */
#define TRIES	64

static int attach(int loop_fd, int file_fd)
{
	struct loop_config config = {
		.fd = file_fd,
		.block_size = 4096,
		.info.lo_flags = LO_FLAGS_READ_ONLY | LO_FLAGS_AUTOCLEAR |
				 LO_FLAGS_DIRECT_IO,
	};

	if (ioctl(loop_fd, LOOP_CONFIGURE, &config) == 0)
		return 0;
	if (errno != EINVAL)
		return -errno;
	/* tmpfs, for one, has no direct I/O. */
	config.info.lo_flags &= ~LO_FLAGS_DIRECT_IO;
	return ioctl(loop_fd, LOOP_CONFIGURE, &config) < 0 ? -errno : 0;
}

int loop_device_new(int file_fd, char *path, size_t size, int *ret_fd)
{
	CLEANUP_CLOSE int control_fd = open("/dev/loop-control",
					    O_RDWR | O_CLOEXEC);
	int i;

	if (control_fd < 0)
		return -errno;
	for (i = 0; i < TRIES; i++) {
		int n = ioctl(control_fd, LOOP_CTL_GET_FREE), err;

		if (n < 0)
			return -errno;
		snprintf(path, size, "/dev/loop%d", n);

		CLEANUP_CLOSE int loop_fd = open(path, O_RDONLY | O_CLOEXEC);

		if (loop_fd < 0)
			return -errno;
		err = attach(loop_fd, file_fd);
		if (err == 0)
			*ret_fd = take_fd(&loop_fd);
		if (err != -EBUSY)
			return err;
	}
	return -EBUSY;
}
