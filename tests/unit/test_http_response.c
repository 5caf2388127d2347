// SPDX-License-Identifier: GPL-2.0-or-later
/* Test server/http_response.c: heads of responses, byte by byte. */
#include "server/http_response.h"

#include <string.h>

#include "tests/unit/test.h"

#define DATE	"Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

static struct http_date date;

static void check_head(const struct http_response *response, const char *wanted)
{
	char head[HTTP_RESPONSE_HEAD_MAX + 1];
	size_t len;

	http_date_update(&date, 784111777);
	len = http_response_head(response, &date, head);
	CHECK(len <= HTTP_RESPONSE_HEAD_MAX);
	head[len] = '\0';
	if (strcmp(head, wanted) != 0)
		fprintf(stderr, "%s", head);
	CHECK(strcmp(head, wanted) == 0);
}

static void test_a_whole_object(void)
{
	const struct http_response response = {
		.status = 200, .keep_alive = true,
		.content_type = "application/octet-stream", .etag = "\"e\"",
		.cache = HTTP_CACHE_IMMUTABLE, .has_length = true,
		.length = 4096, .size = 4096,
	};

	check_head(&response,
		   "HTTP/1.1 200 OK\r\n" DATE
		   "Content-Type: application/octet-stream\r\n"
		   "Content-Length: 4096\r\nETag: \"e\"\r\n"
		   "Accept-Ranges: bytes\r\n"
		   "Cache-Control: public, max-age=31536000, immutable\r\n"
		   "Connection: keep-alive\r\n\r\n");
}

static void test_a_range(void)
{
	const struct http_response response = {
		.status = 206, .etag = "\"e\"", .has_length = true,
		.cache = HTTP_CACHE_REVALIDATE, .length = 10, .first = 5,
		.size = 18446744073709551615ull,
	};

	check_head(&response,
		   "HTTP/1.1 206 Partial Content\r\n" DATE
		   "Content-Length: 10\r\nETag: \"e\"\r\nAccept-Ranges: bytes\r\n"
		   "Cache-Control: no-cache\r\n"
		   "Content-Range: bytes 5-14/18446744073709551615\r\n"
		   "Connection: close\r\n\r\n");
}

static void test_no_range(void)
{
	const struct http_response response = {
		.status = 416, .has_length = true, .size = 100,
	};

	check_head(&response, "HTTP/1.1 416 Range Not Satisfiable\r\n" DATE
			      "Content-Length: 0\r\n"
			      "Cache-Control: no-store\r\n"
			      "Content-Range: bytes */100\r\n"
			      "Connection: close\r\n\r\n");
}

static void test_not_modified_has_no_length(void)
{
	const struct http_response response = {
		.status = 304, .keep_alive = true, .etag = "\"e\"",
		.cache = HTTP_CACHE_REVALIDATE,
		.length = 5, .size = 5,
	};

	check_head(&response, "HTTP/1.1 304 Not Modified\r\n" DATE
			      "ETag: \"e\"\r\nAccept-Ranges: bytes\r\n"
			      "Cache-Control: no-cache\r\n"
			      "Connection: keep-alive\r\n\r\n");
}

static void test_a_refused_method_says_which_are_not(void)
{
	const struct http_response response = { .status = 405 };

	check_head(&response, "HTTP/1.1 405 Method Not Allowed\r\n" DATE
			      "Cache-Control: no-store\r\n"
			      "Allow: GET, HEAD\r\nConnection: close\r\n\r\n");
}

static void test_the_longest_head_fits(void)
{
	char etag[HTTP_ETAG_MAX];
	char head[4096];
	struct http_response response = {
		.status = 206, .keep_alive = true, .etag = etag,
		.content_type = "application/octet-stream",
		.modified = "Sun, 06 Nov 1994 08:49:37 GMT",
		.cache = HTTP_CACHE_IMMUTABLE, .has_length = true,
		.length = ~0ull, .first = ~0ull, .size = ~0ull,
	};

	memset(etag, 'e', sizeof(etag) - 1);
	etag[sizeof(etag) - 1] = '\0';
	http_date_update(&date, 784111777);
	CHECK(http_response_head(&response, &date, head) <
	      HTTP_RESPONSE_HEAD_MAX);
}

static void test_the_date_follows_the_clock(void)
{
	http_date_update(&date, 784111777);
	http_date_update(&date, 784111778);
	CHECK(memcmp(date.line, "Date: Sun, 06 Nov 1994 08:49:38 GMT\r\n",
		     date.len) == 0);
}

RUN_TESTS(T(test_a_whole_object), T(test_a_range), T(test_no_range),
	  T(test_not_modified_has_no_length),
	  T(test_a_refused_method_says_which_are_not),
	  T(test_the_longest_head_fits), T(test_the_date_follows_the_clock))
