// SPDX-License-Identifier: GPL-2.0-or-later
/* Test server/http_request.c: what is a request, and what is refused. */
#include "server/http_request.h"

#include <string.h>

#include "tests/unit/test.h"

#define HOST	"Host: x\r\n"

/* status 0: a good request; 1: bytes are missing */
static const struct {
	const char *name;
	const char *bytes;
	int status;
} cases[] = {
	{ "nothing yet", "", 1 },
	{ "a plain GET", "GET / HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "a HEAD", "HEAD /x HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "HTTP/1.0 needs no host", "GET / HTTP/1.0\r\n\r\n", 0 },
	{ "a later minor version", "GET / HTTP/1.7\r\n" HOST "\r\n", 0 },
	{ "half a method", "GE", 1 },
	{ "no end of head", "GET / HTTP/1.1\r\n" HOST, 1 },
	{ "no last LF", "GET / HTTP/1.1\r\n" HOST "\r", 1 },
	{ "an empty line first", "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "three empty lines first", "\r\n\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "an absolute target", "GET http://h/x HTTP/1.1\r\n" HOST "\r\n", 0 },
	{ "a TLS greeting", "\x16\x03\x01\x02", 400 },
	{ "a blank first", " GET / HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "no target", "GET HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "two blanks", "GET  / HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "a blank in the target", "GET /a b HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "a control in the target", "GET /a\001 HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "a byte beyond ASCII", "GET /\xff HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "a relative target", "GET x HTTP/1.1\r\n" HOST "\r\n", 400 },
	{ "HTTP/0.9", "GET /\r\n\r\n", 400 },
	{ "HTTP/2.0", "GET / HTTP/2.0\r\n" HOST "\r\n", 505 },
	{ "HTTP/1.10", "GET / HTTP/1.10\r\n" HOST "\r\n", 400 },
	{ "lower-case http", "GET / http/1.1\r\n" HOST "\r\n", 400 },
	{ "a blank after the version", "GET / HTTP/1.1 \r\n" HOST "\r\n", 400 },
	{ "POST", "POST / HTTP/1.1\r\n" HOST "\r\n", 405 },
	{ "OPTIONS *", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 405 },
	{ "CONNECT", "CONNECT h:1 HTTP/1.1\r\n" HOST "\r\n", 405 },
	{ "an unknown method", "BREW /pot HTTP/1.1\r\n" HOST "\r\n", 501 },
	{ "get", "get / HTTP/1.1\r\n" HOST "\r\n", 501 },
	{ "no host", "GET / HTTP/1.1\r\nA: b\r\n\r\n", 400 },
	{ "two hosts", "GET / HTTP/1.1\r\n" HOST HOST "\r\n", 400 },
	{ "a bare LF", "GET / HTTP/1.1\n" HOST "\r\n", 400 },
	{ "LF inside a field", "GET / HTTP/1.1\r\n" HOST "A: b\nC: d\r\n\r\n", 400 },
	{ "CR inside a field", "GET / HTTP/1.1\r\n" HOST "A: b\rC\r\n\r\n", 400 },
	{ "a folded line", "GET / HTTP/1.1\r\n" HOST "A: b\r\n c\r\n\r\n", 400 },
	{ "a blank before the colon", "GET / HTTP/1.1\r\n" HOST "A : b\r\n\r\n", 400 },
	{ "no colon", "GET / HTTP/1.1\r\n" HOST "A\r\n\r\n", 400 },
	{ "no name", "GET / HTTP/1.1\r\n" HOST ": b\r\n\r\n", 400 },
	{ "an empty value", "GET / HTTP/1.1\r\n" HOST "A:\r\n\r\n", 0 },
	{ "a tab in a value", "GET / HTTP/1.1\r\n" HOST "A: b\tc\r\n\r\n", 0 },
	{ "a body of nothing", "GET / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", 0 },
	{ "a body", "GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", 413 },
	{ "a negative length", "GET / HTTP/1.1\r\n" HOST "Content-Length: -5\r\n\r\n", 400 },
	{ "two lengths", "GET / HTTP/1.1\r\n" HOST
	  "Content-Length: 0\r\nContent-Length: 0\r\n\r\n", 400 },
	{ "a list of lengths", "GET / HTTP/1.1\r\n" HOST "Content-Length: 0, 0\r\n\r\n", 400 },
	{ "an endless length", "GET / HTTP/1.1\r\n" HOST
	  "Content-Length: 99999999999999999999999999\r\n\r\n", 413 },
	{ "a transfer coding", "GET / HTTP/1.1\r\n" HOST
	  "Transfer-Encoding: chunked\r\n\r\n", 501 },
	{ "a coding and a length", "GET / HTTP/1.1\r\n" HOST
	  "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", 400 },
	{ "two ranges fields", "GET / HTTP/1.1\r\n" HOST
	  "Range: bytes=0-1\r\nRange: bytes=2-3\r\n\r\n", 400 },
};

