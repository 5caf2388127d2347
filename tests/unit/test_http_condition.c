// SPDX-License-Identifier: GPL-2.0-or-later
/* Test server/http_condition.c: conditions of requests, and their precedence. */
#include "server/http_condition.h"

#include <errno.h>
#include <string.h>

#include "tests/unit/test.h"

#define OLD	"Sun, 06 Nov 1994 08:49:36 GMT"
#define NOW	"Sun, 06 Nov 1994 08:49:37 GMT"
#define NEW	"Sun, 06 Nov 1994 08:49:38 GMT"

static const struct http_validators current = {
	.etag = "\"e\"", .modified = 784111777, .is_exact = true,
};

static struct http_request request_with(const char *fields)
{
	static char text[1024];
	struct http_request request;

	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: a\r\n%s\r\n", fields);
	CHECK_EQ(http_request_parse(text, strlen(text), &request), 0);
	return request;
}

static void test_dates(void)
{
	static const struct {
		const char *text;
		time_t time;		/* -1: it is none */
	} rows[] = {
		{ NOW, 784111777 },
		{ "Sunday, 06-Nov-94 08:49:37 GMT", 784111777 },
		{ "Sun Nov  6 08:49:37 1994", 784111777 },
		{ "Thu, 01 Jan 1970 00:00:00 GMT", 0 },
		{ "Sun, 06 Nov 1994 08:49:37 CET", -1 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT+1", -1 },
		{ "Sun, 06 Nov 1994 08:49 GMT", -1 },
		{ "784111777", -1 },
		{ "", -1 },
		{ "Sun, 06 Nov 1994 08:49:37 GMT, Sun, 06 Nov 1994 08:49:37 GMT, and so on", -1 },
	};
	char text[HTTP_DATE_MAX];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_text field = { rows[i].text, strlen(rows[i].text) };
		time_t time = -2;

		printf("  %s\n", rows[i].text);
		CHECK_EQ(http_date_parse(&field, &time), rows[i].time < 0 ? -EINVAL : 0);
		CHECK_EQ(time, rows[i].time < 0 ? -2 : rows[i].time);
	}
	http_date_format(784111777, text);
	CHECK(strcmp(text, NOW) == 0);
}

static void test_conditions(void)
{
	static const struct {
		const char *fields;
		int status;
	} rows[] = {
		{ "", 0 },
		{ "If-Match: \"e\"\r\n", 0 },
		{ "If-Match: *\r\n", 0 },
		{ "If-Match: \"x\", \"e\"\r\n", 0 },
		{ "If-Match: \"x\"\r\n", 412 },
		{ "If-Match: W/\"e\"\r\n", 412 },
		{ "If-Match: \r\n", 412 },
		{ "If-None-Match: \"e\"\r\n", 304 },
		{ "If-None-Match: W/\"e\"\r\n", 304 },
		{ "If-None-Match: *\r\n", 304 },
		{ "If-None-Match: \"x\"\r\n", 0 },
		{ "If-Modified-Since: " OLD "\r\n", 0 },
		{ "If-Modified-Since: " NOW "\r\n", 304 },
		{ "If-Modified-Since: " NEW "\r\n", 304 },
		{ "If-Modified-Since: yesterday\r\n", 0 },
		{ "If-Unmodified-Since: " OLD "\r\n", 412 },
		{ "If-Unmodified-Since: " NOW "\r\n", 0 },
		{ "If-Unmodified-Since: " NEW "\r\n", 0 },
		{ "If-Unmodified-Since: yesterday\r\n", 0 },
		/* The tag decides, not the date beside it. */
		{ "If-Match: \"e\"\r\nIf-Unmodified-Since: " OLD "\r\n", 0 },
		{ "If-Match: \"x\"\r\nIf-Unmodified-Since: " NEW "\r\n", 412 },
		{ "If-None-Match: \"x\"\r\nIf-Modified-Since: " NEW "\r\n", 0 },
		{ "If-None-Match: \"e\"\r\nIf-Modified-Since: " OLD "\r\n", 304 },
		/* 412 comes first. */
		{ "If-None-Match: \"e\"\r\nIf-Match: \"x\"\r\n", 412 },
		{ "If-None-Match: \"e\"\r\nIf-Match: \"e\"\r\n", 304 },
		{ "If-Modified-Since: " NEW "\r\nIf-Unmodified-Since: " OLD "\r\n", 412 },
	};
	const struct http_validators none = { 0 };
	struct http_request request;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		printf("  %s\n", rows[i].fields);
		request = request_with(rows[i].fields);
		CHECK_EQ(http_condition_status(&request, &current), rows[i].status);
	}
	request = request_with("If-Match: \"e\"\r\n");
	CHECK_EQ(http_condition_status(&request, &none), 412);
	request = request_with("If-Match: *\r\nIf-Modified-Since: " NEW "\r\n");
	CHECK_EQ(http_condition_status(&request, &none), 0);
}

static void test_ranges(void)
{
	static const struct {
		const char *fields;
		bool applies;
	} rows[] = {
		{ "", false },
		{ "Range: bytes=0-1\r\n", true },
		{ "Range: bytes=0-1\r\nIf-Range: \"e\"\r\n", true },
		{ "Range: bytes=0-1\r\nIf-Range: \"x\"\r\n", false },
		{ "Range: bytes=0-1\r\nIf-Range: W/\"e\"\r\n", false },
		{ "Range: bytes=0-1\r\nIf-Range: " NOW "\r\n", true },
		{ "Range: bytes=0-1\r\nIf-Range: " OLD "\r\n", false },
		{ "Range: bytes=0-1\r\nIf-Range: " NEW "\r\n", false },
		{ "Range: bytes=0-1\r\nIf-Range: yesterday\r\n", false },
		{ "If-Range: \"e\"\r\n", false },
	};
	struct http_validators changing = current;
	struct http_request request;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		printf("  %s\n", rows[i].fields);
		request = request_with(rows[i].fields);
		CHECK_EQ(http_condition_range(&request, &current), rows[i].applies);
		request.method = HTTP_HEAD;
		CHECK(!http_condition_range(&request, &current));
	}
	changing.is_exact = false;
	request = request_with("Range: bytes=0-1\r\nIf-Range: " NOW "\r\n");
	CHECK(!http_condition_range(&request, &changing));
}

RUN_TESTS(T(test_dates), T(test_conditions), T(test_ranges))
