/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests to private buckets: AWS Signature Version 4, which S3 and all that
 * speak its protocol understand.  libcurl computes it; here is decided which
 * requests get one, and what else must be in them.
 *
 * Only requests to a mirror that was given with "s3+" are signed, never what it
 * redirects to elsewhere.  Everything passed in is borrowed.
 */
#ifndef FETCHER_HTTP_SIGV4_H
#define FETCHER_HTTP_SIGV4_H

#include <curl/curl.h>
#include <stdbool.h>

struct fetch_config;

/** s3_wanted() - does this URL lead to a mirror whose requests are signed? */
bool s3_wanted(const struct fetch_config *config, const char *url);

/**
 * s3_set() - sign the next request of a handle, or do not
 * @easy: the handle
 * @config: region and credentials
 * @wanted: from s3_wanted(), and still at the mirror
 *
 * Return: 0 or -ENOMEM.
 */
int s3_set(CURL *easy, const struct fetch_config *config, bool wanted);

/**
 * s3_add_headers() - append the headers that a signed request needs
 * @config: credentials
 * @headers: the list, which may be empty (NULL)
 *
 * Return: 0 or -ENOMEM; @headers stays the caller's either way.
 */
int s3_add_headers(const struct fetch_config *config,
		   struct curl_slist **headers);

#endif /* FETCHER_HTTP_SIGV4_H */
