/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A text that is written to the same file again and again, as a whole each time.
 *
 * Ownership: see below; nothing is kept between the calls.
 */
#ifndef FETCHER_PROFILE_OUTPUT_FILE_H
#define FETCHER_PROFILE_OUTPUT_FILE_H

#include <stdbool.h>
#include <stddef.h>

/**
 * output_file_path() - a path that stays right when the daemon leaves its folder
 *
 * Return: owned by the caller; NULL without memory.
 */
char *output_file_path(const char *path);

/**
 * output_file_write() - replace its content, or write to what is no regular file
 * @path: "-" for standard output
 * @wait: for the reader of a FIFO or pipe; an event loop must not
 *
 * Return: 0, also if without @wait a FIFO has no reader, or one that does not keep up
 * and so misses some; or -errno, with the old content left.
 */
int output_file_write(const char *path, bool wait, const char *text, size_t len);

#endif /* FETCHER_PROFILE_OUTPUT_FILE_H */
