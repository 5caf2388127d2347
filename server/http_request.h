/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes to request: the head of one HTTP/1.x request, checked strictly.
 *
 * Values only: nothing allocates, and every text of a request is borrowed from
 * the bytes it was read from.  Pure, so any thread may call anything here.
 *
 * Strict means: lines end in CRLF, no line is folded, no name has a blank
 * before its colon, no control character is let through, and what could make
 * two servers disagree about where a request ends (a body, two lengths, a
 * transfer coding) is refused.  Nothing is decoded and nothing is normalised.
 */
#ifndef SERVER_HTTP_REQUEST_H
#define SERVER_HTTP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

/* The whole head: request line, header fields and the empty line. */
#define HTTP_HEAD_MAX		8192
/* No URL that this server knows is a tenth as long. */
#define HTTP_REQUEST_LINE_MAX	2048

enum {
	HTTP_REQUEST_PARTIAL = 1,	/* more bytes are needed */
	HTTP_REQUEST_REFUSED = 2,	/* answer ->status, then close */
};

enum http_method {
	HTTP_GET,
	HTTP_HEAD,
};

/* Borrowed text; NULL means that the field was not sent. */
struct http_text {
	const char *text;
	size_t len;
};

struct http_request {
	enum http_method method;
	struct http_text target;	/* from its first '/'; "*" stays "*" */
	struct http_text range;
	struct http_text if_match;
	struct http_text if_none_match;
	struct http_text if_modified_since;
	struct http_text if_unmodified_since;
	struct http_text if_range;
	bool keep_alive;
	int status;			/* when refused: 400 ... 505 */
	size_t len;			/* bytes of the head, once it is whole */
};

/**
 * http_request_parse() - read the head of a request
 * @bytes: what has arrived so far; borrowed, also by @ret
 * @len: how many bytes
 * @ret: the request; ->status and ->target (as far as it was found, for a log)
 *	are also set when it is refused
 *
 * Return: 0, HTTP_REQUEST_PARTIAL or HTTP_REQUEST_REFUSED.
 */
int http_request_parse(const char *bytes, size_t len, struct http_request *ret);

/**
 * http_etag_matches() - does a list of If-None-Match or If-Match name this entity tag?
 * @list: value of the field, "*" or a list of entity tags
 * @etag: with its quotes, NUL-terminated; empty: only "*" matches
 * @strong: W/"x" does not match "x"
 */
bool http_etag_matches(const struct http_text *list, const char *etag,
		       bool strong);

enum {
	HTTP_RANGE_WHOLE = 1,		/* send everything, with 200 */
	HTTP_RANGE_UNSATISFIABLE = 2,	/* answer 416 */
};

/**
 * http_range_resolve() - which bytes does a Range field ask for?
 * @range: value of the field
 * @size: of what is served, in bytes
 * @ret_first: offset of the first byte; untouched unless 0 is returned
 * @ret_len: number of bytes, at least 1; untouched unless 0 is returned
 *
 * One range of bytes is served; several, or another unit, get the whole.
 *
 * Return: 0, HTTP_RANGE_WHOLE or HTTP_RANGE_UNSATISFIABLE.
 */
int http_range_resolve(const struct http_text *range, unsigned long long size,
		       unsigned long long *ret_first,
		       unsigned long long *ret_len);

#endif /* SERVER_HTTP_REQUEST_H */
