/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What we accept from the other side of HTTP: where a redirect may lead, what a
 * header line may say.  Pure functions; everything passed in is borrowed.
 */
#ifndef FETCHER_HTTP_POLICY_H
#define FETCHER_HTTP_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;

#define HTTP_REDIRECTS_MAX	3

/* Where an address is; each a bit, so that they make a set. */
enum http_place {
	HTTP_PLACE_PUBLIC = 1 << 0,
	HTTP_PLACE_PRIVATE = 1 << 1,	/* RFC 1918, ULA, shared address space */
	HTTP_PLACE_LINK_LOCAL = 1 << 2,
	HTTP_PLACE_LOOPBACK = 1 << 3,	/* and the unspecified address */
};

/** http_place() - where is that address?  Unknown families are loopback. */
enum http_place http_place(const struct sockaddr *address);

/** http_place_parse() - the same for the text of an address */
enum http_place http_place_parse(const char *text);

enum http_redirect {
	HTTP_REDIRECT_OK,
	HTTP_REDIRECT_TOO_MANY,
	HTTP_REDIRECT_DOWNGRADE,	/* from https to http */
	HTTP_REDIRECT_BAD_URL,		/* not http or https, malformed, or with a user */
};

/** http_is_https() - does the URL ask for TLS? */
bool http_is_https(const char *url);

/**
 * http_redirect_judge() - may a redirect lead there?
 * @from: URL that was asked
 * @to: absolute URL of the redirect
 * @n_redirects: redirects before this one
 *
 * http and https only, never from https to http, no user in the URL, at most
 * HTTP_REDIRECTS_MAX.  The address is checked when it is known.
 */
enum http_redirect http_redirect_judge(const char *from, const char *to,
				       unsigned int n_redirects);

/**
 * http_header_is_secret() - is a request header with this name one that proves something?
 * @line: "Name: value"
 *
 * Authorization, cookies, and what has key, token or the like in its name.
 */
bool http_header_is_secret(const char *line);

/** http_same_origin() - same scheme, host and port? */
bool http_same_origin(const char *a, const char *b);

/**
 * http_header_value() - is this the header line of that name?
 * @line: as it arrived; need not end in a NUL
 * @len: its length
 * @name: in lower case
 * @ret: its value, without white space around it
 * @ret_len: length of @ret
 */
bool http_header_value(const char *line, size_t len, const char *name,
		       const char **ret, size_t *ret_len);

/**
 * http_parse_length() - Content-Length
 *
 * Return: 0 or -EINVAL: digits only, below 2^63.
 */
int http_parse_length(const char *text, size_t len, uint64_t *ret);

/**
 * http_range_matches() - is this Content-Range the part of an object we want?
 * @text: "bytes FIRST-LAST/TOTAL"
 * @len: its length
 * @offset: FIRST must be this
 * @end: LAST must be the byte before it
 * @size: TOTAL must be this, or *
 */
bool http_range_matches(const char *text, size_t len, uint64_t offset,
			uint64_t end, uint64_t size);

/**
 * http_range_is_whole() - is this Content-Range that of the whole?
 * @text: "bytes 0-LAST/TOTAL", LAST being the last byte of TOTAL
 */
bool http_range_is_whole(const char *text, size_t len);

/**
 * http_status_refuses_range() - may it be the range that a server does not like?
 *
 * Servers and what stands before them answer in many ways to a range that they can't or
 * won't give; whether they give the whole is found out by asking for it.
 */
bool http_status_refuses_range(long status);

/**
 * http_parse_etag() - ETag
 * @text: the value of the header
 * @len: its length
 * @ret: what stands between the quotes; "" if it is not well-formed, too long or
 *	not printable
 * @ret_len: room in @ret
 */
void http_parse_etag(const char *text, size_t len, char *ret, size_t ret_len);

#endif /* FETCHER_HTTP_POLICY_H */
