// SPDX-License-Identifier: GPL-2.0-or-later
/* One image, from whichever mirror gives it. */
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

/* Enough to receive, hash and write at the same time. */
#define N_CHUNKS	16

/* Without a descriptor: when to try again. */
#define LACK_MS		100

struct image_run {
	struct loop *loop;
	struct cfs_store *store;
	const struct fetch_config *config;
	const struct image_request *request;
	struct image_answer *answer;

	struct http *http;
	struct mirrors *mirrors;
	struct fetch_bodies *bodies;

	struct http_get get;
	struct fetch_body *body;
	char *url;
	char known_etag[CFS_DIGEST_HEX_LEN + 1];	/* "": nothing to offer */
	size_t mirror;
	uint64_t size;

	struct fetch_round round;
	unsigned int n_rounds;
	uint64_t deadline_ms;
	struct loop_timer again;
	bool heard;		/* some mirror gave some sign of life */
	bool bad_size;		/* what was wrong was the size, each time */

	bool over;
	int err;
};

static void try_next(struct image_run *run);

static void finish(struct image_run *run, int err, const char *reason)
{
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
	struct image_run *run = context;

	http_get_resume(run->http, &run->get);
}

static void body_done(void *context, int err, const struct cfs_digest *digest)
{
	struct image_run *run = context;

	run->body = NULL;
	if (err == -EBADMSG) {
		mirrors_blame(run->mirrors, run->mirror, loop_now_ms(run->loop));
		fetch_round_add(&run->round, run->mirror,
				FETCH_RESULT_BAD_DIGEST, 0);
		run->bad_size = false;
		try_next(run);
	} else if (err < 0) {
		finish(run, err, strerror(-err));
	} else {
		run->answer->digest = *digest;
		run->answer->size = run->size;
		finish(run, 0, "");
	}
}

static const struct fetch_body_calls body_calls = {
	.resume = body_resume,
	.done = body_done,
};

static int get_data(struct http_get *get, const void *data, size_t len)
{
	struct image_run *run = container_of(get, struct image_run, get);
	int err = body_add(run->body, data, len);

	return err == BODY_FULL ? HTTP_DATA_PAUSE : err;
}

static void get_failed(struct image_run *run, const struct http_answer *answer)
{
	int err = body_error(run->body);

	body_drop(run->body);
	run->body = NULL;
	snprintf(run->answer->reason, sizeof(run->answer->reason), "%s%s%s",
		 fetch_result_name(answer->result), *answer->reason ? ": " : "",
		 answer->reason);
	if (answer->result == FETCH_RESULT_DESCRIPTORS ||
	    (answer->result == FETCH_RESULT_LOCAL && is_descriptor_error(err))) {
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
	fetch_round_add(&run->round, run->mirror, answer->result, answer->status);
	try_next(run);
}

static void get_done(struct http_get *get, const struct http_answer *answer)
{
	struct image_run *run = container_of(get, struct image_run, get);

	mirrors_report(run->mirrors, run->mirror, loop_now_ms(run->loop),
		       answer->result, answer->first_byte_ms,
		       answer->retry_after_ms);
	if (answer->result != FETCH_RESULT_OK) {
		get_failed(run, answer);
		return;
	}
	run->heard = true;
	run->size = answer->body_size;
	body_finish(run->body);
}

/* BASE/images/NAME, or BASE/objects/ and the object's name. */
static int set_url(struct image_run *run)
{
	const char *base = mirrors_url(run->mirrors, run->mirror);
	char object[CFS_OBJECT_NAME_LEN + 1];
	char *url;
	int n;

	if (run->request->name) {
		n = asprintf(&url, "%s/images/%s", base, run->request->name);
	} else {
		cfs_object_name_format(run->request->expected, object);
		n = asprintf(&url, "%s/objects/%s", base, object);
	}
	if (n < 0)
		return -ENOMEM;
	free(run->url);
	run->url = url;
	return 0;
}

static int send_get(struct image_run *run)
{
	int err = set_url(run);

	if (err == 0)
		err = body_new(run->bodies, run->request->expected, UINT64_MAX,
			       &body_calls, run, &run->body);
	if (err < 0)
		return err;
	run->get = (struct http_get){
		.url = run->url,
		.size = UINT64_MAX,
		.max_size = run->config->max_image_size,
		.no_cache = run->round.no_cache >> run->mirror & 1,
		.if_none_match = run->known_etag[0] ? run->known_etag : NULL,
		.data = get_data,
		.done = get_done,
	};
	err = http_get_start(run->http, &run->get);
	if (err < 0) {
		body_drop(run->body);
		run->body = NULL;
	}
	return err;
}

static void try_next(struct image_run *run)
{
	uint64_t now_ms = loop_now_ms(run->loop), at_ms;
	int err;

	switch (mirrors_pick(run->mirrors, now_ms, run->round.skip, &run->mirror,
			     &at_ms)) {
	case MIRRORS_NONE:
		round_over(run);
		return;
	case MIRRORS_WAIT:
		/* With one GET at a time nobody else's probe is out. */
		try_again_in(run, at_ms - now_ms);
		return;
	}
	run->answer->mirror = run->config->mirrors[run->mirror];
	err = send_get(run);
	if (err < 0)
		finish(run, err, strerror(-err));
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
		.deadline_ms = loop_now_ms(loop) + config->deadline_ms,
	};
	int err;

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
	http_free(run.http);
	fetch_bodies_free(run.bodies);
	mirrors_free(run.mirrors);
	free(run.url);
	return err;
}
