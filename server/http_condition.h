/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Conditions that a request makes (RFC 9110, 13): by entity tag, or by date.
 *
 *	If-Match ------- false --> 412		If-None-Match ------ false --> 304
 *	  |                                       ^  |
 *	  | not sent                              |  | not sent
 *	  v                                       |  v
 *	If-Unmodified-Since - false --> 412	  |  If-Modified-Since - false --> 304
 *	  |                                       |  |
 *	  +---- true, or not sent ----------------+  +--> Range, if If-Range agrees
 *
 * Dates that can't be read are as if they had not been sent.  Everything is
 * borrowed for the duration of the call.
 */
#ifndef SERVER_HTTP_CONDITION_H
#define SERVER_HTTP_CONDITION_H

#include <stdbool.h>
#include <time.h>

#include "server/http_request.h"

/* "Sun, 06 Nov 1994 08:49:37 GMT" and a NUL. */
#define HTTP_DATE_MAX	30

/* What is served, to be compared with what the client has. */
struct http_validators {
	const char *etag;	/* with its quotes, always a strong one; NULL: none */
	time_t modified;	/* 0: not known */
	bool is_exact;		/* it has not changed twice in that second */
};

/** http_date_format() - write a date as fields have it */
void http_date_format(time_t time, char ret[HTTP_DATE_MAX]);

/**
 * http_date_parse() - read a date in any of the three forms
 *
 * Return: 0, or -EINVAL if it is none.
 */
int http_date_parse(const struct http_text *text, time_t *ret);

/**
 * http_condition_status() - what do the conditions but If-Range come to?
 *
 * Return: 0 to go on, 304 or 412.
 */
int http_condition_status(const struct http_request *request,
			  const struct http_validators *current);

/** http_condition_range() - may a range be served, or must it be the whole? */
bool http_condition_range(const struct http_request *request,
			  const struct http_validators *current);

#endif /* SERVER_HTTP_CONDITION_H */
