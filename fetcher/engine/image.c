// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One image, from whichever mirror gives it.
 *
 *	ONE GET --- not whole after LATE_MS, and there is another mirror ---> TWO GETS
 *	TWO GETS --- one fails ---> ONE GET --- fails ---> the next mirror, or later
 *	the first that brings the image ends the other one
 *
 * So a mirror that says nothing, or drips, costs LATE_MS and what another one takes.
 */
#include "fetcher/engine/image.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "cache/base/container_of.h"
#include "cache/base/descriptor_limit.h"
#include "cache/store/publish.h"
#include "cache/store/store.h"
#include "fetcher/http/config.h"
#include "fetcher/ingest/body.h"
#include "fetcher/engine/state.h"
#include "fetcher/http/get.h"
#include "fetcher/loop/loop.h"
#include "fetcher/mirror/mirrors.h"

/* Enough for two to receive, hash and write at the same time. */
#define N_CHUNKS	24
#define N_GETS		2

/* A GET that takes so long has another one beside it. */
#define LATE_MS		2000

/* Without a descriptor: when to try again. */
#define LACK_MS		100

/* One GET, and what it brings. */
struct image_get {
	struct image_run *run;
	struct http_get get;
	bool active;		/* get is under way */
	struct fetch_body *body;	/* NULL: neither that, nor its bytes are judged */
	char *url;
	size_t mirror;
	uint64_t size;
};

struct image_run {
	struct loop *loop;
	struct cfs_store *store;
	const struct fetch_config *config;
	const struct image_request *request;
	struct image_answer *answer;

	struct http *http;
	struct mirrors *mirrors;
	struct fetch_bodies *bodies;

	struct image_get gets[N_GETS];
	char known_etag[CFS_DIGEST_HEX_LEN + 1];	/* "": nothing to offer */

	struct fetch_round round;
	unsigned int n_rounds;
	uint64_t deadline_ms;
	struct loop_timer again;
	struct loop_timer late;	/* a second GET is due */
	bool heard;		/* some mirror gave some sign of life */
	bool bad_size;		/* what was wrong was the size, each time */

	bool over;
	int err;
};

static void try_next(struct image_run *run);

static void set_mirror(struct image_run *run, const struct image_get *get)
{
	run->answer->mirror = run->config->mirrors[get->mirror];
}

static void drop_body(struct image_get *get)
{
	if (get->body)
		body_drop(get->body);
	get->body = NULL;
}

/* What the others would bring is of no use any more. */
static void stop_gets(struct image_run *run)
{
	for (size_t i = 0; i < N_GETS; i++) {
		struct image_get *get = &run->gets[i];

		if (get->active)
			http_get_cancel(run->http, &get->get);
		get->active = false;
		drop_body(get);
	}
}

static bool is_busy(const struct image_run *run)
{
	for (size_t i = 0; i < N_GETS; i++)
		if (run->gets[i].body)
			return true;
	return false;
}

static void finish(struct image_run *run, int err, const char *reason)
{
	stop_gets(run);
	loop_timer_stop(run->loop, &run->late);
	run->err = err;
	if (reason != run->answer->reason)
		snprintf(run->answer->reason, sizeof(run->answer->reason), "%s",
			 reason);
	run->over = true;
	loop_stop(run->loop);
}

static void try_again_in(struct image_run *run, uint64_t ms)
{
	if (!run->config->hard &&
	    loop_now_ms(run->loop) + ms > run->deadline_ms) {
		finish(run, run->heard ? -ETIMEDOUT : -EHOSTUNREACH,
		       run->answer->reason);
		return;
	}
	loop_timer_start(run->loop, &run->again, ms);
}

static void round_over(struct image_run *run)
{
	bool wrong = run->round.wrong;
	struct fetch_conclusion conclusion;
	uint32_t random = 0;

	if (fetch_round_verdict(&run->round, mirrors_count(run->mirrors),
				run->config->hard) == FETCH_GIVE_UP) {
		fetch_round_conclude(&run->round, &conclusion);
		if (wrong)
			finish(run, run->bad_size ? -EFBIG : -EBADMSG,
			       run->bad_size ? "larger than allowed" :
					       "has another digest");
		else
			finish(run, conclusion.result == FETCH_RESULT_DENIED ?
					    -EACCES :
			       conclusion.err == -EIO ? -ENOENT : conclusion.err,
			       conclusion.result == FETCH_RESULT_MISSING ?
				       conclusion.reason : run->answer->reason);
		return;
	}
	run->round = (struct fetch_round){ 0 };
	run->bad_size = false;
	if (getrandom(&random, sizeof(random), GRND_NONBLOCK) < 0)
		random = 0;
	try_again_in(run, mirrors_backoff_ms(++run->n_rounds, random));
}