static int parse(const char *bytes, size_t len, struct http_request *ret)
{
	/* On the heap and no larger than said, for the sanitizer. */
	char *copy = malloc(len + !len);
	int outcome;

	memcpy(copy, bytes, len);
	outcome = http_request_parse(copy, len, ret);
	free(copy);
	if (outcome == HTTP_REQUEST_REFUSED)
		return ret->status;
	return outcome == HTTP_REQUEST_PARTIAL ? 1 : outcome;
}

static void test_what_is_a_request(void)
{
	struct http_request request;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fprintf(stderr, "  %s\n", cases[i].name);
		CHECK_EQ(parse(cases[i].bytes, strlen(cases[i].bytes),
			       &request), cases[i].status);
	}
}

/* However a good request is cut, its beginning is only incomplete. */
static void test_a_request_may_arrive_in_any_pieces(void)
{
	static const char bytes[] =
		"\r\nGET http://h/images/x HTTP/1.1\r\nHost: h\r\nConnection: "
		"close\r\nRange: bytes=0-\r\n\r\n";
	struct http_request request;
	size_t len;

	for (len = 0; len < sizeof(bytes) - 1; len++)
		CHECK_EQ(parse(bytes, len, &request), 1);
	CHECK_EQ(parse(bytes, len, &request), 0);
	CHECK_EQ(request.len, len);
}

static bool text_is(const struct http_text *text, const char *wanted)
{
	return text->len == strlen(wanted) &&
	       memcmp(text->text, wanted, text->len) == 0;
}

static void test_what_a_request_says(void)
{
	static const char bytes[] =
		"HEAD https://host:1/a?b HTTP/1.1\r\nhOST:h\r\n"
		"range:\t bytes=1-2 \r\nIf-Range: \"e\"\r\n"
		"If-None-Match: \"a\", \"b\"\r\nIf-None-Match: \"c\"\r\n\r\nGET";
	struct http_request request;

	CHECK_EQ(http_request_parse(bytes, sizeof(bytes) - 1, &request), 0);
	CHECK_EQ(request.method, HTTP_HEAD);
	CHECK(text_is(&request.target, "/a?b"));
	CHECK(text_is(&request.range, "bytes=1-2"));
	CHECK(text_is(&request.if_range, "\"e\""));
	CHECK(text_is(&request.if_none_match, "\"a\", \"b\""));
	CHECK_EQ(request.len, sizeof(bytes) - 1 - 3);
	CHECK(request.keep_alive);
}

static void test_keep_alive(void)
{
	static const struct {
		const char *bytes;
		bool keep_alive;
	} rows[] = {
		{ "GET / HTTP/1.1\r\n" HOST "\r\n", true },
		{ "GET / HTTP/1.1\r\n" HOST "Connection: close\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\n" HOST "Connection: x, CLOSE\r\n\r\n", false },
		{ "GET / HTTP/1.1\r\n" HOST "Connection: closed\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true },
	};
	struct http_request request;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK_EQ(http_request_parse(rows[i].bytes,
					    strlen(rows[i].bytes), &request),
			 0);
		CHECK_EQ(request.keep_alive, rows[i].keep_alive);
	}
}

static void test_long_heads_are_refused(void)
{
	static char bytes[2 * HTTP_HEAD_MAX];
	struct http_request request;
	int n;

	memset(bytes, 'a', sizeof(bytes));
	bytes[4] = '/';
	memcpy(bytes, "GET ", 4);
	CHECK_EQ(parse(bytes, HTTP_REQUEST_LINE_MAX, &request), 1);
	CHECK_EQ(parse(bytes, HTTP_REQUEST_LINE_MAX + 1, &request), 414);
	CHECK_EQ(parse(bytes, sizeof(bytes), &request), 414);

	n = sprintf(bytes, "GET / HTTP/1.1\r\n" HOST "A: ");
	bytes[n] = 'a';
	CHECK_EQ(parse(bytes, HTTP_HEAD_MAX - 1, &request), 1);
	CHECK_EQ(parse(bytes, HTTP_HEAD_MAX, &request), 431);
	memcpy(bytes + HTTP_HEAD_MAX - 4, "\r\n\r\n", 4);
	CHECK_EQ(parse(bytes, HTTP_HEAD_MAX, &request), 0);
	memcpy(bytes + HTTP_HEAD_MAX - 4, "a\r\n\r\n", 5);
	CHECK_EQ(parse(bytes, HTTP_HEAD_MAX + 1, &request), 431);
}

