/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * read() and write() until it is done.
 *
 * Ownership: descriptors and buffers are borrowed, except that what
 * full_read_file() returns is the caller's to free().
 */
#ifndef CACHE_BASE_FULL_IO_H
#define CACHE_BASE_FULL_IO_H

#include <stddef.h>
#include <sys/types.h>

/**
 * full_write() - write all bytes
 *
 * Return: 0 or -errno; how much was written is then unknown.
 */
int full_write(int fd, const void *data, size_t len);

/**
 * full_pwrite() - write all bytes at @offset
 *
 * Return: 0 or -errno; how much was written is then unknown.
 */
int full_pwrite(int fd, const void *data, size_t len, off_t offset);

/**
 * full_pread() - read @len bytes at @offset
 *
 * Return: 0, -EIO if the file ends before, or -errno.
 */
int full_pread(int fd, void *ret, size_t len, off_t offset);

/**
 * full_read_file() - read from where @fd stands to its end, pipes too
 * @ret: the bytes, owned by the caller, NULL if there are none
 * @ret_len: how many
 *
 * Return: 0, -ENOMEM or what read() said.
 */
int full_read_file(int fd, char **ret, size_t *ret_len);

#endif /* CACHE_BASE_FULL_IO_H */
