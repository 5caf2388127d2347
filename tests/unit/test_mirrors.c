// SPDX-License-Identifier: GPL-2.0-or-later
/* The mirrors' health, driven by reports and a made-up clock. */
#include <errno.h>
#include <string.h>

#include "fetcher/http/config.h"
#include "fetcher/mirror/mirrors.h"
#include "tests/unit/test.h"

#define T0	((uint64_t)1000000)

static struct mirrors *make(size_t n)
{
	static const char *const urls[] = { "http://a", "http://b", "http://c" };
	struct fetch_config config;
	struct mirrors *mirrors;
	size_t i;

	fetch_config_init(&config);
	config.max_transfers = 8;
	for (i = 0; i < n; i++)
		CHECK_EQ(fetch_config_add_mirror(&config, urls[i]), 0);
	CHECK_EQ(mirrors_new(&config, &mirrors), 0);
	fetch_config_free(&config);
	return mirrors;
}

/* Which one is asked now?  It is not asked in the end. */
static int pick(struct mirrors *mirrors, uint64_t now_ms, uint32_t skip)
{
	uint64_t at_ms;
	size_t i;

	if (mirrors_pick(mirrors, now_ms, skip, &i, &at_ms) != 0)
		return -1;
	mirrors_report(mirrors, i, now_ms, FETCH_RESULT_CANCELLED, 0, 0);
	return i;
}

/* One request to that one, with that end. */
static bool ask(struct mirrors *mirrors, size_t want, uint64_t now_ms,
		enum fetch_result result)
{
	uint32_t skip = ~((uint32_t)1 << want);
	uint64_t at_ms;
	size_t i;

	CHECK_EQ(mirrors_pick(mirrors, now_ms, skip, &i, &at_ms), 0);
	CHECK_EQ(i, want);
	return mirrors_report(mirrors, i, now_ms, result, 5, 0);
}

/* Healthy mirrors are asked in the administrator's order. */
static void test_given_order_stands(void)
{
	struct mirrors *mirrors = make(3);
	uint64_t at_ms;
	size_t i;

	CHECK_EQ(pick(mirrors, T0, 0), 0);
	CHECK_EQ(pick(mirrors, T0, 1), 1);
	CHECK_EQ(pick(mirrors, T0, 3), 2);
	CHECK_EQ(mirrors_pick(mirrors, T0, 7, &i, &at_ms), MIRRORS_NONE);
	mirrors_free(mirrors);
}

/* Three times no answer, and it is left alone for ten seconds, then probed. */
static void test_breaker_opens_and_probes(void)
{
	struct mirrors *mirrors = make(1);
	uint64_t at_ms;
	size_t i;

	ask(mirrors, 0, T0, FETCH_RESULT_TIMEOUT);
	ask(mirrors, 0, T0, FETCH_RESULT_UNREACHABLE);
	CHECK_EQ(mirrors_state(mirrors, 0, T0), MIRROR_CLOSED);
	ask(mirrors, 0, T0, FETCH_RESULT_UNREACHABLE);
	CHECK_EQ(mirrors_state(mirrors, 0, T0), MIRROR_OPEN);
	CHECK_EQ(mirrors_pick(mirrors, T0 + 1, 0, &i, &at_ms), MIRRORS_WAIT);
	CHECK_EQ(at_ms, T0 + 10000);
	CHECK_EQ(mirrors_state(mirrors, 0, at_ms), MIRROR_HALF_OPEN);

	/* One probe; the others wait for it. */
	CHECK_EQ(mirrors_pick(mirrors, T0 + 10000, 0, &i, &at_ms), 0);
	CHECK_EQ(mirrors_pick(mirrors, T0 + 10000, 0, &i, &at_ms),
		 MIRRORS_WAIT);
	CHECK(at_ms == UINT64_MAX);
	CHECK(mirrors_report(mirrors, 0, T0 + 10001, FETCH_RESULT_UNREACHABLE,
			     0, 0));
	CHECK_EQ(mirrors_state(mirrors, 0, T0 + 10001), MIRROR_OPEN);

	/* A probe that is called off says nothing, and another may go. */
	CHECK_EQ(mirrors_pick(mirrors, T0 + 30000, 0, &i, &at_ms), 0);
	CHECK(mirrors_report(mirrors, 0, T0 + 30000, FETCH_RESULT_CANCELLED, 0,
			     0));
	CHECK_EQ(mirrors_recoveries(mirrors), 0);
	CHECK(ask(mirrors, 0, T0 + 30000, FETCH_RESULT_OK));
	CHECK_EQ(mirrors_state(mirrors, 0, T0 + 30000), MIRROR_CLOSED);
	CHECK_EQ(mirrors_recoveries(mirrors), 1);
	CHECK(!ask(mirrors, 0, T0 + 30001, FETCH_RESULT_OK));
	CHECK_EQ(mirrors_recoveries(mirrors), 1);
	mirrors_free(mirrors);
}