static void body_resume(void *context)
{
	struct image_get *get = context;

	http_get_resume(get->run->http, &get->get);
}

static void body_done(void *context, int err, const struct cfs_digest *digest)
{
	struct image_get *get = context;
	struct image_run *run = get->run;

	get->body = NULL;
	if (run->over)
		return;
	set_mirror(run, get);
	if (err == -EBADMSG) {
		mirrors_blame(run->mirrors, get->mirror, loop_now_ms(run->loop));
		fetch_round_add(&run->round, get->mirror,
				FETCH_RESULT_BAD_DIGEST, 0);
		run->bad_size = false;
		try_next(run);
	} else if (err < 0) {
		finish(run, err, strerror(-err));
	} else {
		run->answer->digest = *digest;
		run->answer->size = get->size;
		finish(run, 0, "");
	}
}

static const struct fetch_body_calls body_calls = {
	.resume = body_resume,
	.done = body_done,
};

static int get_data(struct http_get *http_get, const void *data, size_t len)
{
	struct image_get *get = container_of(http_get, struct image_get, get);
	int err = body_add(get->body, data, len);

	return err == BODY_FULL ? HTTP_DATA_PAUSE : err;
}

static void get_failed(struct image_get *get, const struct http_answer *answer)
{
	struct image_run *run = get->run;
	int err = body_error(get->body);

	drop_body(get);
	set_mirror(run, get);
	snprintf(run->answer->reason, sizeof(run->answer->reason), "%s%s%s",
		 fetch_result_name(answer->result), *answer->reason ? ": " : "",
		 answer->reason);
	if (answer->result == FETCH_RESULT_DESCRIPTORS ||
	    (answer->result == FETCH_RESULT_LOCAL && is_descriptor_error(err))) {
		if (!is_busy(run))
			try_again_in(run, LACK_MS);
		return;
	}
	if (answer->result == FETCH_RESULT_LOCAL) {
		finish(run, err < 0 ? err : -ENOMEM, run->answer->reason);
		return;
	}
	if (answer->result == FETCH_RESULT_NOT_MODIFIED) {
		run->answer->digest = *run->request->known;
		finish(run, 0, "");
		return;
	}
	if (answer->result != FETCH_RESULT_UNREACHABLE &&
	    answer->result != FETCH_RESULT_TLS)
		run->heard = true;
	run->bad_size = answer->result == FETCH_RESULT_BAD_SIZE;
	fetch_round_add(&run->round, get->mirror, answer->result, answer->status);
	try_next(run);
}

static void get_done(struct http_get *http_get, const struct http_answer *answer)
{
	struct image_get *get = container_of(http_get, struct image_get, get);
	struct image_run *run = get->run;

	get->active = false;
	mirrors_report(run->mirrors, get->mirror, loop_now_ms(run->loop),
		       answer->result, answer->first_byte_ms,
		       answer->retry_after_ms);
	if (answer->result != FETCH_RESULT_OK) {
		get_failed(get, answer);
		return;
	}
	run->heard = true;
	get->size = answer->body_size;
	body_finish(get->body);
}

/* BASE/images/NAME, or BASE/objects/ and the object's name. */
static int set_url(struct image_get *get)
{
	const struct image_request *request = get->run->request;
	const char *base = mirrors_url(get->run->mirrors, get->mirror);
	char object[CFS_OBJECT_NAME_LEN + 1];
	char *url;
	int n;

	if (request->name) {
		n = asprintf(&url, "%s/images/%s", base, request->name);
	} else {
		cfs_object_name_format(request->expected, object);
		n = asprintf(&url, "%s/objects/%s", base, object);
	}
	if (n < 0)
		return -ENOMEM;
	free(get->url);
	get->url = url;
	return 0;
}

static int send_get(struct image_get *get)
{
	struct image_run *run = get->run;
	int err = set_url(get);

	if (err == 0)
		err = body_new(run->bodies, run->request->expected, UINT64_MAX,
			       &body_calls, get, &get->body);
	if (err < 0)
		return err;
	get->get = (struct http_get){
		.url = get->url,
		.size = UINT64_MAX,
		.max_size = run->config->max_image_size,
		.no_cache = run->round.no_cache >> get->mirror & 1,
		.if_none_match = run->known_etag[0] ? run->known_etag : NULL,
		.data = get_data,
		.done = get_done,
	};
	err = http_get_start(run->http, &get->get);
	get->active = err == 0;
	if (err < 0)
		drop_body(get);
	return err;
}

