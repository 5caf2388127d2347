// SPDX-License-Identifier: GPL-2.0-or-later
/* What is said about a GET that failed: the party, the status, the remedy. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "cache/base/descriptor_limit.h"
#include "fetcher/http/descriptors.h"
#include "tests/unit/http_rig.h"
#include "tests/unit/raw_server.h"
#include "tests/unit/test.h"

static int answer_text(void *context, int fd, const char *request,
		       unsigned int n)
{
	(void)request;
	(void)n;
	raw_print(fd, "%s", (const char *)context);
	return 0;
}

#define STATUS(s)	"HTTP/1.1 " s "\r\nContent-Length: 0\r\n\r\n"

static void check_says(const char *reason, const char *text)
{
	fprintf(stderr, "    %s\n", reason);
	CHECK(strstr(reason, text));
}

static void test_statuses(void)
{
	static const struct {
		const char *text;
		enum fetch_result result;
		const char *says;
	} cases[] = {
		{ STATUS("404 No"), FETCH_RESULT_MISSING, "HTTP 404" },
		{ STATUS("401 Who"), FETCH_RESULT_DENIED, "token-file" },
		{ STATUS("403 No"), FETCH_RESULT_DENIED, "HTTP 403" },
		{ STATUS("418 Tea"), FETCH_RESULT_STATUS, "HTTP 418" },
		{ STATUS("429 Slow"), FETCH_RESULT_BUSY, "HTTP 429" },
		{ STATUS("502 Gone"), FETCH_RESULT_STATUS, "HTTP 502" },
		{ "HTTP/1.1 302 X\r\nLocation: /again\r\nContent-Length: 0\r\n\r\n",
		  FETCH_RESULT_REDIRECT, "HTTP 302: redirected in a loop" },
		{ "HTTP/1.1 301 X\r\nLocation: ftp://x/\r\nContent-Length: 0\r\n\r\n",
		  FETCH_RESULT_REDIRECT, "HTTP 301: redirect to what is no http" },
		{ OK "Content-Length: 4\r\n\r\nabcd", FETCH_RESULT_BAD_SIZE,
		  "announced too short" },
		{ "\x01\x02\x03\xff nonsense\r\n\r\n", FETCH_RESULT_PROTOCOL, "" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct raw_server *server = raw_server_start(
			answer_text, (void *)cases[i].text);
		struct outcome o = { .get.size = SIZE };

		http_get_from(&o, raw_server_url(server));
		CHECK_EQ(o.answer.result, cases[i].result);
		check_says(o.answer.reason, cases[i].says);
		for (const char *c = o.answer.reason; *c; c++)
			CHECK(*c >= ' ' && *c <= '~');
		raw_server_stop(server);
	}
}

static void test_success_has_no_reason(void)
{
	struct raw_server *server =
		raw_server_start(answer_text, (void *)(OK LEN "\r\n" BODY));
	struct outcome o = { .get.size = SIZE };

	http_get_from(&o, raw_server_url(server));
	CHECK_EQ(o.answer.result, FETCH_RESULT_OK);
	CHECK_EQ(o.answer.reason[0], '\0');
	raw_server_stop(server);
}

static void test_unreachable(void)
{
	struct outcome o = { .get.size = SIZE };

	http_get_from(&o, "http://127.0.0.1:1/x");
	CHECK_EQ(o.answer.result, FETCH_RESULT_UNREACHABLE);
	check_says(o.answer.reason, "127.0.0.1 port 1");
	check_says(o.answer.reason, "Connection refused");
}

/* Through a proxy that answers so, with or without a password for it. */
static void get_through(struct outcome *o, const char *text, const char *user,
			const char *url)
{
	struct raw_server *server = raw_server_start(answer_text, (void *)text);
	const char *host = strstr(raw_server_url(server), "://") + 3;
	struct fetch_config config;

	http_quick_config(&config);
	CHECK(asprintf(&config.proxy, "http://%s%.*s", user,
		       (int)strcspn(host, "/"), host) > 0);
	http_get_with(o, &config, url);
	check_says(o->answer.reason, "proxy http://");
	CHECK(!strstr(o->answer.reason, "hunter2"));
	CHECK(!strstr(o->answer.reason, "user:"));
	fetch_config_free(&config);
	raw_server_stop(server);
}