/* A pause of ours kills connections, and says nothing about their other end. */
static void test_a_pause_is_no_mirrors_fault(void)
{
	struct mirrors *mirrors = make(1);
	uint64_t at_ms;
	size_t i;

	for (int n = 0; n < 5; n++)
		CHECK_EQ(mirrors_pick(mirrors, T0, 0, &i, &at_ms), 0);
	mirrors_resumed(mirrors);
	for (int n = 0; n < 5; n++)
		mirrors_report(mirrors, 0, T0, FETCH_RESULT_UNREACHABLE, 0, 0);
	CHECK_EQ(mirrors_state(mirrors, 0, T0), MIRROR_CLOSED);
	for (int n = 0; n < 3; n++)
		ask(mirrors, 0, T0, FETCH_RESULT_UNREACHABLE);
	CHECK_EQ(mirrors_state(mirrors, 0, T0), MIRROR_OPEN);
	mirrors_resumed(mirrors);
	CHECK_EQ(mirrors_state(mirrors, 0, T0), MIRROR_CLOSED);
	mirrors_free(mirrors);
}

/* An answer in between starts the count anew; also one we don't like. */
static void test_signs_of_life_close_the_breaker(void)
{
	static const enum fetch_result alive[] = {
		FETCH_RESULT_OK, FETCH_RESULT_MISSING, FETCH_RESULT_DENIED,
		FETCH_RESULT_BAD_SIZE, FETCH_RESULT_REDIRECT,
		FETCH_RESULT_SHORT, FETCH_RESULT_STATUS, FETCH_RESULT_BUSY,
	};
	struct mirrors *mirrors = make(1);
	size_t i;

	for (i = 0; i < sizeof(alive) / sizeof(alive[0]); i++) {
		ask(mirrors, 0, T0, FETCH_RESULT_TIMEOUT);
		ask(mirrors, 0, T0, FETCH_RESULT_TIMEOUT);
		ask(mirrors, 0, T0, alive[i]);
		CHECK_EQ(mirrors_state(mirrors, 0, T0), MIRROR_CLOSED);
	}
	mirrors_free(mirrors);
}

/* A storm of 500 opens it too, but not every other one. */
static void test_5xx_counts_less(void)
{
	struct mirrors *mirrors = make(1);
	int i;

	for (i = 0; i < 100; i++) {
		ask(mirrors, 0, T0, FETCH_RESULT_STATUS);
		ask(mirrors, 0, T0, FETCH_RESULT_STATUS);
		ask(mirrors, 0, T0, FETCH_RESULT_OK);
	}
	for (i = 0; i < MIRROR_OPEN_AFTER_5XX; i++)
		ask(mirrors, 0, T0, FETCH_RESULT_STATUS);
	CHECK_EQ(mirrors_state(mirrors, 0, T0), MIRROR_OPEN);
	mirrors_free(mirrors);
}

