// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Write the head of a response.
 *
 * It is put together by copying, not by printf: this runs once for every
 * request that is answered from memory.
 */
#include "server/http_response.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void http_date_update(struct http_date *date, time_t now)
{
	struct tm tm;

	if (date->len && date->second == now)
		return;
	gmtime_r(&now, &tm);
	/* The C locale is in force: day and month names are English. */
	date->len = strftime(date->line, sizeof(date->line),
			     "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &tm);
	date->second = now;
}

static const struct {
	int status;
	const char *text;
} statuses[] = {
	{ 200, "OK" },
	{ 206, "Partial Content" },
	{ 304, "Not Modified" },
	{ 400, "Bad Request" },
	{ 404, "Not Found" },
	{ 405, "Method Not Allowed" },
	{ 408, "Request Timeout" },
	{ 412, "Precondition Failed" },
	{ 413, "Content Too Large" },
	{ 414, "URI Too Long" },
	{ 416, "Range Not Satisfiable" },
	{ 431, "Request Header Fields Too Large" },
	{ 500, "Internal Server Error" },
	{ 501, "Not Implemented" },
	{ 503, "Service Unavailable" },
	{ 505, "HTTP Version Not Supported" },
};

const char *http_status_text(int status)
{
	size_t i;

	for (i = 0; i < sizeof(statuses) / sizeof(statuses[0]); i++)
		if (statuses[i].status == status)
			return statuses[i].text;
	abort();	/* a status that nothing here gives */
}

static char *put(char *p, const char *text, size_t len)
{
	memcpy(p, text, len);
	return p + len;
}

static char *put_text(char *p, const char *text)
{
	return put(p, text, strlen(text));
}

static char *put_number(char *p, unsigned long long n)
{
	char digits[20];
	size_t i = sizeof(digits);

	do
		digits[--i] = '0' + n % 10;
	while (n /= 10);
	return put(p, digits + i, sizeof(digits) - i);
}

static char *put_content_range(char *p, const struct http_response *response)
{
	p = put_text(p, "Content-Range: bytes ");
	if (response->status == 416) {
		p = put_text(p, "*/");
	} else {
		p = put_number(p, response->first);
		*p++ = '-';
		p = put_number(p, response->first + response->length - 1);
		*p++ = '/';
	}
	p = put_number(p, response->size);
	return put_text(p, "\r\n");
}

static char *put_cache_control(char *p, enum http_cache cache)
{
	switch (cache) {
	case HTTP_CACHE_IMMUTABLE:
		return put_text(p, "Cache-Control: public, max-age=31536000, "
				   "immutable\r\n");
	case HTTP_CACHE_REVALIDATE:
		return put_text(p, "Cache-Control: no-cache\r\n");
	case HTTP_CACHE_NO_STORE:
		return put_text(p, "Cache-Control: no-store\r\n");
	case HTTP_CACHE_HOUR:
		return put_text(p, "Cache-Control: public, max-age=3600\r\n");
	}
	return p;
}

size_t http_response_head(const struct http_response *response,
			  const struct http_date *date, char *ret)
{
	char *p = ret;

	p = put_text(p, "HTTP/1.1 ");
	p = put_number(p, response->status);
	*p++ = ' ';
	p = put_text(p, http_status_text(response->status));
	p = put_text(p, "\r\n");
	p = put(p, date->line, date->len);
	if (response->content_type) {
		p = put_text(p, "Content-Type: ");
		p = put_text(p, response->content_type);
		p = put_text(p, "\r\n");
	}
	if (response->has_length) {
		p = put_text(p, "Content-Length: ");
		p = put_number(p, response->length);
		p = put_text(p, "\r\n");
	}
	if (response->etag) {
		p = put_text(p, "ETag: ");
		p = put_text(p, response->etag);
		p = put_text(p, "\r\nAccept-Ranges: bytes\r\n");
	}
	if (response->modified) {
		p = put_text(p, "Last-Modified: ");
		p = put_text(p, response->modified);
		p = put_text(p, "\r\n");
	}
	/*
	 * What is missing now may be published in a moment, and a cache that does
	 * not know ranges might keep a 416 as the object.
	 */
	p = put_cache_control(p, response->status >= 400 ? HTTP_CACHE_NO_STORE :
							   response->cache);
	if (response->status == 206 || response->status == 416)
		p = put_content_range(p, response);
	if (response->status == 405)
		p = put_text(p, "Allow: GET, HEAD\r\n");
	if (response->status == 503)
		p = put_text(p, "Retry-After: 1\r\n");
	p = put_text(p, response->keep_alive ? "Connection: keep-alive\r\n\r\n" :
					       "Connection: close\r\n\r\n");
	return p - ret;
}
