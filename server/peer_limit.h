/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How many connections each peer has, so that none can take them all.
 *
 * Beyond the limit of all together a few more are let in, so that another can give
 * way to them (crowd.h), or they can at least be told why not.
 *
 * A peer is an IPv4 address, or the /64 that an IPv6 one is in (one machine has
 * all of those).  Peers without an address, on local sockets, are not counted
 * one by one.
 *
 * Ownership: peer_limit_new() gives the caller a table to peer_limit_free().
 * Addresses passed in are copied.  Any thread may call.
 */
#ifndef SERVER_PEER_LIMIT_H
#define SERVER_PEER_LIMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

/* "[" IPv6 "]" and a NUL */
#define PEER_TEXT_MAX	48

struct peer {
	bool is_local;		/* has no address */
	bool is_ipv4;
	uint8_t address[16];	/* IPv6, or IPv4 mapped into it */
};

enum {
	PEER_LIMIT_PEER = 1,	/* this peer has as many as it may */
	PEER_LIMIT_TOTAL = 2,	/* all together have, and the extra ones */
	PEER_LIMIT_CROWDED = 3,	/* counted, but as one of the extra ones */
};

struct peer_limit;

/** peer_from_socket() - who is at the other end of a connected socket? */
void peer_from_socket(int fd, struct peer *ret);

/** peer_format() - write a peer's address, or "local", and a NUL */
void peer_format(const struct peer *peer, char ret[PEER_TEXT_MAX]);

/**
 * peer_limit_new() - an empty table
 * @max_total: connections of all peers together, at least 1
 * @max_peer: connections of one peer, at least 1
 * @extra: connections let in beyond @max_total
 *
 * Return: the table, or NULL without memory.
 */
struct peer_limit *peer_limit_new(unsigned int max_total, unsigned int max_peer,
				  unsigned int extra);

/** peer_limit_free() - NULL is allowed */
void peer_limit_free(struct peer_limit *limit);

/**
 * peer_limit_take() - count a new connection
 *
 * Return: 0; PEER_LIMIT_CROWDED; PEER_LIMIT_PEER or PEER_LIMIT_TOTAL, which count
 * nothing.
 */
int peer_limit_take(struct peer_limit *limit, const struct peer *peer);

/** peer_limit_load() - connections of this peer; 1 if it has no address */
unsigned int peer_limit_load(struct peer_limit *limit, const struct peer *peer);

/** peer_limit_is_crowded() - are there extra ones? */
bool peer_limit_is_crowded(struct peer_limit *limit);

/** peer_limit_give() - a connection that was counted has ended */
void peer_limit_give(struct peer_limit *limit, const struct peer *peer);

#endif /* SERVER_PEER_LIMIT_H */