/* Retry-After is obeyed, within reason; the other mirror is asked meanwhile. */
static void test_pause_is_honoured_and_capped(void)
{
	struct mirrors *mirrors = make(2);
	uint64_t at_ms;
	size_t i;

	CHECK_EQ(mirrors_pick(mirrors, T0, 0, &i, &at_ms), 0);
	mirrors_report(mirrors, i, T0, FETCH_RESULT_BUSY, 5, 3600000);
	CHECK_EQ(pick(mirrors, T0 + 1, 0), 1);
	CHECK_EQ(mirrors_pick(mirrors, T0 + 1, 2, &i, &at_ms), MIRRORS_WAIT);
	CHECK_EQ(at_ms, T0 + MIRROR_PAUSE_MAX_MS);
	CHECK_EQ(pick(mirrors, T0 + MIRROR_PAUSE_MAX_MS, 0), 0);
	mirrors_free(mirrors);
}

/* Who sent wrong bytes comes last, but comes. */
static void test_wrong_bytes_cost_the_first_place(void)
{
	struct mirrors *mirrors = make(2);

	mirrors_blame(mirrors, 0, T0);
	CHECK_EQ(pick(mirrors, T0, 0), 1);
	CHECK_EQ(pick(mirrors, T0, 2), 0);
	CHECK_EQ(mirrors_stats(mirrors, 0)->results[FETCH_RESULT_BAD_DIGEST], 1);
	CHECK_EQ(pick(mirrors, T0 + MIRROR_FORGET_MS, 0), 0);
	mirrors_free(mirrors);
}

/* A slow first mirror loses its place to a quick one, but not for a trifle. */
static void test_slower_mirror_comes_later(void)
{
	struct mirrors *mirrors = make(2);
	uint64_t at_ms;
	size_t i;

	CHECK_EQ(mirrors_pick(mirrors, T0, 0, &i, &at_ms), 0);
	mirrors_report(mirrors, 0, T0, FETCH_RESULT_OK, 20, 0);
	ask(mirrors, 1, T0, FETCH_RESULT_OK);
	CHECK_EQ(pick(mirrors, T0, 0), 0);
	CHECK_EQ(mirrors_pick(mirrors, T0, 0, &i, &at_ms), 0);
	mirrors_report(mirrors, 0, T0, FETCH_RESULT_OK, 400, 0);
	CHECK_EQ(pick(mirrors, T0, 0), 1);
	/* It may be quick by now. */
	CHECK_EQ(pick(mirrors, T0 + 240000, 0), 0);
	mirrors_free(mirrors);
}

/* Every third request fails, without a break long enough for the breaker. */
static void test_unreliable_mirror_comes_later(void)
{
	struct mirrors *mirrors = make(2);
	unsigned int i;

	for (i = 0; i < 30; i++)
		ask(mirrors, 0, T0, i % 3 ? FETCH_RESULT_OK : FETCH_RESULT_SHORT);
	CHECK_EQ(mirrors_state(mirrors, 0, T0), MIRROR_CLOSED);
	CHECK_EQ(pick(mirrors, T0, 0), 1);
	for (i = 0; i < 40; i++)
		ask(mirrors, 0, T0, FETCH_RESULT_OK);
	CHECK_EQ(pick(mirrors, T0, 0), 0);
	mirrors_free(mirrors);
}

/* A mirror that owes answers and sends nothing is passed over at once. */
static void test_silent_mirror_comes_later(void)
{
	struct mirrors *mirrors = make(2);
	uint64_t at_ms;
	size_t i;

	ask(mirrors, 0, T0, FETCH_RESULT_OK);
	CHECK_EQ(mirrors_pick(mirrors, T0, 0, &i, &at_ms), 0);
	CHECK_EQ(i, 0);
	CHECK(!mirrors_silent(mirrors, 0, T0 + 200));
	CHECK(mirrors_silent(mirrors, 0, T0 + 300));
	CHECK_EQ(pick(mirrors, T0 + 300, 0), 1);
	mirrors_heard(mirrors, 0, T0 + 300);
	CHECK_EQ(pick(mirrors, T0 + 301, 0), 0);
	mirrors_report(mirrors, 0, T0 + 302, FETCH_RESULT_OK, 302, 0);
	/* Nothing is owed: silence is no wonder. */
	CHECK(!mirrors_silent(mirrors, 0, T0 + 100000));
	mirrors_free(mirrors);
}

