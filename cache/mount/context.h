/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Setting up one file system through the new mount API, with the kernel's own
 * words when it refuses.
 *
 *	open ---> set options ---> create ---> a mount that nobody sees yet
 *
 * Ownership: contexts and mounts are descriptors, owned by the caller; a mount
 * that is never attached goes away when its last descriptor is closed.
 */
#ifndef CACHE_MOUNT_CONTEXT_H
#define CACHE_MOUNT_CONTEXT_H

#include <stdint.h>

#include "cache/base/errmsg.h"

/**
 * mount_context_permitted() - may this process mount an image at all?
 * @msg: says what it lacks
 *
 * Return: 0 or -EPERM.
 */
int mount_context_permitted(struct errmsg *msg);

/**
 * mount_context_open() - start setting up a file system
 * @type: as in /proc/filesystems
 * @ret_fd: the context
 *
 * Return: 0, -ENODEV if the kernel lacks it, -EPERM or -errno.
 */
int mount_context_open(const char *type, int *ret_fd, struct errmsg *msg);

/** mount_context_flag() - set an option without a value; 0 or -errno */
int mount_context_flag(int fd, const char *key, struct errmsg *msg);

/**
 * mount_context_string() - set an option
 * @value: at most 255 bytes, which is the kernel's limit
 *
 * Return: 0, -EINVAL (also if @value is too long) or -errno.
 */
int mount_context_string(int fd, const char *key, const char *value,
			 struct errmsg *msg);

/**
 * mount_context_create() - make the file system and a mount of it
 * @fd: the context
 * @attributes: MOUNT_ATTR_*
 * @ret_mount_fd: the mount, attached nowhere
 *
 * Return: 0 or -errno.
 */
int mount_context_create(int fd, uint64_t attributes, int *ret_mount_fd,
			 struct errmsg *msg);

/**
 * mount_context_pick() - start changing a file system that is mounted
 * @mount_fd: any descriptor of its mount point, O_PATH for instance
 * @ret_fd: the context
 *
 * Return: 0 or -errno.
 */
int mount_context_pick(int mount_fd, int *ret_fd, struct errmsg *msg);

/** mount_context_reconfigure() - put the options in force; 0 or -errno */
int mount_context_reconfigure(int fd, struct errmsg *msg);

#endif /* CACHE_MOUNT_CONTEXT_H */
