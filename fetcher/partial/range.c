// SPDX-License-Identifier: GPL-2.0-or-later
/* One part on its way: the GET, its bytes, and the jobs that check them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/container_of.h"
#include "fetcher/ingest/body.h"
#include "fetcher/mirror/mirrors.h"
#include "fetcher/partial/internal.h"

#define BLOCK_LEN	VERITY_BLOCK_LEN

/* So many answers such as 500 instead of the first part may be an accident. */
#define STRANGE_MAX	2

/* "/objects/" or "/verity/", an object name and a NUL */
#define URL_EXTRA_LEN	(sizeof("/objects/") + CFS_OBJECT_NAME_LEN)

static struct fetcher *fetcher_of(const struct partial_range *range)
{
	return range->partial->partials->fetcher;
}

static struct chunk_pool *pool_of(const struct partial_range *range)
{
	return fetch_bodies_pool(fetcher_of(range)->bodies);
}

static void put_chunk(struct partial_range *range, struct chunk *chunk)
{
	struct fetcher *fetcher = fetcher_of(range);

	chunk_pool_put(pool_of(range), chunk);
	loop_defer(fetcher->loop, &fetcher->turn);
}

static void release_chunks(struct partial_range *range, size_t n)
{
	while (n--) {
		struct chunk *chunk = STAILQ_FIRST(&range->chunks);

		STAILQ_REMOVE_HEAD(&range->chunks, entry);
		range->n_chunks--;
		put_chunk(range, chunk);
	}
}

static void push_chunk(struct partial_range *range)
{
	STAILQ_INSERT_TAIL(&range->chunks, range->filling, entry);
	range->filling = NULL;
	range->n_chunks++;
}

/* All of it is judged or given up. */
static void end(struct partial_range *range)
{
	struct partial *partial = range->partial;
	struct partials *partials = partial->partials;

	if (range->filling)
		put_chunk(range, range->filling);
	range->filling = NULL;
	release_chunks(range, range->n_chunks);
	chunk_pool_leave(pool_of(range), &range->waiter);
	loop_undefer(partials->fetcher->loop, &range->resume);
	/* A chunk that was meant for it is for somebody else. */
	chunk_pool_wake(pool_of(range));
	partial_map_failed(&partial->map, &range->span);
	partial_room_left(partial, &range->span);
	free(range->url);
	free(range->nodes);
	range->url = NULL;
	range->nodes = NULL;
	TAILQ_REMOVE(&partial->ranges, range, entry);
	TAILQ_INSERT_HEAD(&partials->idle, range, entry);
	partial_settle(partial);
}

static void get_over(struct partial_range *range)
{
	struct partial *partial = range->partial;

	range->active = false;
	partial->n_gets--;
	partial->partials->n_gets--;
	loop_defer(fetcher_of(range)->loop, &fetcher_of(range)->turn);
}

static void stop_get(struct partial_range *range)
{
	struct fetcher *fetcher = fetcher_of(range);
	bool timeout;

	if (!range->active)
		return;
	fetcher->transport->cancel(fetcher->transport_context, &range->get);
	partial_range_note_pace(range);
	/* That it was slow, and not heard of since, is what a timeout is. */
	timeout = range->partial->slow >> range->mirror & 1 &&
		  !mirrors_heard_since(fetcher->mirrors, range->mirror,
				       range->sent_ms);
	mirrors_report(fetcher->mirrors, range->mirror, loop_now_ms(fetcher->loop),
		       timeout ? FETCH_RESULT_TIMEOUT : FETCH_RESULT_CANCELLED,
		       0, 0);
	range->result = FETCH_RESULT_CANCELLED;
	get_over(range);
}

void partial_range_cancel(struct partial_range *range)
{
	stop_get(range);
	range->result = FETCH_RESULT_CANCELLED;
	if (!range->working)
		end(range);
}

/* Some servers fall over a range, each time. */
static bool refuses_range(struct partial_range *range, enum fetch_result result)
{
	struct partial *partial = range->partial;

	if (result == FETCH_RESULT_STATUS &&
	    !partial->map.bits[PARTIAL_DATA].here.n_set)
		return ++partial->n_strange > STRANGE_MAX;
	return result == FETCH_RESULT_RANGE;
}

