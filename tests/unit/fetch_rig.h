/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The engine, driven by hand: a transport that keeps each GET until the test says
 * how it goes on; loop, threads and store are real.  One rig a process, set up and
 * torn down by each test.  Everything aborts on failure.
 */
#ifndef TESTS_UNIT_FETCH_RIG_H
#define TESTS_UNIT_FETCH_RIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/store/store.h"
#include "fetcher/http/config.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/http/get.h"
#include "fetcher/loop/loop.h"

#define MAX_GETS	64

struct rig {
	struct loop *loop;
	struct cfs_store *store;
	struct fetch_config config;
	struct fetcher *fetcher;
	char path[64];

	struct http_get *gets[MAX_GETS];	/* active ones, in order of start */
	size_t n_gets, n_started, n_resumed, n_cancelled, most_gets;
	size_t n_final, n_bad_digest;
};

extern struct rig rig;

/* Bytes and their digest; data is the test's to free(). */
struct object {
	size_t len;
	uint8_t *data;
	struct cfs_digest digest;
};

/* Somebody who waits. */
struct reader {
	struct fetch_waiter waiter;
	int calls, err;
};

/** setup() - a loop, an empty store, a configuration; the test may change it */
void setup(size_t n_mirrors);

/** start() - make the engine */
void start(void);

/**
 * start_offered() - setup() and start(), with mirrors that have told what they offer
 * @what: a word of a mirror file
 */
void start_offered(size_t n_mirrors, const char *what);

/** rig_use_transport() - for an engine that the test made itself */
void rig_use_transport(void);

/** teardown() - stop the engine; nothing may be left of it */
void teardown(void);

/** rig_stopped() - for fetcher_stop(); @context is a bool that becomes true */
void rig_stopped(void *context);

/** spin() - let the loop run for @ms */
void spin(unsigned int ms);

/** spin_until_sealed() - let it run until no object is being hashed or published */
void spin_until_sealed(void);

/** spin_until_gets() - let it run until so many GETs are active */
void spin_until_gets(size_t n);

/** make_object() - @len bytes that differ from seed to seed */
struct object make_object(size_t len, uint32_t seed);

/** ask() - for an object; the answer does not come from inside */
void ask(struct reader *r, const struct object *o, enum fetch_kind kind);

/** read_done() - counts the calls of a reader */
void read_done(struct fetch_waiter *waiter, int err);

/** send_bytes() - hand [from, to) to a GET, in slices that fit nothing */
void send_bytes(struct http_get *get, const struct object *o, size_t from,
		size_t to);

/**
 * hand_over() - bytes to a GET that may be ended meanwhile
 *
 * Return: true if all were taken; else the GET is over.
 */
bool hand_over(struct http_get *get, const uint8_t *data, size_t len);

/** end_get() - that was it */
void end_get(struct http_get *get, enum fetch_result result);

/** check_stored() - the store has these bytes, or nothing of that name */
void check_stored(const struct object *o, bool there);

#endif /* TESTS_UNIT_FETCH_RIG_H */
