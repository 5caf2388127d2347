// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a mirror leads, and who hears what was meant for the mirror. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/http_rig.h"
#include "tests/unit/raw_server.h"
#include "tests/unit/test.h"

struct redirect_case {
	const char *name, *to;
	unsigned int hops;
	enum fetch_result result;
};

static int answer_redirect(void *context, int fd, const char *request,
			   unsigned int n)
{
	const struct redirect_case *c = context;

	(void)request;
	if (n < c->hops)
		raw_print(fd, "HTTP/1.1 302 Found\r\nLocation: %s\r\n"
			  "Content-Length: 5\r\n\r\nmoved", c->to);
	else
		raw_print(fd, OK LEN "\r\n" BODY);
	return 0;
}

/* A mirror on loopback may lead to loopback, but not beyond what is sane. */
static void test_redirects(void)
{
	static const struct redirect_case cases[] = {
		{ "once", "/there", 1, FETCH_RESULT_OK },
		{ "three times", "/there", 3, FETCH_RESULT_OK },
		{ "four times", "/there", 4, FETCH_RESULT_REDIRECT },
		{ "for ever", "/there", 1000, FETCH_RESULT_REDIRECT },
		{ "to a file", "file:///etc/passwd", 1, FETCH_RESULT_REDIRECT },
		{ "to gopher", "gopher://127.0.0.1/x", 1,
		  FETCH_RESULT_REDIRECT },
		{ "to ftp", "ftp://127.0.0.1/x", 1, FETCH_RESULT_REDIRECT },
		{ "with a user", "http://root:x@127.0.0.1/", 1,
		  FETCH_RESULT_REDIRECT },
		{ "to a link-local address", "http://169.254.169.254/", 1,
		  FETCH_RESULT_REDIRECT },
		{ "to a private address", "http://10.0.0.1/", 1,
		  FETCH_RESULT_REDIRECT },
		{ "to a private address in IPv6's clothes",
		  "http://[::ffff:10.0.0.1]/", 1, FETCH_RESULT_REDIRECT },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct raw_server *server =
			raw_server_start(answer_redirect, (void *)&cases[i]);
		struct outcome o = { .get.size = SIZE };

		fprintf(stderr, "  %s\n", cases[i].name);
		http_get_from(&o, raw_server_url(server));
		CHECK_EQ(o.answer.result, cases[i].result);
		CHECK(raw_server_n(server) <= 4);
		raw_server_stop(server);
	}
}

static int answer_token(void *context, int fd, const char *request,
			unsigned int n)
{
	bool *seen = context;

	(void)n;
	if (strcasestr(request, "\r\nAuthorization: Bearer secret\r\n"))
		*seen = true;
	raw_print(fd, OK LEN "\r\n" BODY);
	return 0;
}

struct hop {
	const char *to;
	bool token;
};

static int answer_hop(void *context, int fd, const char *request, unsigned int n)
{
	struct hop *hop = context;

	(void)n;
	if (strcasestr(request, "\r\nAuthorization: Bearer secret\r\n"))
		hop->token = true;
	raw_print(fd, "HTTP/1.1 307 There\r\nLocation: %s\r\n"
		  "Content-Length: 0\r\n\r\n", hop->to);
	return 0;
}

/* What was configured for a mirror is not told to where it leads. */
static void test_token_stays_with_the_mirror(void)
{
	struct raw_server *other, *mirror;
	char path[] = "/tmp/test_http_redirect.XXXXXX";
	bool leaked = false;
	struct hop hop = { 0 };
	struct outcome o = { .get.size = SIZE };
	struct fetch_config config;
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, "secret\n", 7), 7);
	close(fd);
	http_quick_config(&config);
	CHECK_EQ(fetch_config_add_token_file(&config, path), 0);
	unlink(path);
	other = raw_server_start(answer_token, &leaked);
	hop.to = raw_server_url(other);
	mirror = raw_server_start(answer_hop, &hop);
	http_get_with(&o, &config, raw_server_url(mirror));
	CHECK_EQ(o.answer.result, FETCH_RESULT_OK);
	raw_server_stop(mirror);
	raw_server_stop(other);
	CHECK(hop.token);
	CHECK(!leaked);
	fetch_config_free(&config);
}

RUN_TESTS(T(test_redirects), T(test_token_stays_with_the_mirror))
