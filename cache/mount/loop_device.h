/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A read-only block device made of an image file, for kernels whose EROFS can't
 * mount files.  Ownership: the device lives as long as something uses it: the
 * returned descriptor, owned by the caller, or a mount.
 */
#ifndef CACHE_MOUNT_LOOP_DEVICE_H
#define CACHE_MOUNT_LOOP_DEVICE_H

#include <stddef.h>

/**
 * loop_device_new() - attach a file to a free loop device
 * @file_fd: the file; borrowed
 * @path: room for the device's path
 * @size: of @path
 * @ret_fd: the device
 *
 * Return: 0, -ENOENT or -ENODEV (no loop driver), -EBUSY (others keep taking the
 * free one) or -errno.
 */
int loop_device_new(int file_fd, char *path, size_t size, int *ret_fd);

#endif /* CACHE_MOUNT_LOOP_DEVICE_H */
