/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The head of a response, written into a buffer of the caller's.
 *
 * Nothing allocates; everything passed in is borrowed for the duration of the
 * call.  The clock line is kept by its owner, one per thread.
 */
#ifndef SERVER_HTTP_RESPONSE_H
#define SERVER_HTTP_RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/* Room that every head written here fits into. */
#define HTTP_RESPONSE_HEAD_MAX	768

/* An entity tag with its quotes and a NUL. */
#define HTTP_ETAG_MAX		72

/* "Date: ..." with its CRLF, formatted at most once a second. */
struct http_date {
	time_t second;
	size_t len;
	char line[48];
};

/** http_date_update() - bring the line to @now, seconds since the epoch */
void http_date_update(struct http_date *date, time_t now);

enum http_cache {
	HTTP_CACHE_NO_STORE,	/* true at this moment only */
	HTTP_CACHE_IMMUTABLE,	/* named by its digest: never changes */
	HTTP_CACHE_REVALIDATE,	/* ask every time; a 304 costs little */
	HTTP_CACHE_HOUR,	/* made anew now and then; checked by digest */
};

struct http_response {
	int status;
	bool keep_alive;
	const char *content_type;	/* NULL: none */
	const char *etag;		/* NULL: none */
	const char *modified;		/* a date; NULL: not known */
	enum http_cache cache;		/* an error is never to be stored */
	bool has_length;		/* false only for 304 */
	unsigned long long length;	/* of the body, in bytes */
	unsigned long long size;	/* of the whole, for 206 and 416 */
	unsigned long long first;	/* offset of a 206 */
};

/** http_status_text() - "Not Found" and the like; static */
const char *http_status_text(int status);

/**
 * http_response_head() - write status line, fields and the empty line
 * @response: what to say
 * @date: the clock line
 * @ret: room for HTTP_RESPONSE_HEAD_MAX bytes; not NUL-terminated
 *
 * Return: the number of bytes written.
 */
size_t http_response_head(const struct http_response *response,
			  const struct http_date *date, char *ret);

#endif /* SERVER_HTTP_RESPONSE_H */