/* A mirror that failed is left alone for a while; one that delivers is not. */
static void note_result(struct partial_range *range, enum fetch_result result,
			unsigned int status, const char *reason)
{
	struct partial *partial = range->partial;
	struct fetcher *fetcher = fetcher_of(range);
	uint32_t bit = (uint32_t)1 << range->mirror;
	struct fetch_event event = {
		.digest = &partial->digest,
		.size = range->get.offset,
		.ms = loop_now_ms(fetcher->loop) - partial->started_ms,
		.mirror = mirrors_url(fetcher->mirrors, range->mirror),
		.result = result,
		.reason = reason,
	};

	if (result != FETCH_RESULT_UNREACHABLE && result != FETCH_RESULT_TLS &&
	    result != FETCH_RESULT_DESCRIPTORS)
		partial->heard = true;
	/* From now on the mirrors' rank tells. */
	if (result != FETCH_RESULT_CANCELLED && !(partial->slow & bit))
		partial->slow = 0;
	if (result == FETCH_RESULT_OK) {
		partials_range_came(partial->partials, range->mirror);
		partial->round.skip &= ~bit | partial->round.wrong;
		partial->n_rounds = 0;
		return;
	}
	if (result == FETCH_RESULT_CANCELLED)
		return;
	if (result == FETCH_RESULT_DESCRIPTORS) {
		partial_wait_for_descriptors(partial);
		fetcher_note(fetcher, range->mirror, &event);
		return;
	}
	if (partial_tree_is_bad(range, result)) {
		partial_tree_give_up(range, result);
	} else if (refuses_range(range, result)) {
		if (!(partial->no_parts & bit))
			partials_range_refused(partial->partials, range->mirror);
		partial->no_parts |= bit;
	} else {
		fetch_round_add(&partial->round, range->mirror, result, status);
	}
	if (result != FETCH_RESULT_MISSING)
		fetcher_note(fetcher, range->mirror, &event);
}

static void wrong_block(struct partial_range *range)
{
	struct fetcher *fetcher = fetcher_of(range);

	stop_get(range);
	range->result = FETCH_RESULT_CANCELLED;
	range->partial->partials->stats.wrong++;
	mirrors_blame(fetcher->mirrors, range->mirror,
		      loop_now_ms(fetcher->loop));
	note_result(range, FETCH_RESULT_BAD_DIGEST, 0,
		    range->span.kind == PARTIAL_DATA ?
			    "a block does not have its hash" :
			    "a block of the tree does not have its hash");
}

/* Parts of the tree that waited for what is above them. */
static void advance_nodes(struct partial *partial)
{
	struct partial_range *range, *next;

	for (range = TAILQ_FIRST(&partial->ranges); range; range = next) {
		next = TAILQ_NEXT(range, entry);
		if (range->span.kind == PARTIAL_NODES && !range->active &&
		    !range->working)
			partial_range_advance(range);
	}
}

static void job_run(struct loop_work *work)
{
	struct partial_range *range =
		container_of(work, struct partial_range, work);

	if (range->span.kind == PARTIAL_NODES)
		partial_check_nodes(range);
	else
		partial_check_chunks(range);
}

static void job_done(struct loop_work *work)
{
	struct partial_range *range =
		container_of(work, struct partial_range, work);
	struct partial *partial = range->partial;
	struct partial_span came = range->span;

	range->working = false;
	partial->partials->n_jobs--;
	came.to = came.from + range->n_good;
	range->span.from = came.to;
	partial_map_came(&partial->map, &came);
	partial_room_came(partial, range->n_good);
	if (came.kind == PARTIAL_DATA) {
		partial->partials->stats.bytes += range->n_good * BLOCK_LEN;
		release_chunks(range, range->n_job);
	}
	if (range->job_err == -EBADMSG) {
		wrong_block(range);
	} else if (range->job_err < 0) {
		stop_get(range);
		range->result = FETCH_RESULT_CANCELLED;
		partial_store_failed(partial, range->job_err);
	}
	if (came.kind == PARTIAL_DATA)
		partial_woken(partial);
	partial_range_advance(range);
	if (came.kind == PARTIAL_NODES)
		advance_nodes(partial);
	partial_settle(partial);
}

