/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A text that is written to the same file again and again, as a whole each time.
 *
 * Ownership: see below; nothing is kept between the calls.
 */
#ifndef FETCHER_PROFILE_OUTPUT_FILE_H
#define FETCHER_PROFILE_OUTPUT_FILE_H

#include <stddef.h>

/**
 * output_file_path() - a path that stays right when the daemon leaves its folder
 *
 * Return: owned by the caller; NULL without memory.
 */
char *output_file_path(const char *path);

/** output_file_write() - replace its content; 0 or -errno, with the old one left */
int output_file_write(const char *path, const char *text, size_t len);

#endif /* FETCHER_PROFILE_OUTPUT_FILE_H */
