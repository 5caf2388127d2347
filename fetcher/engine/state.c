// SPDX-License-Identifier: GPL-2.0-or-later
/* The states of a fetch and what a round over the mirrors has taught: no I/O. */
#include "fetcher/engine/state.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

const char *fetch_state_name(enum fetch_state state)
{
	switch (state) {
	case FETCH_QUEUED:
		return "queued";
	case FETCH_TRANSFER:
		return "transfer";
	case FETCH_SEALING:
		return "sealing";
	case FETCH_BACKOFF:
		return "backoff";
	case FETCH_DONE:
		return "done";
	case FETCH_FAILED:
		return "failed";
	}
	abort();
}

const char *fetch_kind_name(enum fetch_kind kind)
{
	static const char *const names[N_FETCH_KINDS] = {
		[FETCH_DEMAND] = "demand",
		[FETCH_PREFETCH] = "prefetch",
		[FETCH_BACKGROUND] = "background",
	};

	return names[kind];
}

enum fetch_state fetch_next_state(enum fetch_state state,
				  enum fetch_input input)
{
	switch (state) {
	case FETCH_QUEUED:
		if (input == FETCH_STARTED)
			return FETCH_TRANSFER;
		if (input == FETCH_EXISTS)
			return FETCH_DONE;
		if (input == FETCH_NOBODY)
			return FETCH_BACKOFF;
		if (input == FETCH_GIVEN_UP)
			return FETCH_FAILED;
		break;
	case FETCH_TRANSFER:
		if (input == FETCH_ALL_BYTES)
			return FETCH_SEALING;
		if (input == FETCH_GET_FAILED)
			return FETCH_QUEUED;
		if (input == FETCH_GIVEN_UP)
			return FETCH_FAILED;
		break;
	case FETCH_SEALING:
		if (input == FETCH_PUBLISHED)
			return FETCH_DONE;
		if (input == FETCH_WRONG_BYTES || input == FETCH_NO_ROOM)
			return FETCH_QUEUED;
		if (input == FETCH_GIVEN_UP)
			return FETCH_FAILED;
		break;
	case FETCH_BACKOFF:
		if (input == FETCH_WOKEN)
			return FETCH_QUEUED;
		if (input == FETCH_GIVEN_UP)
			return FETCH_FAILED;
		break;
	case FETCH_DONE:
	case FETCH_FAILED:
		break;
	}
	abort();
}

void fetch_round_add(struct fetch_round *round, size_t i,
		     enum fetch_result result, unsigned int status)
{
	uint32_t bit = (uint32_t)1 << i;

	switch (result) {
	case FETCH_RESULT_BAD_DIGEST:
	case FETCH_RESULT_BAD_SIZE:
		/* Once, it may have been a cache on the way. */
		if (!(round->no_cache & bit)) {
			round->no_cache |= bit;
			return;
		}
		round->wrong |= bit;
		break;
	case FETCH_RESULT_DENIED:
		round->denied |= bit;
		round->missing |= bit;
		round->status = status;
		break;
	case FETCH_RESULT_REDIRECT:
		round->redirected |= bit;
		__attribute__((fallthrough));
	case FETCH_RESULT_MISSING:
		round->missing |= bit;
		round->status = status;
		break;
	case FETCH_RESULT_PROXY:
		round->proxy |= bit;
		round->status = status;
		break;
	case FETCH_RESULT_RANGE:
		/* It may well have the whole. */
	case FETCH_RESULT_DESCRIPTORS:
		/* It was not even asked. */
		return;
	default:
		break;
	}
	round->skip |= bit;
}

void fetch_round_conclude(const struct fetch_round *round,
			  struct fetch_conclusion *ret)
{
	const char *text = "no mirror has it";
	char status[24] = "";

	*ret = (struct fetch_conclusion){
		.result = FETCH_RESULT_MISSING,
		.err = -EIO,
	};
	if (round->wrong) {
		ret->result = FETCH_RESULT_BAD_DIGEST;
		text = "every mirror sends wrong bytes";
	} else if (round->proxy) {
		ret->result = FETCH_RESULT_PROXY;
		ret->err = -EHOSTUNREACH;
		text = "the proxy refuses";
	} else if (round->denied) {
		ret->result = FETCH_RESULT_DENIED;
		text = "access denied";
	} else if (round->redirected) {
		ret->result = FETCH_RESULT_REDIRECT;
		text = "a redirect is not followed";
	}
	if (round->status && !round->wrong)
		snprintf(status, sizeof(status), " (HTTP %u)", round->status);
	snprintf(ret->reason, sizeof(ret->reason), "%s%s", text, status);
}

enum fetch_verdict fetch_round_verdict(const struct fetch_round *round,
				       size_t n_mirrors, bool hard)
{
	uint32_t all = ((uint32_t)1 << n_mirrors) - 1;

	if (round->missing == all)
		return FETCH_GIVE_UP;
	if ((round->missing | round->wrong | round->proxy) == all && !hard)
		return FETCH_GIVE_UP;
	return FETCH_TRY_AGAIN;
}