/* What an object takes counts, not only its first byte; and it may be better by now. */
static void test_mirror_that_drips_comes_later(void)
{
	struct mirrors *mirrors = make(2);
	uint64_t at_ms;
	size_t i, k;

	for (k = 0; k < 20; k++) {
		ask(mirrors, 0, T0, FETCH_RESULT_OK);
		mirrors_paced(mirrors, 0, T0, 5000, 1);
		ask(mirrors, 1, T0, FETCH_RESULT_OK);
		mirrors_paced(mirrors, 1, T0, 5000, 30);
	}
	/* A trifle is none. */
	CHECK_EQ(pick(mirrors, T0, 0), 0);
	/* A body that is still on its way is enough. */
	mirrors_paced(mirrors, 0, T0, 500, 200);
	CHECK_EQ(pick(mirrors, T0, 0), 1);
	CHECK_EQ(pick(mirrors, T0 + 9000, 0), 1);
	/* It is the only one: it will do. */
	CHECK_EQ(pick(mirrors, T0 + 9000, 2), 0);

	/* After a while one request finds out, and only one. */
	CHECK_EQ(mirrors_pick(mirrors, T0 + 45000, 0, &i, &at_ms), 0);
	CHECK_EQ(i, 0);
	for (k = 0; k < 3; k++)
		CHECK_EQ(pick(mirrors, T0 + 45000, 0), 1);
	mirrors_paced(mirrors, 0, T0 + 46000, 500, 200);
	mirrors_report(mirrors, 0, T0 + 46000, FETCH_RESULT_CANCELLED, 0, 0);
	CHECK_EQ(pick(mirrors, T0 + 46000, 0), 1);
	/* It is as quick as it was: the order stands again. */
	CHECK_EQ(mirrors_pick(mirrors, T0 + 90000, 0, &i, &at_ms), 0);
	CHECK_EQ(i, 0);
	mirrors_paced(mirrors, 0, T0 + 90000, 5000, 1);
	mirrors_report(mirrors, 0, T0 + 90000, FETCH_RESULT_OK, 5, 0);
	for (k = 0; k < 3; k++)
		CHECK_EQ(pick(mirrors, T0 + 90001, 0), 0);
	mirrors_free(mirrors);
}

/* On a link that all share nobody is quicker than the others. */
static void test_slow_link_changes_no_order(void)
{
	struct mirrors *mirrors = make(2);
	bool measured;
	uint64_t ms;
	size_t k;

	for (k = 0; k < 10; k++) {
		mirrors_paced(mirrors, 0, T0, 2000, 100);
		mirrors_paced(mirrors, 1, T0, 1500, 100);
	}
	CHECK_EQ(pick(mirrors, T0, 0), 0);
	ms = mirrors_expected_ms(mirrors, T0, 1, 65536, &measured);
	CHECK(measured);
	CHECK(ms > 3000 && ms < 6000);
	ms = mirrors_expected_ms(mirrors, T0 + 20000, 1, 65536, &measured);
	CHECK(!measured);
	CHECK(ms > 3000);
	CHECK_EQ(mirrors_expected_ms(mirrors, T0, 3, 65536, &measured),
		 UINT64_MAX);
	mirrors_free(mirrors);
}

/* All of them owe answers: doubling requests would help nobody. */
static void test_all_silent(void)
{
	struct mirrors *mirrors = make(2);
	unsigned int n = 0;
	uint64_t at_ms;
	size_t i, k;

	CHECK_EQ(mirrors_pick(mirrors, T0, 2, &i, &at_ms), 0);
	CHECK_EQ(mirrors_pick(mirrors, T0, 1, &i, &at_ms), 0);
	for (k = 0; k < 100; k++)
		n += mirrors_pick_second(mirrors, T0 + 5000, 0, 0, false, &i) == 0;
	CHECK(n <= 17);
	mirrors_free(mirrors);
}

