// SPDX-License-Identifier: GPL-2.0-or-later
/* Test server/peer_limit.c: connections by address. */
#include "server/peer_limit.h"

#include <arpa/inet.h>
#include <string.h>

#include "tests/unit/test.h"

static struct peer peer_v4(uint32_t address)
{
	struct peer peer = { .is_ipv4 = true };

	memset(peer.address + 10, 0xff, 2);
	address = htonl(address);
	memcpy(peer.address + 12, &address, 4);
	return peer;
}

static struct peer peer_v6(const char *text)
{
	struct peer peer = { 0 };

	CHECK_EQ(inet_pton(AF_INET6, text, peer.address), 1);
	return peer;
}

static void test_one_peer_has_a_limit(void)
{
	struct peer_limit *limit = peer_limit_new(100, 2);
	struct peer a = peer_v4(1), b = peer_v4(2);

	CHECK_EQ(peer_limit_take(limit, &a), 0);
	CHECK_EQ(peer_limit_take(limit, &a), 0);
	CHECK_EQ(peer_limit_take(limit, &a), PEER_LIMIT_PEER);
	CHECK_EQ(peer_limit_take(limit, &b), 0);
	peer_limit_give(limit, &a);
	CHECK_EQ(peer_limit_take(limit, &a), 0);
	CHECK_EQ(peer_limit_take(limit, &a), PEER_LIMIT_PEER);
	peer_limit_free(limit);
	peer_limit_free(NULL);
}

static void test_all_together_have_a_limit(void)
{
	struct peer_limit *limit = peer_limit_new(2, 2);
	struct peer a = peer_v4(1), b = peer_v4(2), local = { .is_local = true };

	CHECK_EQ(peer_limit_take(limit, &a), 0);
	CHECK_EQ(peer_limit_take(limit, &local), 0);
	CHECK_EQ(peer_limit_take(limit, &b), PEER_LIMIT_TOTAL);
	peer_limit_give(limit, &local);
	CHECK_EQ(peer_limit_take(limit, &b), 0);
	peer_limit_free(limit);
}

static void test_an_ipv6_network_is_one_peer(void)
{
	struct peer_limit *limit = peer_limit_new(100, 1);
	struct peer a = peer_v6("2001:db8::1"), b = peer_v6("2001:db8::2:1");
	struct peer c = peer_v6("2001:db8:0:1::1");

	CHECK_EQ(peer_limit_take(limit, &a), 0);
	CHECK_EQ(peer_limit_take(limit, &b), PEER_LIMIT_PEER);
	CHECK_EQ(peer_limit_take(limit, &c), 0);
	peer_limit_free(limit);
}

static void test_peers_are_written_as_addresses(void)
{
	struct peer v4 = peer_v4(0x7f000001), v6 = peer_v6("2001:db8::1");
	struct peer local = { .is_local = true };
	char text[PEER_TEXT_MAX];

	peer_format(&v4, text);
	CHECK(strcmp(text, "127.0.0.1") == 0);
	peer_format(&v6, text);
	CHECK(strcmp(text, "2001:db8::1") == 0);
	peer_format(&local, text);
	CHECK(strcmp(text, "local") == 0);
}

/* Peers come and go in any order, and the counts stay right. */
static void test_random_peers(void)
{
	enum { N = 40, MAX = 3 };
	struct peer_limit *limit = peer_limit_new(N * MAX, MAX);
	unsigned int counts[N] = { 0 };
	unsigned int seed = 1, i;

	for (i = 0; i < 200000; i++) {
		unsigned int n = (unsigned int)rand_r(&seed) % N;
		struct peer peer = peer_v4(n * 7919);

		if (rand_r(&seed) % 2) {
			int outcome = peer_limit_take(limit, &peer);

			CHECK_EQ(outcome, counts[n] < MAX ? 0 :
							    PEER_LIMIT_PEER);
			counts[n] += !outcome;
		} else if (counts[n]) {
			peer_limit_give(limit, &peer);
			counts[n]--;
		}
	}
	peer_limit_free(limit);
}

RUN_TESTS(T(test_one_peer_has_a_limit), T(test_all_together_have_a_limit),
	  T(test_an_ipv6_network_is_one_peer),
	  T(test_peers_are_written_as_addresses), T(test_random_peers))
