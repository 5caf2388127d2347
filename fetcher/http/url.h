/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * URLs as people write them.  Pure functions; everything passed in is borrowed, texts
 * that are returned are the caller's to free().
 */
#ifndef FETCHER_HTTP_URL_H
#define FETCHER_HTTP_URL_H

#include <stdbool.h>

/**
 * http_url_base() - check and normalize the base URL of a mirror
 * @text: http or https, in any case, with a host; no user, query or fragment
 * @canonical: write each byte of the path but letters, digits and "-._~/" as %XX, as the
 *	signatures of S3 have it; else what was written stays but spaces, control
 *	characters and what is not ASCII
 * @ret: without a slash at the end; untouched on failure
 * @ret_why: what is wrong with it, in words; a constant
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int http_url_base(const char *text, bool canonical, char **ret,
		  const char **ret_why);

/**
 * http_url_proxy() - check the URL of a proxy
 * @text: http, https, socks4, socks4a, socks5 or socks5h; without a scheme it is http
 * @ret_why: what is wrong with it, in words; a constant
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int http_url_proxy(const char *text, const char **ret_why);

/** http_url_is_loopback() - is its host localhost, or an address of the loopback? */
bool http_url_is_loopback(const char *url);

#endif /* FETCHER_HTTP_URL_H */