static void start_job(struct partial_range *range)
{
	range->n_job = range->n_chunks;
	range->working = true;
	range->partial->partials->n_jobs++;
	loop_work_submit(fetcher_of(range)->loop, &range->work);
}

void partial_range_advance(struct partial_range *range)
{
	bool is_good = range->active || range->result != FETCH_RESULT_CANCELLED;

	if (range->working)
		return;
	if (range->span.kind == PARTIAL_DATA && is_good && range->n_chunks) {
		start_job(range);
		return;
	}
	if (range->active)
		return;
	if (range->span.kind == PARTIAL_NODES &&
	    range->result == FETCH_RESULT_OK &&
	    range->span.from < range->span.to) {
		/* Else it waits for what vouches for it. */
		if (partial_map_checkable(&range->partial->map, &range->span))
			start_job(range);
		return;
	}
	end(range);
}

static int add_bytes(struct partial_range *range, const uint8_t *from, size_t len)
{
	struct chunk_pool *pool = pool_of(range);
	size_t room = range->filling ? CHUNK_LEN - range->filling->len : 0;

	if (len > room && (len - room + CHUNK_LEN - 1) / CHUNK_LEN >
				  chunk_pool_n_free(pool)) {
		chunk_pool_wait(pool, &range->waiter);
		return HTTP_DATA_PAUSE;
	}
	while (len) {
		size_t n;

		if (!range->filling)
			range->filling = chunk_pool_get(pool);
		if (!range->filling)
			return -ENOMEM;
		n = CHUNK_LEN - range->filling->len;
		if (n > len)
			n = len;
		memcpy(range->filling->data + range->filling->len, from, n);
		range->filling->len += n;
		from += n;
		len -= n;
		if (range->filling->len == CHUNK_LEN)
			push_chunk(range);
	}
	partial_range_advance(range);
	return 0;
}

static int get_data(struct http_get *get, const void *data, size_t len)
{
	struct partial_range *range =
		container_of(get, struct partial_range, get);
	struct fetcher *fetcher = fetcher_of(range);
	int err = 0;

	if (!range->first_ms) {
		range->first_ms = loop_now_ms(fetcher->loop);
		partial_range_mark(range);
	}
	if (range->span.kind == PARTIAL_NODES) {
		memcpy(range->nodes + range->nodes_len, data, len);
		range->nodes_len += len;
	} else {
		err = add_bytes(range, data, len);
	}
	if (err == HTTP_DATA_PAUSE)
		range->paused = true;
	if (err == 0) {
		range->n_bytes += len;
		range->partial->heard = true;
		range->partial->progress_ms = loop_now_ms(fetcher->loop);
		fetcher->progress_ms = range->partial->progress_ms;
		mirrors_heard(fetcher->mirrors, range->mirror,
			      fetcher->progress_ms);
	}
	return err;
}

/* What came of the last chunk, in whole blocks; an object may end within one. */
static void push_rest(struct partial_range *range, bool all_came)
{
	if (!range->filling)
		return;
	if (!all_came)
		range->filling->len -= range->filling->len % BLOCK_LEN;
	if (range->filling->len) {
		push_chunk(range);
		return;
	}
	put_chunk(range, range->filling);
	range->filling = NULL;
}

static void get_done(struct http_get *get, const struct http_answer *answer)
{
	struct partial_range *range =
		container_of(get, struct partial_range, get);
	struct partial *partial = range->partial;
	struct fetcher *fetcher = fetcher_of(range);
	uint64_t now_ms = loop_now_ms(fetcher->loop);
	struct mirror_stats *stats = mirrors_stats(fetcher->mirrors,
						   range->mirror);

	stats->bytes += answer->body_size;
	partial_range_note_pace(range);
	if (mirrors_report(fetcher->mirrors, range->mirror, now_ms,
			   answer->result, answer->first_byte_ms,
			   answer->retry_after_ms))
		fetch_wake_all(fetcher, FETCH_FOR_PROBE);
	if (answer->result == FETCH_RESULT_OK)
		stats_histogram_add(&stats->latency, now_ms - range->sent_ms);
	range->result = answer->result;
	get_over(range);
	push_rest(range, answer->result == FETCH_RESULT_OK);
	note_result(range, answer->result, answer->status, answer->reason);
	if (answer->result == FETCH_RESULT_LOCAL)
		partial_fail(partial, FETCH_RESULT_LOCAL, -ENOMEM,
			     answer->reason);
	partial_range_advance(range);
	partial_settle(partial);
}

