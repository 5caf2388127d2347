/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of the engine: the states of one fetch (the diagram is in fetch.h), what
 * a fetch remembers, and the seam to the network.
 */
#ifndef FETCHER_ENGINE_STATE_H
#define FETCHER_ENGINE_STATE_H

#include "fetcher/engine/fetch.h"
#include "fetcher/http/get.h"

enum fetch_state {
	FETCH_QUEUED,
	FETCH_TRANSFER,
	FETCH_SEALING,
	FETCH_BACKOFF,
	FETCH_DONE,
	FETCH_FAILED,
};

/** fetch_state_name() - one word */
const char *fetch_state_name(enum fetch_state state);

enum fetch_input {
	FETCH_STARTED,		/* a GET was sent */
	FETCH_EXISTS,		/* the store has it */
	FETCH_NOBODY,		/* no mirror may be asked now */
	FETCH_WOKEN,		/* one may be, perhaps */
	FETCH_GET_FAILED,
	FETCH_ALL_BYTES,
	FETCH_WRONG_BYTES,
	FETCH_NO_ROOM,		/* the store can't take it, for now */
	FETCH_PUBLISHED,
	FETCH_GIVEN_UP,
};

/**
 * fetch_next_state() - the transitions, and nothing else
 *
 * Aborts on an input that the state can't have.
 */
enum fetch_state fetch_next_state(enum fetch_state state,
				  enum fetch_input input);

/*
 * What one round over the mirrors has taught: bit i stands for mirror i.
 *
 *	skip		not to be asked again in this round
 *	missing		of these: does not have it, or does not give it to us
 *	denied		of these: wants credentials, or others
 *	redirected	of these: leads elsewhere in a way that is not followed
 *	proxy		can't be asked, since the proxy refuses
 *	wrong		of these: sends other bytes
 *	no_cache	sent wrong bytes once; the next GET asks caches to step aside
 *
 * status is the last HTTP status that put a mirror into one of these, or 0.
 */
struct fetch_round {
	uint32_t skip, missing, denied, redirected, proxy, wrong, no_cache;
	unsigned int status;
};

enum fetch_verdict {
	FETCH_TRY_AGAIN,	/* another round, after a pause */
	FETCH_GIVE_UP,		/* no mirror has it, or (soft) all send wrong bytes, or
				 * the proxy refuses */
};

/** fetch_round_add() - one GET to mirror @i has failed; how?  @status: HTTP's, or 0 */
void fetch_round_add(struct fetch_round *round, size_t i,
		     enum fetch_result result, unsigned int status);

/**
 * struct fetch_conclusion - what a round that ended in %FETCH_GIVE_UP has shown
 * @result: of all its GETs together
 * @err: for who waits: -EIO or -EHOSTUNREACH
 * @reason: in words
 */
struct fetch_conclusion {
	enum fetch_result result;
	int err;
	char reason[64];
};

/** fetch_round_conclude() - why no mirror gave it */
void fetch_round_conclude(const struct fetch_round *round,
			  struct fetch_conclusion *ret);

/** fetch_round_verdict() - every mirror is in skip: what now? */
enum fetch_verdict fetch_round_verdict(const struct fetch_round *round,
				       size_t n_mirrors, bool hard);

/**
 * struct fetch_transport - how GETs are made: fetcher/http/get.h, or a test
 * @start: as http_get_start()
 * @resume: as http_get_resume()
 * @cancel: as http_get_cancel()
 */
struct fetch_transport {
	int (*start)(void *context, struct http_get *get);
	void (*resume)(void *context, struct http_get *get);
	void (*cancel)(void *context, struct http_get *get);
};

/** fetcher_set_transport() - instead of HTTP; before the first fetch */
void fetcher_set_transport(struct fetcher *fetcher,
			   const struct fetch_transport *transport,
			   void *context);

#endif /* FETCHER_ENGINE_STATE_H */
