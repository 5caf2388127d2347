/* SPDX-License-Identifier: GPL-2.0-or-later */
/* URLs as texts that people see: a password in one must not be repeated. */
#ifndef CACHE_BASE_URL_TEXT_H
#define CACHE_BASE_URL_TEXT_H

#include <stdbool.h>
#include <stddef.h>

/** url_scheme_len() - of "http", "s3+https" or the like before "://"; or 0 */
size_t url_scheme_len(const char *text);

/** url_has_user() - does "user@" or "user:password@" stand before its host? */
bool url_has_user(const char *text);

/**
 * url_masked() - a URL, or what should have been one, as it may be shown
 *
 * Without what stands before an '@' in it, and without a query.
 *
 * Return: the text, the caller's to free(), or NULL without memory.
 */
char *url_masked(const char *text);

#endif /* CACHE_BASE_URL_TEXT_H */