static void resume(struct loop_deferred *deferred)
{
	struct partial_range *range =
		container_of(deferred, struct partial_range, resume);
	struct fetcher *fetcher = fetcher_of(range);

	if (range->active)
		fetcher->transport->resume(fetcher->transport_context,
					   &range->get);
	/* The chunk that it was called for may not have been needed. */
	chunk_pool_wake(pool_of(range));
}

static void chunk_ready(struct chunk_waiter *waiter)
{
	struct partial_range *range =
		container_of(waiter, struct partial_range, waiter);

	loop_defer(fetcher_of(range)->loop, &range->resume);
}

static struct partial_range *range_new(struct partials *partials)
{
	struct partial_range *range = TAILQ_FIRST(&partials->idle);

	if (range) {
		TAILQ_REMOVE(&partials->idle, range, entry);
		return range;
	}
	range = calloc(1, sizeof(*range));
	if (range && cfs_verity_hash_new(&range->hash) < 0) {
		free(range);
		return NULL;
	}
	return range;
}

void partial_range_free(struct partial_range *range)
{
	cfs_verity_hash_free(range->hash);
	free(range);
}

static char *make_url(const struct fetcher *fetcher, size_t mirror,
		      const char *folder, const struct cfs_digest *digest)
{
	const char *base = mirrors_url(fetcher->mirrors, mirror);
	char name[CFS_OBJECT_NAME_LEN + 1];
	size_t len = strlen(base) + URL_EXTRA_LEN;
	char *url = malloc(len);

	cfs_object_name_format(digest, name);
	if (url)
		snprintf(url, len, "%s/%s/%s", base, folder, name);
	return url;
}

static void set_get(struct partial_range *range)
{
	const struct partial *partial = range->partial;
	const struct partial_span *span = &range->span;
	bool is_data = span->kind == PARTIAL_DATA;
	uint64_t size = is_data ? partial->size :
				  partial->map.tree.n_blocks * BLOCK_LEN;
	uint64_t end = span->to * BLOCK_LEN;

	range->get = (struct http_get){
		.url = range->url,
		.size = size,
		.offset = span->from * BLOCK_LEN,
		.length = (end < size ? end : size) - span->from * BLOCK_LEN,
		.no_cache = partial->round.no_cache >> range->mirror & 1,
		.data = get_data,
		.done = get_done,
	};
}

int partial_range_start(struct partial *partial,
			const struct partial_span *span, size_t mirror)
{
	struct partials *partials = partial->partials;
	struct fetcher *fetcher = partials->fetcher;
	struct partial_range *range = range_new(partials);
	struct cfs_verity_hash *hash = range ? range->hash : NULL;
	int err = -ENOMEM;

	if (!range)
		return -ENOMEM;
	*range = (struct partial_range){
		.partial = partial,
		.span = *span,
		.url = make_url(fetcher, mirror, span->kind == PARTIAL_DATA ?
				"objects" : "verity", &partial->digest),
		.mirror = mirror,
		.sent_ms = loop_now_ms(fetcher->loop),
		.waiter.ready = chunk_ready,
		.resume.call = resume,
		.work = { .run = job_run, .done = job_done },
		.hash = hash,
	};
	STAILQ_INIT(&range->chunks);
	if (span->kind == PARTIAL_NODES)
		range->nodes = malloc((span->to - span->from) * BLOCK_LEN);
	if (range->url && (range->nodes || span->kind == PARTIAL_DATA)) {
		set_get(range);
		err = partial_map_ask(&partial->map, span);
		if (err == 0)
			err = fetcher->transport->start(
				fetcher->transport_context, &range->get);
	}
	if (err < 0) {
		partial_map_failed(&partial->map, span);
		free(range->url);
		free(range->nodes);
		TAILQ_INSERT_HEAD(&partials->idle, range, entry);
		return err;
	}
	range->active = true;
	partial->n_gets++;
	partials->n_gets++;
	partials->stats.parts++;
	TAILQ_INSERT_TAIL(&partial->ranges, range, entry);
	return 0;
}