/* What a proxy refuses is not the mirror's word. */
static void test_proxies(void)
{
	static const struct {
		const char *text, *user, *url;
		enum fetch_result result;
		const char *says;
	} cases[] = {
		{ STATUS("407 Who"), "", "http://mirror.example/x",
		  FETCH_RESULT_PROXY, "HTTP 407: the proxy wants a password" },
		{ STATUS("407 Who"), "user:hunter2%40@", "http://mirror.example/x",
		  FETCH_RESULT_PROXY, "does not accept the password" },
		{ STATUS("407 Who"), "", "https://mirror.example/x",
		  FETCH_RESULT_PROXY, "HTTP 407: the proxy wants a password" },
		{ STATUS("403 No"), "", "https://mirror.example/x",
		  FETCH_RESULT_PROXY, "HTTP 403 (said by the proxy" },
		{ STATUS("502 No"), "", "https://mirror.example/x",
		  FETCH_RESULT_UNREACHABLE, "HTTP 502 (through the proxy" },
		{ STATUS("503 No"), "", "http://mirror.example/x",
		  FETCH_RESULT_BUSY, "HTTP 503 (through the proxy" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct outcome o = { .get.size = SIZE };

		get_through(&o, cases[i].text, cases[i].user, cases[i].url);
		CHECK_EQ(o.answer.result, cases[i].result);
		check_says(o.answer.reason, cases[i].says);
	}
}

static void test_dead_proxy(void)
{
	struct outcome o = { .get.size = SIZE };
	struct fetch_config config;

	http_quick_config(&config);
	config.proxy = strdup("http://user:hunter2@127.0.0.1:1");
	http_get_with(&o, &config, "http://mirror.example/x");
	CHECK_EQ(o.answer.result, FETCH_RESULT_UNREACHABLE);
	check_says(o.answer.reason, "127.0.0.1 port 1");
	check_says(o.answer.reason, "proxy http://***@127.0.0.1:1");
	fetch_config_free(&config);
}

/* Without a descriptor it is not the mirror that can't be reached. */
static void test_lack_of_descriptors(void)
{
	struct raw_server *server =
		raw_server_start(answer_text, (void *)(OK LEN "\r\n" BODY));
	struct outcome o = {
		.get = {
			.size = SIZE,
			.url = raw_server_url(server),
			.data = http_take_data,
			.done = http_take_answer,
		},
	};
	struct fetch_config config;
	struct rlimit before, limit;

	http_quick_config(&config);
	CHECK_EQ(loop_new(LOOP_NO_IO_URING, 1, &o.loop), 0);
	CHECK_EQ(http_new(o.loop, &config, &o.http), 0);
	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	limit.rlim_cur = (rlim_t)dup(0);
	close((int)limit.rlim_cur);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	CHECK(descriptors_exhausted());
	CHECK_EQ(descriptors_free(), 0);
	CHECK_EQ(http_get_start(o.http, &o.get), 0);
	CHECK_EQ(loop_run(o.loop), 0);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	CHECK(!descriptors_exhausted());
	CHECK_EQ(o.answer.result, FETCH_RESULT_DESCRIPTORS);
	check_says(o.answer.reason, "too many open files");
	http_free(o.http);
	loop_free(o.loop);
	fetch_config_free(&config);
	raw_server_stop(server);
}

/* Half of the limit is gone: fewer transfers; nothing is left: none. */
static void test_fit(void)
{
	struct fetch_config config;
	struct rlimit before, limit;
	int n;

	CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
	limit = before;
	for (rlim_t cur = 24; cur <= 512; cur *= 2) {
		limit.rlim_cur = cur;
		CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
		fetch_config_init(&config);
		n = descriptors_fit(&config, descriptors_threads(0), 5);
		if (n == 0)
			CHECK_EQ(config.max_transfers, 128);
		else
			CHECK_EQ(config.max_transfers, n);
		CHECK(config.max_transfers * 2 < cur);
		fetch_config_free(&config);
	}
	limit.rlim_cur = 8;
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
	fetch_config_init(&config);
	CHECK_EQ(descriptors_fit(&config, 1, 5), -EMFILE);
	fetch_config_free(&config);
	CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	CHECK_EQ(descriptors_threads(3), before.rlim_cur >= 256 ? 3 : 1);
}

RUN_TESTS(T(test_statuses), T(test_success_has_no_reason), T(test_unreachable),
	  T(test_proxies), T(test_dead_proxy), T(test_lack_of_descriptors),
	  T(test_fit))
