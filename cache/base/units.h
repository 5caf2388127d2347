/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sizes and times as people write and read them.  Nothing here allocates.
 */
#ifndef CACHE_BASE_UNITS_H
#define CACHE_BASE_UNITS_H

#include <stdint.h>

#define UNITS_SIZE_LEN	16	/* room for any formatted size */

/**
 * units_parse_size() - "4096", "16M", "1.5G"
 * @text: a decimal number, then K, M, G or T (powers of 1024) or nothing
 * @ret: bytes; untouched on failure
 *
 * Return: 0, -EINVAL (no such thing) or -ERANGE (2^63 or more).
 */
int units_parse_size(const char *text, uint64_t *ret);

/**
 * units_parse_duration() - "90", "90s", "15m", "12h", "7d", "2w"
 * @ret: seconds; untouched on failure
 *
 * Return: 0, -EINVAL or -ERANGE.
 */
int units_parse_duration(const char *text, uint64_t *ret);

/** units_format_size() - "512 B", "1.5 MiB"; returns @ret */
const char *units_format_size(uint64_t bytes, char ret[UNITS_SIZE_LEN]);

#endif /* CACHE_BASE_UNITS_H */
