/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Opening what lies below a folder that another user may be rearranging: no
 * component of the path may be a symbolic link, "..", or on another mount, so what
 * is opened is in that folder's own tree, whatever is exchanged meanwhile.
 *
 * The kernel does the check, openat2(2).  Where that call is missing or forbidden,
 * each component is opened for itself and looked at once it is open.
 *
 * Ownership: descriptors returned are the caller's, close-on-exec.  Any thread.
 */
#ifndef CACHE_BASE_BENEATH_H
#define CACHE_BASE_BENEATH_H

#include <sys/types.h>

/**
 * beneath_open() - open a path below a folder
 * @dir_fd: the folder; O_PATH will do
 * @path: relative, without "." and ".."
 * @flags: as for open(2), but not O_TRUNC, O_TMPFILE or O_NOFOLLOW, which is
 *	implied as is O_CLOEXEC
 * @mode: with O_CREAT
 *
 * Return: a descriptor, -ELOOP (a component is a symbolic link), -EXDEV (a
 * component is on another mount, or leads out of the folder), or -errno.
 */
int beneath_open(int dir_fd, const char *path, int flags, mode_t mode);

#endif /* CACHE_BASE_BENEATH_H */
