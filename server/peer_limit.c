// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Count connections by peer: an open-addressing table that is never full, since
 * it has room for twice as many peers as there may be connections.
 */
#include "server/peer_limit.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct slot {
	uint64_t key;
	unsigned int n;		/* 0: free */
};

struct peer_limit {
	pthread_mutex_t lock;
	unsigned int max_total, max_peer, extra;
	unsigned int n_total;
	uint64_t seed[2];	/* peers choose their addresses */
	size_t mask;
	struct slot slots[];
};

/*
 * getpeername() knows nothing of a peer that has reset the connection meanwhile;
 * SO_PEERNAME does, and wants to be told the length of the family's addresses.
 */
void peer_from_socket(int fd, struct peer *ret)
{
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} u = { .any.sa_family = AF_UNSPEC };
	int family = AF_UNSPEC;
	socklen_t len = sizeof(family);

	memset(ret, 0, sizeof(*ret));
	if (getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &family, &len) < 0 ||
	    (family != AF_INET && family != AF_INET6)) {
		ret->is_local = true;
		return;
	}
	len = family == AF_INET ? sizeof(u.v4) : sizeof(u.v6);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERNAME, &u, &len) < 0)
		memset(&u, 0, sizeof(u));	/* counted all the same, as :: */
	if (family == AF_INET) {
		ret->is_ipv4 = true;
		memset(ret->address + 10, 0xff, 2);
		memcpy(ret->address + 12, &u.v4.sin_addr, 4);
	} else {
		ret->is_ipv4 = IN6_IS_ADDR_V4MAPPED(&u.v6.sin6_addr);
		memcpy(ret->address, &u.v6.sin6_addr, 16);
	}
}

void peer_format(const struct peer *peer, char ret[PEER_TEXT_MAX])
{
	if (peer->is_local)
		strcpy(ret, "local");
	else if (peer->is_ipv4)
		inet_ntop(AF_INET, peer->address + 12, ret, PEER_TEXT_MAX);
	else
		inet_ntop(AF_INET6, peer->address, ret, PEER_TEXT_MAX);
}

struct peer_limit *peer_limit_new(unsigned int max_total, unsigned int max_peer,
				  unsigned int extra)
{
	struct peer_limit *limit;
	size_t n_slots = 64;

	while (n_slots < 2 * ((size_t)max_total + extra))
		n_slots *= 2;
	limit = calloc(1, sizeof(*limit) + n_slots * sizeof(limit->slots[0]));
	if (!limit)
		return NULL;
	limit->max_total = max_total;
	limit->max_peer = max_peer;
	limit->extra = extra;
	limit->mask = n_slots - 1;
	/* Before the kernel's pool is ready an attacker can't be here either. */
	if (getrandom(limit->seed, sizeof(limit->seed), GRND_NONBLOCK) < 0)
		limit->seed[0] = (uintptr_t)limit;
	pthread_mutex_init(&limit->lock, NULL);
	return limit;
}

void peer_limit_free(struct peer_limit *limit)
{
	if (!limit)
		return;
	pthread_mutex_destroy(&limit->lock);
	free(limit);
}

/* What two addresses of the same peer have in common. */
static uint64_t peer_key(const struct peer *peer)
{
	uint64_t high;
	uint32_t low;

	memcpy(&high, peer->address, sizeof(high));
	memcpy(&low, peer->address + 12, sizeof(low));
	return peer->is_ipv4 ? low : high;
}

static size_t home_of(const struct peer_limit *limit, uint64_t key)
{
	unsigned __int128 product;

	product = (unsigned __int128)(key ^ limit->seed[0]) *
		  (limit->seed[1] | 1);
	return (size_t)((uint64_t)product ^ (uint64_t)(product >> 64)) &
	       limit->mask;
}

static struct slot *find(struct peer_limit *limit, uint64_t key)
{
	size_t i = home_of(limit, key);

	while (limit->slots[i].n && limit->slots[i].key != key)
		i = (i + 1) & limit->mask;
	return &limit->slots[i];
}

int peer_limit_take(struct peer_limit *limit, const struct peer *peer)
{
	struct slot *slot;
	int outcome = 0;

	pthread_mutex_lock(&limit->lock);
	if (limit->n_total >= limit->max_total + limit->extra) {
		outcome = PEER_LIMIT_TOTAL;
	} else if (!peer->is_local) {
		slot = find(limit, peer_key(peer));
		if (slot->n >= limit->max_peer) {
			outcome = PEER_LIMIT_PEER;
		} else {
			slot->key = peer_key(peer);
			slot->n++;
		}
	}
	if (!outcome && ++limit->n_total > limit->max_total)
		outcome = PEER_LIMIT_CROWDED;
	pthread_mutex_unlock(&limit->lock);
	return outcome;
}

unsigned int peer_limit_load(struct peer_limit *limit, const struct peer *peer)
{
	unsigned int n = 1;

	if (peer->is_local)
		return n;
	pthread_mutex_lock(&limit->lock);
	n = find(limit, peer_key(peer))->n;
	pthread_mutex_unlock(&limit->lock);
	return n;
}

bool peer_limit_is_crowded(struct peer_limit *limit)
{
	bool crowded;

	pthread_mutex_lock(&limit->lock);
	crowded = limit->n_total > limit->max_total;
	pthread_mutex_unlock(&limit->lock);
	return crowded;
}

/* Close the gap that a freed slot leaves in the run of its neighbours. */
static void close_gap(struct peer_limit *limit, size_t gap)
{
	size_t i = gap;

	for (;;) {
		size_t home;

		i = (i + 1) & limit->mask;
		if (!limit->slots[i].n)
			return;
		home = home_of(limit, limit->slots[i].key);
		if (((i - home) & limit->mask) < ((i - gap) & limit->mask))
			continue;	/* it would land before its home */
		limit->slots[gap] = limit->slots[i];
		limit->slots[i].n = 0;
		gap = i;
	}
}

void peer_limit_give(struct peer_limit *limit, const struct peer *peer)
{
	struct slot *slot;

	pthread_mutex_lock(&limit->lock);
	limit->n_total--;
	if (!peer->is_local) {
		slot = find(limit, peer_key(peer));
		if (--slot->n == 0)
			close_gap(limit, (size_t)(slot - limit->slots));
	}
	pthread_mutex_unlock(&limit->lock);
}
