// SPDX-License-Identifier: GPL-2.0-or-later
/* A fetch of a large object: in parts (partial.h), as long as that works. */
#include <errno.h>
#include <string.h>

#include "cache/base/container_of.h"
#include "fetcher/engine/internal.h"

/* TRANSFER to QUEUED. */
static void queue_again(struct fetch *fetch)
{
	fetch_set_state(fetch, FETCH_GET_FAILED);
	fetch_enqueue(fetch, true);
}

static void parts_done(struct partial_owner *owner, int err)
{
	struct fetch *fetch = container_of(owner, struct fetch, parts);

	if (err == 0) {
		fetch->received = fetch->size;
		fetch->got_ms = loop_now_ms(fetch->fetcher->loop);
		fetch_set_state(fetch, FETCH_ALL_BYTES);
		fetch_published(fetch, fetch->size);
		return;
	}
	queue_again(fetch);
	fetch->need = owner->need;
	if (err == -EOPNOTSUPP)
		fetch->ruled_out |= FETCH_NOT_IN_PARTS;
	else if (err == -EIO)
		fetch_fail(fetch, FETCH_RESULT_MISSING, err,
			   "no mirror has it, or all send wrong bytes");
	else if (err == -EHOSTUNREACH)
		fetch_fail(fetch, FETCH_RESULT_PROXY, err, "the proxy refuses");
	else if (err == -ESHUTDOWN)
		fetch_fail(fetch, FETCH_RESULT_CANCELLED, err, "stopping");
	else
		fetch_store_failed(fetch, err);
}

bool fetch_parts_start(struct fetch *fetch)
{
	struct fetcher *fetcher = fetch->fetcher;
	int err;

	if (fetch->ruled_out & FETCH_NOT_IN_PARTS || fetch->body ||
	    fetch->size == FETCH_SIZE_UNKNOWN ||
	    fetch->size < fetcher->config->large_size)
		return false;
	fetch->parts.done = parts_done;
	err = partial_fetch(fetcher->partials, &fetch->digest, fetch->size,
			    &fetch->parts);
	if (err == -EOPNOTSUPP) {
		fetch->ruled_out |= FETCH_NOT_IN_PARTS;
		return false;
	}
	if (err < 0) {
		fetch_fail(fetch, FETCH_RESULT_LOCAL, err, strerror(-err));
		return true;
	}
	fetch->n_tries++;
	fetch->sent_ms = loop_now_ms(fetcher->loop);
	fetch_dequeue(fetch);
	fetch_start_transfer(fetch, FETCH_IN_PARTS);
	return true;
}