/* Second requests are one in twenty; beyond the first few, if nothing is broken. */
static void test_second_requests_are_few(void)
{
	struct mirrors *mirrors = make(2);
	unsigned int k, n = 0;
	uint64_t at_ms;
	size_t i;

	for (k = 0; k < 1000; k++) {
		CHECK_EQ(mirrors_pick(mirrors, T0, 2, &i, &at_ms), 0);
		if (mirrors_pick_second(mirrors, T0, 0, 0, false, &i) == 0) {
			CHECK_EQ(i, 1);
			n++;
			mirrors_report(mirrors, 1, T0, FETCH_RESULT_OK, 5, 0);
		}
		mirrors_report(mirrors, 0, T0, FETCH_RESULT_OK, 5, 0);
	}
	CHECK(n >= 50 && n <= 70);

	/* It is silent now: every one of its requests may be doubled. */
	CHECK_EQ(mirrors_pick(mirrors, T0, 2, &i, &at_ms), 0);
	for (k = 0; k < 4; k++)
		CHECK_EQ(mirrors_pick_second(mirrors, T0 + 1000, 0, 0, false, &i), 0);
	CHECK_EQ(mirrors_pick_second(mirrors, T0 + 1000, 0, 2, false, &i), MIRRORS_NONE);
	mirrors_free(mirrors);
}

/* One mirror does not get more than half of what may be in flight. */
static void test_half_of_the_requests_go_elsewhere(void)
{
	struct mirrors *mirrors = make(2);
	unsigned int n[2] = { 0, 0 };
	uint64_t at_ms;
	size_t i, k;

	for (k = 0; k < 8; k++) {
		CHECK_EQ(mirrors_pick(mirrors, T0, 0, &i, &at_ms), 0);
		n[i]++;
	}
	CHECK_EQ(n[0], 4);
	CHECK_EQ(n[1], 4);
	/* If the other one can't serve, it does. */
	CHECK_EQ(mirrors_pick(mirrors, T0, 2, &i, &at_ms), 0);
	CHECK_EQ(i, 0);
	mirrors_free(mirrors);
}

/* What happened five minutes ago does not count. */
static void test_old_failures_are_forgotten(void)
{
	struct mirrors *mirrors = make(1);

	ask(mirrors, 0, T0, FETCH_RESULT_TIMEOUT);
	ask(mirrors, 0, T0, FETCH_RESULT_TIMEOUT);
	ask(mirrors, 0, T0 + MIRROR_FORGET_MS, FETCH_RESULT_TIMEOUT);
	CHECK_EQ(mirrors_state(mirrors, 0, T0 + MIRROR_FORGET_MS),
		 MIRROR_CLOSED);
	mirrors_free(mirrors);
}

/* Back-off doubles, stays within its bounds, and differs. */
static void test_backoff(void)
{
	static const struct {
		unsigned int round;
		uint64_t max_ms;
	} cases[] = {
		{ 1, 100 }, { 2, 200 }, { 3, 400 }, { 7, 6400 }, { 8, 10000 },
		{ 9, 10000 }, { 4000000000u, 10000 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		CHECK_EQ(mirrors_backoff_ms(cases[i].round, 0),
			 cases[i].max_ms / 2);
		CHECK_EQ(mirrors_backoff_ms(cases[i].round, UINT32_MAX),
			 cases[i].max_ms);
	}
}

/* Without a mirror there is nothing to do. */
static void test_no_mirror(void)
{
	struct fetch_config config;
	struct mirrors *mirrors;

	fetch_config_init(&config);
	CHECK_EQ(mirrors_new(&config, &mirrors), -EINVAL);
	fetch_config_free(&config);
}

RUN_TESTS(T(test_given_order_stands), T(test_breaker_opens_and_probes),
	  T(test_a_pause_is_no_mirrors_fault),
	  T(test_signs_of_life_close_the_breaker), T(test_5xx_counts_less),
	  T(test_pause_is_honoured_and_capped),
	  T(test_wrong_bytes_cost_the_first_place),
	  T(test_slower_mirror_comes_later),
	  T(test_unreliable_mirror_comes_later),
	  T(test_silent_mirror_comes_later),
	  T(test_mirror_that_drips_comes_later),
	  T(test_slow_link_changes_no_order), T(test_all_silent),
	  T(test_second_requests_are_few),
	  T(test_half_of_the_requests_go_elsewhere),
	  T(test_old_failures_are_forgotten), T(test_backoff),
	  T(test_no_mirror))
