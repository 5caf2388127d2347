/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One GET, through libcurl's multi interface on the loop.
 *
 * Nothing the other side says is believed: status, Content-Length and
 * Content-Range are checked against what was asked for, every limit is enforced
 * here (bytes, header bytes, redirects, time), and whether the bytes are right is
 * for the caller to find out.  libcurl's codes become enum fetch_result here and
 * nowhere else.
 *
 * Limits: TLS 1.2 at least; redirects at most 3, to http and https only, never from
 * https to http, and to a loopback, link-local or private address only if the mirror
 * itself is at such an address; the configured headers go to the mirror's own origin
 * only.  No content decoding, cookies, netrc, HSTS, alt-svc, environment proxies.
 * Header bytes: 64 KiB an answer.  Times: see config.h.
 *
 * Ownership: http_new() gives the caller a client to http_free(), which comes
 * after all its GETs have ended.  A struct http_get is the caller's and borrowed
 * from http_get_start() until done or http_get_cancel().  Everything runs on the
 * loop's thread; callbacks never come from inside a call of this header, except
 * data from http_get_resume().
 */
#ifndef FETCHER_HTTP_GET_H
#define FETCHER_HTTP_GET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "fetcher/http/stats.h"

struct fetch_config;
struct http;
struct http_get;
struct http_transfer;
struct loop;

#define HTTP_ETAG_MAX	128
#define HTTP_REASON_MAX	256

/**
 * struct http_answer - how a GET ended
 * @result: FETCH_RESULT_OK if all bytes were handed to data
 * @status: HTTP status of the last answer, or 0
 * @sent: the request has gone out: something is there, even if it does not answer
 * @first_byte_ms: from start to the first byte of the answer
 * @retry_after_ms: what the server asked for, or 0
 * @body_size: bytes handed to data
 * @etag: what the server gave, without quotes and W/; "" if none or not printable
 * @reason: one line for a log, printable: status, cause, and the proxy if there is one;
 *	nothing in it that the server chose but what a certificate says; "" if all is well
 */
struct http_answer {
	enum fetch_result result;
	unsigned int status;
	bool sent;
	uint64_t first_byte_ms;
	uint64_t retry_after_ms;
	uint64_t body_size;
	char etag[HTTP_ETAG_MAX];
	char reason[HTTP_REASON_MAX];
};

enum {
	HTTP_DATA_PAUSE = 1,	/* data: not taken; go on at http_get_resume() */
};

/**
 * struct http_get - one GET
 * @url: what to get; borrowed
 * @size: bytes the whole thing has, or UINT64_MAX if not known
 * @max_size: cut there, if @size is not known
 * @offset: ask for the bytes from here on; more than 0 needs a known @size
 * @length: and for so many of them only; 0: all the rest; else needs a known @size
 * @bulk: one of a few that bring megabytes each: the fetcher gives them connections of
 *	their own, whose windows are open when the next one begins; libcurl would take
 *	any that is idle
 * @no_cache: ask caches on the way to ask the origin
 * @if_none_match: an ETag we have, without quotes, or NULL; borrowed
 * @data: the next bytes of the body; never more than were asked for
 *	Return: 0, HTTP_DATA_PAUSE, or -errno to end with FETCH_RESULT_LOCAL
 * @done: called exactly once, unless cancelled; the answer is borrowed
 * @announced: while bytes come, how many the server says there are; 0: it does not
 */
struct http_get {
	const char *url;
	uint64_t size;
	uint64_t max_size;
	uint64_t offset;
	uint64_t length;
	bool bulk;
	bool no_cache;
	const char *if_none_match;

	int (*data)(struct http_get *get, const void *data, size_t len);
	void (*done)(struct http_get *get, const struct http_answer *answer);
	uint64_t announced;
	/* private: */
	struct http_transfer *transfer;
};

/**
 * http_new() - a client with its connections
 * @loop: borrowed
 * @config: borrowed
 * @ret: the client, owned by the caller; untouched on failure
 *
 * Return: 0 or -ENOMEM.
 */
int http_new(struct loop *loop, const struct fetch_config *config,
	     struct http **ret);

/** http_free() - NULL is allowed */
void http_free(struct http *http);

/**
 * http_get_start() - send the request
 *
 * Return: 0, or -ENOMEM, in which case no callback comes.
 */
int http_get_start(struct http *http, struct http_get *get);

/** http_get_resume() - hand over what data refused, and go on */
void http_get_resume(struct http *http, struct http_get *get);

/** http_get_cancel() - no callback comes any more; not from inside data */
void http_get_cancel(struct http *http, struct http_get *get);

#endif /* FETCHER_HTTP_GET_H */