static void test_nul_bytes_are_refused(void)
{
	static const char in_target[] = "GET /\0 HTTP/1.1\r\n" HOST "\r\n";
	static const char in_field[] = "GET / HTTP/1.1\r\n" HOST "A: \0\r\n\r\n";
	struct http_request request;

	CHECK_EQ(parse(in_target, sizeof(in_target) - 1, &request), 400);
	CHECK_EQ(parse(in_field, sizeof(in_field) - 1, &request), 400);
}

static void test_entity_tags(void)
{
	static const struct {
		const char *list;
		bool matches;
	} rows[] = {
		{ "\"abc\"", true },	      { "*", true },
		{ "W/\"abc\"", true },	      { "\"x\", \"abc\"", true },
		{ "\"x\",\"y\",W/\"abc\"", true }, { "\"x\"", false },
		{ "abc", false },	      { "\"abc", false },
		{ "\"abcd\"", false },	      { "", false },
		{ "W/", false },	      { "\"a,\"abc\"\"", false },
		{ "\"", false },	      { "W/\"", false },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_text list = { rows[i].list, strlen(rows[i].list) };

		fprintf(stderr, "  %s\n", rows[i].list);
		CHECK_EQ(http_etag_matches(&list, "\"abc\"", false), rows[i].matches);
	}
}

/* Of a file of 100 bytes, unless the row says otherwise. */
static void test_ranges(void)
{
	static const struct {
		const char *range;
		int outcome;
		unsigned long long first, len;
	} rows[] = {
		{ "bytes=0-0", 0, 0, 1 },
		{ "bytes=0-99", 0, 0, 100 },
		{ "BYTES=0-", 0, 0, 100 },
		{ "bytes=99-", 0, 99, 1 },
		{ "bytes=10-5000", 0, 10, 90 },
		{ "bytes=10-18446744073709551615", 0, 10, 90 },
		{ "bytes=10-99999999999999999999999999", 0, 10, 90 },
		{ "bytes=-1", 0, 99, 1 },
		{ "bytes=-100", 0, 0, 100 },
		{ "bytes=-18446744073709551615", 0, 0, 100 },
		{ "bytes=-99999999999999999999999999", 0, 0, 100 },
		{ "bytes=100-", HTTP_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=18446744073709551615-", HTTP_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=18446744073709551616-", HTTP_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=-0", HTTP_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=5-4", HTTP_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=", HTTP_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=-", HTTP_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=1", HTTP_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=a-b", HTTP_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=1-2x", HTTP_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=--1", HTTP_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=1 - 2", HTTP_RANGE_UNSATISFIABLE, 0, 0 },
		{ "bytes=0-1,5-6", HTTP_RANGE_WHOLE, 0, 0 },
		{ "lines=0-1", HTTP_RANGE_WHOLE, 0, 0 },
		{ "bytes", HTTP_RANGE_WHOLE, 0, 0 },
		{ "", HTTP_RANGE_WHOLE, 0, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct http_text range = { rows[i].range,
					   strlen(rows[i].range) };
		unsigned long long first = 0, len = 0;

		fprintf(stderr, "  %s\n", rows[i].range);
		CHECK_EQ(http_range_resolve(&range, 100, &first, &len),
			 rows[i].outcome);
		CHECK_EQ(first, rows[i].first);
		CHECK_EQ(len, rows[i].len);
	}
}

static void test_nothing_of_an_empty_file_can_be_ranged(void)
{
	static const char *const ranges[] = { "bytes=0-", "bytes=0-0",
					      "bytes=-1" };
	unsigned long long first, len;
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++) {
		struct http_text range = { ranges[i], strlen(ranges[i]) };

		CHECK_EQ(http_range_resolve(&range, 0, &first, &len),
			 HTTP_RANGE_UNSATISFIABLE);
	}
}

RUN_TESTS(T(test_what_is_a_request), T(test_a_request_may_arrive_in_any_pieces),
	  T(test_what_a_request_says), T(test_keep_alive),
	  T(test_long_heads_are_refused), T(test_nul_bytes_are_refused),
	  T(test_entity_tags), T(test_ranges),
	  T(test_nothing_of_an_empty_file_can_be_ranged))
