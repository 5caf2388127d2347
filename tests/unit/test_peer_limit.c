// SPDX-License-Identifier: GPL-2.0-or-later
/* Test server/peer_limit.c: connections by address. */
#include "server/peer_limit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

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
	struct peer_limit *limit = peer_limit_new(100, 2, 0);
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
	struct peer_limit *limit = peer_limit_new(2, 2, 0);
	struct peer a = peer_v4(1), b = peer_v4(2), local = { .is_local = true };

	CHECK_EQ(peer_limit_take(limit, &a), 0);
	CHECK_EQ(peer_limit_take(limit, &local), 0);
	CHECK_EQ(peer_limit_take(limit, &b), PEER_LIMIT_TOTAL);
	peer_limit_give(limit, &local);
	CHECK_EQ(peer_limit_take(limit, &b), 0);
	peer_limit_free(limit);
}

/* A few more are let in, and told apart, until others have given way to them. */
static void test_extra_ones_are_told_apart(void)
{
	struct peer_limit *limit = peer_limit_new(2, 3, 1);
	struct peer a = peer_v4(1), b = peer_v4(2), local = { .is_local = true };

	CHECK_EQ(peer_limit_load(limit, &a), 0);
	CHECK_EQ(peer_limit_take(limit, &a), 0);
	CHECK_EQ(peer_limit_take(limit, &a), 0);
	CHECK(!peer_limit_is_crowded(limit));
	CHECK_EQ(peer_limit_take(limit, &b), PEER_LIMIT_CROWDED);
	CHECK(peer_limit_is_crowded(limit));
	CHECK_EQ(peer_limit_take(limit, &b), PEER_LIMIT_TOTAL);
	CHECK_EQ(peer_limit_load(limit, &a), 2);
	CHECK_EQ(peer_limit_load(limit, &b), 1);
	CHECK_EQ(peer_limit_load(limit, &local), 1);
	peer_limit_give(limit, &a);
	CHECK(!peer_limit_is_crowded(limit));
	CHECK_EQ(peer_limit_load(limit, &a), 1);
	peer_limit_free(limit);
}

/* Also of one that has reset the connection meanwhile. */
static void test_a_peer_that_is_gone_has_an_address(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET,
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	socklen_t len = sizeof(address);
	int server = socket(AF_INET, SOCK_STREAM, 0);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	char text[PEER_TEXT_MAX];
	struct peer peer;
	int fd;

	CHECK_EQ(bind(server, (struct sockaddr *)&address, len), 0);
	CHECK_EQ(listen(server, 1), 0);
	CHECK_EQ(getsockname(server, (struct sockaddr *)&address, &len), 0);
	CHECK_EQ(connect(client, (struct sockaddr *)&address, len), 0);
	setsockopt(client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(client);
	fd = accept(server, NULL, NULL);
	CHECK(fd >= 0);
	peer_from_socket(fd, &peer);
	CHECK(!peer.is_local);
	peer_format(&peer, text);
	CHECK(strcmp(text, "127.0.0.1") == 0);
	close(fd);
	close(server);
}

static void test_an_ipv6_network_is_one_peer(void)
{
	struct peer_limit *limit = peer_limit_new(100, 1, 0);
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
	struct peer_limit *limit = peer_limit_new(N * MAX, MAX, 0);
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
	  T(test_extra_ones_are_told_apart),
	  T(test_a_peer_that_is_gone_has_an_address),
	  T(test_an_ipv6_network_is_one_peer),
	  T(test_peers_are_written_as_addresses), T(test_random_peers))
