// SPDX-License-Identifier: GPL-2.0-or-later
/* One GET against a server that says whatever a case wants. */
#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/http_rig.h"
#include "tests/unit/raw_server.h"
#include "tests/unit/test.h"

struct text_case {
	const char *name;
	const char *text;
	bool keep;		/* the connection stays open, silently */
	enum fetch_result result;
	unsigned int status;
};

static int answer_text(void *context, int fd, const char *request,
		       unsigned int n)
{
	const struct text_case *c = context;

	(void)request;
	(void)n;
	raw_send(fd, c->text, strlen(c->text));
	return c->keep ? 0 : 1;
}

/* An object of 10 bytes is asked for; this is what comes. */
static void test_answers(void)
{
	static const struct text_case cases[] = {
		{ "as it should be", OK LEN "\r\n" BODY, true,
		  FETCH_RESULT_OK, 200 },
		{ "no length, connection closed", OK "\r\n" BODY, false,
		  FETCH_RESULT_OK, 200 },
		{ "chunked", OK "Transfer-Encoding: chunked\r\n\r\n"
		  "4\r\n0123\r\n6\r\n456789\r\n0\r\n\r\n", true,
		  FETCH_RESULT_OK, 200 },
		{ "after a 103", "HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n"
		  OK LEN "\r\n" BODY, true, FETCH_RESULT_OK, 200 },
		{ "short, length right", OK LEN "\r\n01234", false,
		  FETCH_RESULT_SHORT, 200 },
		{ "short, no length", OK "\r\n01234", false,
		  FETCH_RESULT_SHORT, 200 },
		{ "announced too long", OK "Content-Length: 11\r\n\r\n", true,
		  FETCH_RESULT_BAD_SIZE, 200 },
		{ "announced absurdly long",
		  OK "Content-Length: 4611686018427387904\r\n\r\n", true,
		  FETCH_RESULT_BAD_SIZE, 200 },
		{ "announced too short", OK "Content-Length: 9\r\n\r\n012345678",
		  true, FETCH_RESULT_BAD_SIZE, 200 },
		{ "longer than the object", OK "\r\n" BODY "0", true,
		  FETCH_RESULT_BAD_SIZE, 200 },
		{ "chunked, longer", OK "Transfer-Encoding: chunked\r\n\r\n"
		  "b\r\n0123456789a\r\n", true, FETCH_RESULT_BAD_SIZE, 200 },
		{ "negative length", OK "Content-Length: -1\r\n\r\n", true,
		  FETCH_RESULT_PROTOCOL, 200 },
		{ "two lengths", OK LEN "Content-Length: 12\r\n\r\n" BODY, true,
		  FETCH_RESULT_PROTOCOL, 200 },
		{ "404 with a body", "HTTP/1.1 404 Not Found\r\n"
		  "Content-Length: 4\r\n\r\ngone", true,
		  FETCH_RESULT_MISSING, 404 },
		{ "410", "HTTP/1.1 410 Gone\r\nContent-Length: 0\r\n\r\n", true,
		  FETCH_RESULT_MISSING, 410 },
		{ "403", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n", true,
		  FETCH_RESULT_DENIED, 403 },
		{ "401", "HTTP/1.1 401 Who\r\nContent-Length: 0\r\n\r\n", true,
		  FETCH_RESULT_DENIED, 401 },
		{ "429", "HTTP/1.1 429 Slow\r\nRetry-After: 7\r\n"
		  "Content-Length: 0\r\n\r\n", true, FETCH_RESULT_BUSY, 429 },
		{ "500", "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n", true,
		  FETCH_RESULT_STATUS, 500 },
		{ "204", "HTTP/1.1 204 Nothing\r\n\r\n", true,
		  FETCH_RESULT_STATUS, 204 },
		{ "206 unasked, of everything", "HTTP/1.1 206 Part\r\n"
		  "Content-Range: bytes 0-9/10\r\n" LEN "\r\n" BODY, true,
		  FETCH_RESULT_OK, 206 },
		{ "206 unasked, of less", "HTTP/1.1 206 Part\r\n"
		  "Content-Range: bytes 0-9/11\r\n" LEN "\r\n" BODY, true,
		  FETCH_RESULT_STATUS, 206 },
		{ "304 unasked", "HTTP/1.1 304 Same\r\n\r\n", true,
		  FETCH_RESULT_STATUS, 304 },
		{ "HTTP/0.9", "hello there, this is not HTTP at all", false,
		  FETCH_RESULT_PROTOCOL, 0 },
		{ "garbled status", "HTTP/1.1 abc what\r\n\r\n", false,
		  FETCH_RESULT_PROTOCOL, 0 },
		{ "nothing", "", false, FETCH_RESULT_UNREACHABLE, 0 },
		{ "silence", "", true, FETCH_RESULT_TIMEOUT, 0 },
		{ "half a header, then silence", "HTTP/1.1 200 OK\r\nX:", true,
		  FETCH_RESULT_TIMEOUT, 200 },
		{ "half a body, then silence", OK LEN "\r\n01234", true,
		  FETCH_RESULT_TIMEOUT, 200 },
		{ "gzip not asked for", OK "Content-Encoding: gzip\r\n" LEN
		  "\r\n\x1f\x8b" "23456789", true, FETCH_RESULT_OK, 200 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct raw_server *server =
			raw_server_start(answer_text, (void *)&cases[i]);
		struct outcome o = { .get.size = SIZE };

		fprintf(stderr, "  %s\n", cases[i].name);
		http_get_from(&o, raw_server_url(server));
		CHECK_EQ(o.answer.result, cases[i].result);
		CHECK_EQ(o.answer.status, cases[i].status);
		CHECK(o.len <= SIZE);
		if (o.answer.result == FETCH_RESULT_OK)
			CHECK_EQ(o.len, SIZE);
		CHECK_EQ(o.answer.retry_after_ms,
			 cases[i].status == 429 ? 7000 : 0);
		raw_server_stop(server);
	}
}

struct flood {
	const char *name;
	const char *begin, *again, *end;
	unsigned int times;
};

static int answer_flood(void *context, int fd, const char *request,
			unsigned int n)
{
	const struct flood *f = context;
	unsigned int i;

	(void)request;
	(void)n;
	raw_print(fd, "%s", f->begin);
	for (i = 0; i < f->times; i++)
		raw_print(fd, "%s", f->again);
	raw_print(fd, "%s", f->end);
	return 1;
}

/* Header bytes are counted, whatever form they come in. */
static void test_header_floods_are_cut(void)
{
	static const struct flood floods[] = {
		{ "one line of 2 MiB", OK "X: ", "0123456789abcdef", "\r\n",
		  2 << 16 },
		{ "20000 lines", OK, "X-Y: 0123456789\r\n", "\r\n", 20000 },
		{ "20000 times 103", "", "HTTP/1.1 103 Early\r\nX: 1\r\n\r\n",
		  OK LEN "\r\n" BODY, 20000 },
	};
	size_t i;

	for (i = 0; i < sizeof(floods) / sizeof(floods[0]); i++) {
		struct raw_server *server =
			raw_server_start(answer_flood, (void *)&floods[i]);
		struct outcome o = { .get.size = SIZE };

		fprintf(stderr, "  %s\n", floods[i].name);
		http_get_from(&o, raw_server_url(server));
		CHECK_EQ(o.answer.result, FETCH_RESULT_PROTOCOL);
		CHECK_EQ(o.len, 0);
		raw_server_stop(server);
	}
}

static int answer_endless(void *context, int fd, const char *request,
			  unsigned int n)
{
	unsigned int i;

	(void)context;
	(void)request;
	(void)n;
	raw_print(fd, OK "Transfer-Encoding: chunked\r\n\r\n");
	for (i = 0; i < 100000; i++)
		raw_print(fd, "10\r\n0123456789abcdef\r\n");
	return 1;
}

/* Without a known size the cap is the limit. */
static void test_unknown_size_is_capped(void)
{
	struct raw_server *server = raw_server_start(answer_endless, NULL);
	struct outcome o = { .get = { .size = UINT64_MAX, .max_size = 4096 } };

	http_get_from(&o, raw_server_url(server));
	CHECK_EQ(o.answer.result, FETCH_RESULT_BAD_SIZE);
	CHECK(o.len <= 4096);
	raw_server_stop(server);
}

struct range_case {
	const char *name, *text;
	enum fetch_result result;
};

static int answer_range(void *context, int fd, const char *request,
			unsigned int n)
{
	const struct range_case *c = context;

	(void)n;
	CHECK(strcasestr(request, "\r\nRange: bytes=4-\r\n"));
	raw_print(fd, "%s", c->text);
	return 1;
}

/* The rest of an object, from byte 4 on: nothing else will do. */
static void test_rest_of_an_object(void)
{
	static const struct range_case cases[] = {
		{ "the rest", "HTTP/1.1 206 P\r\nContent-Length: 6\r\n"
		  "Content-Range: bytes 4-9/10\r\n\r\n456789", FETCH_RESULT_OK },
		{ "total not known", "HTTP/1.1 206 P\r\nContent-Length: 6\r\n"
		  "Content-Range: bytes 4-9/*\r\n\r\n456789", FETCH_RESULT_OK },
		{ "all of it", OK LEN "\r\n" BODY, FETCH_RESULT_RANGE },
		{ "another part", "HTTP/1.1 206 P\r\nContent-Length: 6\r\n"
		  "Content-Range: bytes 3-8/10\r\n\r\n345678",
		  FETCH_RESULT_RANGE },
		{ "of another size", "HTTP/1.1 206 P\r\nContent-Length: 6\r\n"
		  "Content-Range: bytes 4-9/11\r\n\r\n456789",
		  FETCH_RESULT_RANGE },
		{ "no Content-Range", "HTTP/1.1 206 P\r\nContent-Length: 6\r\n"
		  "\r\n456789", FETCH_RESULT_RANGE },
		{ "416", "HTTP/1.1 416 No\r\nContent-Length: 0\r\n\r\n",
		  FETCH_RESULT_RANGE },
		{ "400", "HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n",
		  FETCH_RESULT_RANGE },
		{ "403", "HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n",
		  FETCH_RESULT_RANGE },
		{ "501", "HTTP/1.1 501 No\r\nContent-Length: 3\r\n\r\nno\n",
		  FETCH_RESULT_RANGE },
		{ "503", "HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n",
		  FETCH_RESULT_BUSY },
		{ "404", "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
		  FETCH_RESULT_MISSING },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct raw_server *server =
			raw_server_start(answer_range, (void *)&cases[i]);
		struct outcome o = { .get = { .size = SIZE, .offset = 4 } };

		fprintf(stderr, "  %s\n", cases[i].name);
		http_get_from(&o, raw_server_url(server));
		CHECK_EQ(o.answer.result, cases[i].result);
		CHECK_EQ(o.len, cases[i].result == FETCH_RESULT_OK ? 6 : 0);
		raw_server_stop(server);
	}
}

static int answer_middle(void *context, int fd, const char *request,
			 unsigned int n)
{
	(void)context;
	CHECK(strcasestr(request, "\r\nRange: bytes=0-3\r\n"));
	raw_print(fd, n ? OK LEN "\r\n" BODY :
		  "HTTP/1.1 206 P\r\nContent-Length: 4\r\n"
		  "Content-Range: bytes 0-3/10\r\n\r\n0123");
	return 0;
}

/* So many bytes and no more, from the first one on too. */
static void test_part_of_an_object(void)
{
	struct raw_server *server = raw_server_start(answer_middle, NULL);
	static const enum fetch_result results[] = { FETCH_RESULT_OK,
						     FETCH_RESULT_RANGE };

	for (size_t i = 0; i < 2; i++) {
		struct outcome o = { .get = { .size = SIZE, .length = 4 } };

		http_get_from(&o, raw_server_url(server));
		CHECK_EQ(o.answer.result, results[i]);
		CHECK_EQ(o.len, i ? 0 : 4);
	}
	raw_server_stop(server);
}

static int answer_conditional(void *context, int fd, const char *request,
			      unsigned int n)
{
	(void)context;
	(void)n;
	CHECK(strcasestr(request, "\r\nIf-None-Match: \"abc\"\r\n"));
	CHECK(strcasestr(request, "\r\nCache-Control: no-cache\r\n"));
	raw_print(fd, "HTTP/1.1 304 Same\r\nETag: W/\"abc\"\r\n\r\n");
	return 0;
}

/* What is known need not come again. */
static void test_not_modified(void)
{
	struct raw_server *server = raw_server_start(answer_conditional, NULL);
	struct outcome o = { .get = { .size = SIZE, .if_none_match = "abc",
				      .no_cache = true } };

	http_get_from(&o, raw_server_url(server));
	CHECK_EQ(o.answer.result, FETCH_RESULT_NOT_MODIFIED);
	CHECK(strcmp(o.answer.etag, "abc") == 0);
	raw_server_stop(server);
}

/* A caller without room gets the same bytes later. */
static void test_paused_body_comes_whole(void)
{
	static const struct text_case c = { "", OK LEN "\r\n" BODY, true, 0, 0 };
	struct raw_server *server = raw_server_start(answer_text, (void *)&c);
	struct outcome o = { .get.size = SIZE, .pause_once = true };

	http_get_from(&o, raw_server_url(server));
	CHECK_EQ(o.answer.result, FETCH_RESULT_OK);
	CHECK_EQ(o.len, SIZE);
	CHECK(memcmp(o.body, BODY, SIZE) == 0);
	raw_server_stop(server);
}

/* A full disk ends the transfer, and is not the mirror's fault. */
static void test_local_failure(void)
{
	static const struct text_case c = { "", OK LEN "\r\n" BODY, true, 0, 0 };
	struct raw_server *server = raw_server_start(answer_text, (void *)&c);
	struct outcome o = { .get.size = SIZE, .data_err = -ENOSPC };

	http_get_from(&o, raw_server_url(server));
	CHECK_EQ(o.answer.result, FETCH_RESULT_LOCAL);
	raw_server_stop(server);
}

/* The same when it turns out only after a pause. */
static void test_local_failure_after_a_pause(void)
{
	static const struct text_case c = { "", OK LEN "\r\n" BODY, true, 0, 0 };
	struct raw_server *server = raw_server_start(answer_text, (void *)&c);
	struct outcome o = { .get.size = SIZE, .pause_once = true,
			     .data_err = -ENOSPC };

	http_get_from(&o, raw_server_url(server));
	CHECK_EQ(o.answer.result, FETCH_RESULT_LOCAL);
	raw_server_stop(server);
}

/* Nobody listens there. */
static void test_refused_connection(void)
{
	static const struct text_case c = { "", "", true, 0, 0 };
	struct raw_server *server = raw_server_start(answer_text, (void *)&c);
	struct outcome o = { .get.size = SIZE };
	char *url = strdup(raw_server_url(server));

	raw_server_stop(server);
	http_get_from(&o, url);
	CHECK_EQ(o.answer.result, FETCH_RESULT_UNREACHABLE);
	free(url);
}

static int answer_counted(void *context, int fd, const char *request,
			  unsigned int n)
{
	int *first_fd = context;

	(void)request;
	if (n == 0)
		*first_fd = fd;
	CHECK_EQ(fd, *first_fd);
	if (n % 2)
		raw_print(fd, "HTTP/1.1 404 No\r\nContent-Length: 3\r\n\r\nno.");
	else
		raw_print(fd, OK LEN "\r\n" BODY);
	return 0;
}

/* Also after a 404 the connection is used again. */
static void test_connections_are_kept(void)
{
	int first_fd = -1;
	struct raw_server *server = raw_server_start(answer_counted, &first_fd);
	struct fetch_config config;
	struct outcome o = { .get.size = SIZE };
	int i;

	http_quick_config(&config);
	CHECK_EQ(loop_new(0, 1, &o.loop), 0);
	CHECK_EQ(http_new(o.loop, &config, &o.http), 0);
	for (i = 0; i < 6; i++) {
		o.len = 0;
		o.get = (struct http_get){
			.url = raw_server_url(server),
			.size = SIZE,
			.data = http_take_data,
			.done = http_take_answer,
		};
		CHECK_EQ(http_get_start(o.http, &o.get), 0);
		CHECK_EQ(loop_run(o.loop), 0);
		CHECK_EQ(o.answer.result, i % 2 ? FETCH_RESULT_MISSING :
						  FETCH_RESULT_OK);
	}
	http_free(o.http);
	loop_free(o.loop);
	raw_server_stop(server);
	fetch_config_free(&config);
}

RUN_TESTS(T(test_answers), T(test_header_floods_are_cut),
	  T(test_unknown_size_is_capped), T(test_rest_of_an_object), T(test_part_of_an_object),
	  T(test_not_modified), T(test_paused_body_comes_whole),
	  T(test_local_failure), T(test_local_failure_after_a_pause),
	  T(test_refused_connection),
	  T(test_connections_are_kept))