/* Of the mirrors that were not asked in this round, and are not asked just now. */
static int pick(struct image_run *run, size_t *ret, uint64_t *ret_at_ms)
{
	uint32_t skip = run->round.skip;

	for (size_t i = 0; i < N_GETS; i++)
		if (run->gets[i].body)
			skip |= (uint32_t)1 << run->gets[i].mirror;
	return mirrors_pick(run->mirrors, loop_now_ms(run->loop), skip, ret,
			    ret_at_ms);
}

static void try_next(struct image_run *run)
{
	struct image_get *get = run->gets[0].body ? &run->gets[1] : &run->gets[0];
	uint64_t at_ms;
	int err, outcome;

	if (get->body)
		return;
	outcome = pick(run, &get->mirror, &at_ms);
	if (outcome && is_busy(run)) {
		/* Perhaps a mirror that is left alone for now may be asked then. */
		loop_timer_start(run->loop, &run->late, LATE_MS);
		return;
	}
	switch (outcome) {
	case MIRRORS_NONE:
		round_over(run);
		return;
	case MIRRORS_WAIT:
		try_again_in(run, at_ms - loop_now_ms(run->loop));
		return;
	}
	set_mirror(run, get);
	err = send_get(get);
	if (err < 0)
		finish(run, err, strerror(-err));
	else if (mirrors_count(run->mirrors) > 1 && !run->config->no_hedge)
		loop_timer_start(run->loop, &run->late, LATE_MS);
}

static void late_expired(struct loop_timer *timer)
{
	struct image_run *run = container_of(timer, struct image_run, late);

	/* If none is under way, that is the business of @again. */
	if (is_busy(run))
		try_next(run);
}

static void again_expired(struct loop_timer *timer)
{
	try_next(container_of(timer, struct image_run, again));
}

static void bodies_changed(void *context)
{
	struct image_run *run = context;

	if (run->over)
		loop_stop(run->loop);
}

/* What may be offered to a mirror as known: what the store really has. */
static bool have(struct cfs_store *store, const struct cfs_digest *digest)
{
	return digest && cfs_store_check(store, digest, UINT64_MAX) == 0;
}

static int run_all(struct image_run *run)
{
	int err = mirrors_new(run->config, &run->mirrors);

	if (err == 0)
		err = http_new(run->loop, run->config, &run->http);
	if (err == 0)
		err = fetch_bodies_new(run->loop, run->store, N_CHUNKS,
				       &run->bodies);
	if (err < 0)
		return err;
	fetch_bodies_on_change(run->bodies, bodies_changed, run);
	loop_timer_start(run->loop, &run->again, 0);
	/* Jobs of bodies that were dropped end a little later. */
	do {
		err = loop_run(run->loop);
	} while (err == 0 &&
		 (!run->over || fetch_bodies_n_live(run->bodies) > 0));
	return err < 0 ? err : run->err;
}

int image_fetch(struct loop *loop, struct cfs_store *store,
		const struct fetch_config *config,
		const struct image_request *request, struct image_answer *ret)
{
	struct image_run run = {
		.loop = loop,
		.store = store,
		.config = config,
		.request = request,
		.answer = ret,
		.again.expired = again_expired,
		.late.expired = late_expired,
		.deadline_ms = loop_now_ms(loop) + config->deadline_ms,
	};
	int err;

	for (size_t i = 0; i < N_GETS; i++)
		run.gets[i].run = &run;
	*ret = (struct image_answer){ .size = 0 };
	if (have(store, request->expected)) {
		ret->digest = *request->expected;
		return 0;
	}
	if (request->name && have(store, request->known))
		cfs_digest_format(request->known, run.known_etag);
	err = run_all(&run);
	if (err == 0 && ret->size > 0)
		err = cfs_store_sync(store);
	loop_timer_stop(loop, &run.again);
	loop_timer_stop(loop, &run.late);
	http_free(run.http);
	fetch_bodies_free(run.bodies);
	mirrors_free(run.mirrors);
	for (size_t i = 0; i < N_GETS; i++)
		free(run.gets[i].url);
	return err;
}
