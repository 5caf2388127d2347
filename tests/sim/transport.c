// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * GETs without a network: fetcher/http/get.h as the engine sees it.  What libcurl
 * and fetcher/http do to an answer that breaks a rule or a time limit is done here,
 * too: the engine is told a result, never more bytes than it asked for.
 *
 *	        first byte       all bytes, or the plan's end
 *	ASKED ------------> STREAM ------------------------> done
 *	  |                 |   ^ \
 *	  | limit       full|   |  \ limit, no room for bytes
 *	  v                 v   | resume
 *	 done              PAUSED
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "cache/base/container_of.h"
#include "fetcher/engine/state.h"
#include "tests/sim/sim.h"

/* What libcurl hands over at a time, at most. */
#define SLICE_LEN	((uint64_t)16 * 1024)

struct sim_get {
	LIST_ENTRY(sim_get) entry;
	struct http_get *get;
	size_t mirror;
	enum sim_folder folder;
	int object;			/* or -1 */
	struct sim_plan plan;
	struct sim_event next, limit;
	uint64_t started_ms, ends_ms, first_byte_ms;
	uint64_t sent, window_bytes;
	bool streams, paused, broken, in_data;
};

static LIST_HEAD(, sim_get) gets;
static bool in_data;
static uint64_t heard_ms[SIM_OBJECTS_MAX], any_heard_ms;

/* ---- what is asked for ---- */

static void parse(struct sim_get *sg, const char *url)
{
	static const struct {
		const char *text;
		enum sim_folder folder;
	} folders[] = {
		{ "objects/", SIM_OBJECT }, { "zst/", SIM_ZST },
		{ "verity/", SIM_TREE }, { "packs/", SIM_PACK },
		{ "profiles/", SIM_PROFILE }, { "mirror", SIM_MIRROR_FILE },
	};
	struct cfs_digest digest;
	int n = 0;

	SIM_CHECK(sscanf(url, "http://mirror%zu/%n", &sg->mirror, &n) == 1 && n);
	SIM_CHECK(sg->mirror < sim.n_mirrors);
	url += n;
	sg->object = -1;
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		size_t len = strlen(folders[i].text);

		if (strncmp(url, folders[i].text, len) != 0)
			continue;
		sg->folder = folders[i].folder;
		url += len;
		if (sg->folder >= SIM_MIRROR_FILE)
			return;
		SIM_CHECK(cfs_object_name_parse(url, strlen(url), &digest) == 0);
		sg->object = sim_object_find(&digest);
		if (sg->object < 0)
			sim_fail("a GET for what nobody asked for: %s", url);
		return;
	}
	sim_fail("a GET for %s", url);
}

static const uint8_t *bytes_of(const struct sim_get *sg, uint64_t *ret_len)
{
	const struct sim_object *object = sg->object < 0 ? NULL :
					  sim.objects[sg->object];

	switch (sg->folder) {
	case SIM_OBJECT:
		*ret_len = object->size;
		return object->data;
	case SIM_ZST:
		*ret_len = object->zst_len;
		return object->zst;
	case SIM_TREE:
		*ret_len = object->tree_len;
		return object->tree;
	case SIM_MIRROR_FILE:
		*ret_len = strlen(sim_mirror_file(sg->mirror));
		return (const uint8_t *)sim_mirror_file(sg->mirror);
	case SIM_PACK:
		*ret_len = sim.image ? sim.image->pack_len : 0;
		return sim.image ? sim.image->pack : NULL;
	case SIM_PROFILE:
		*ret_len = sim.image ? sim.image->profile_len : 0;
		return sim.image ? (const uint8_t *)sim.image->profile : NULL;
	}
	abort();
}

/* How many bytes the answer has. */
static uint64_t answer_len(const struct sim_get *sg)
{
	const struct http_get *get = sg->get;
	uint64_t len;

	bytes_of(sg, &len);
	if (get->length)
		return get->length;
	return len > get->offset ? len - get->offset : 0;
}

/* ---- the end ---- */

static void forget(struct sim_get *sg)
{
	sim_event_stop(&sg->next);
	sim_event_stop(&sg->limit);
	LIST_REMOVE(sg, entry);
	free(sg);
}

static const char *name_of(const struct sim_get *sg)
{
	static const char *const folders[] = { "o", "zst o", "tree o", "file", "pack",
					       "profile" };
	static char text[48];

	snprintf(text, sizeof(text), "mirror%zu %s%d", sg->mirror,
		 folders[sg->folder], sg->object);
	return text;
}

static void finish(struct sim_get *sg, enum fetch_result result)
{
	struct http_get *get = sg->get;
	const struct http_answer answer = {
		.result = result,
		.first_byte_ms = sg->first_byte_ms,
		.retry_after_ms = sg->plan.retry_after_ms,
		.body_size = sg->sent,
		.reason = "as the simulator wants it",
	};

	sim_trace("get %s ends: %s, %llu bytes", name_of(sg),
		  fetch_result_name(result), (unsigned long long)sg->sent);
	forget(sg);
	get->done(get, &answer);
}

/* ---- its time limits, as fetcher/http/get.c has them ---- */

static void start_limit(struct sim_get *sg, uint64_t ms)
{
	uint64_t left = sg->ends_ms > sim_now_ms() ? sg->ends_ms - sim_now_ms() : 0;

	sg->window_bytes = 0;
	sim_event_start(&sg->limit, ms < left ? ms : left);
}

static void limit_fire(struct sim_event *event)
{
	struct sim_get *sg = container_of(event, struct sim_get, limit);
	uint64_t least = (uint64_t)sim.config.stall_rate * sim.config.stall_ms /
			 1000;

	if (sg->streams && (sg->paused || sg->window_bytes >= least) &&
	    sim_now_ms() < sg->ends_ms)
		start_limit(sg, sim.config.stall_ms);
	else
		finish(sg, FETCH_RESULT_TIMEOUT);
}

/* ---- bytes ---- */

/* One slice; 0, HTTP_DATA_PAUSE or -errno. */
static int send_slice(struct sim_get *sg, uint64_t len)
{
	uint64_t all, from = sg->get->offset + sg->sent;
	const uint8_t *bytes = bytes_of(sg, &all);
	uint8_t *copy = malloc(len);	/* so that reading too far is seen */
	int err;

	SIM_CHECK(copy && from + len <= all);
	memcpy(copy, bytes + from, len);
	if (sg->plan.flip >= sg->sent && sg->plan.flip - sg->sent < len)
		copy[sg->plan.flip - sg->sent] ^= 0x55;
	in_data = true;
	err = sg->get->data(sg->get, copy, len);
	in_data = false;
	free(copy);
	if (err)
		return err;
	sg->sent += len;
	sg->window_bytes += len;
	any_heard_ms = sim_now_ms();
	if (sg->object >= 0)
		heard_ms[sg->object] = any_heard_ms;
	return 0;
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* All that comes has come. */
static void end(struct sim_get *sg)
{
	const struct http_get *get = sg->get;
	uint64_t expected = get->length ? get->length :
			    get->size != UINT64_MAX ? get->size - get->offset :
						      sg->sent;

	if (sg->plan.stalls)
		return;		/* until its limit */
	if (sg->plan.result != FETCH_RESULT_OK)
		finish(sg, sg->plan.result);
	else if (sg->sent < expected)
		finish(sg, FETCH_RESULT_SHORT);
	else
		finish(sg, FETCH_RESULT_OK);
}

static void stream(struct sim_get *sg)
{
	const struct http_get *get = sg->get;
	uint64_t most = get->size == UINT64_MAX ? get->max_size : UINT64_MAX;
	uint64_t target = least(answer_len(sg), sg->plan.bytes);
	uint64_t burst = sg->plan.burst;

	while (sg->sent < target && burst) {
		uint64_t len = least(least(target - sg->sent, burst), SLICE_LEN);
		int err;

		if (len > most - sg->sent) {
			finish(sg, FETCH_RESULT_BAD_SIZE);
			return;
		}
		err = send_slice(sg, len);
		if (err == HTTP_DATA_PAUSE) {
			sim_trace("get %s pauses", name_of(sg));
			sg->paused = true;
			return;
		}
		if (err < 0) {
			finish(sg, FETCH_RESULT_LOCAL);
			return;
		}
		burst -= len;
	}
	if (sg->sent == target)
		end(sg);
	else
		sim_event_start(&sg->next, sg->plan.slice_ms);
}

static void next_fire(struct sim_event *event)
{
	struct sim_get *sg = container_of(event, struct sim_get, next);

	if (sg->broken) {
		finish(sg, FETCH_RESULT_LOCAL);
		return;
	}
	if (!sg->streams) {
		sg->streams = true;
		sg->first_byte_ms = sim_now_ms() - sg->started_ms;
		start_limit(sg, sim.config.stall_ms);
	}
	stream(sg);
}

/* ---- as the engine calls it ---- */

/* Does a GET ask for what another one of the same thing is bringing? */
static void check_alone(const struct sim_get *sg)
{
	const struct sim_get *other;
	unsigned int n = 0;

	LIST_FOREACH(other, &gets, entry) {
		const struct http_get *a = sg->get, *b = other->get;

		if (sg == other || sg->object < 0 || sg->object != other->object)
			continue;
		if (!a->length && !b->length)
			n++;
		if (a->length && b->length && sg->folder == other->folder &&
		    a->offset < b->offset + b->length &&
		    b->offset < a->offset + a->length)
			sim_fail("o%d: the same part is asked for twice",
				 sg->object);
	}
	if (n > 1)
		sim_fail("o%d: %u GETs at once", sg->object, n + 1);
}

static int start(void *context, struct http_get *get)
{
	struct sim_get *sg = calloc(1, sizeof(*sg));
	uint64_t size = get->size == UINT64_MAX ? get->max_size : get->size;

	(void)context;
	SIM_CHECK(sg && !in_data);
	SIM_CHECK(sim.phase < SIM_STOPPING);
	sg->get = get;
	parse(sg, get->url);
	sg->plan = sim_mirrors_plan(sg->mirror, sg->folder, sg->object, get);
	sg->started_ms = sim_now_ms();
	sg->ends_ms = sg->started_ms + sim.config.object_ms +
		      size / sim.config.object_rate * 1000;
	sg->next.fire = next_fire;
	sg->limit.fire = limit_fire;
	sim_trace("get %s from %llu, %llu bytes", name_of(sg),
		  (unsigned long long)get->offset,
		  (unsigned long long)get->length);
	if (sg->plan.first_ms != UINT64_MAX)
		sim_event_start(&sg->next, sg->plan.first_ms);
	start_limit(sg, sim.config.first_byte_ms);
	LIST_INSERT_HEAD(&gets, sg, entry);
	check_alone(sg);
	return 0;
}

static struct sim_get *find(const struct http_get *get)
{
	struct sim_get *sg;

	LIST_FOREACH(sg, &gets, entry)
		if (sg->get == get)
			return sg;
	return NULL;
}

static void resume(void *context, struct http_get *get)
{
	struct sim_get *sg = find(get);
	uint64_t left;
	int err;

	(void)context;
	if (!sg || !sg->paused)
		return;
	sg->paused = false;
	start_limit(sg, sim.config.stall_ms);
	/* libcurl hands over at once what it had to keep. */
	left = least(answer_len(sg), sg->plan.bytes) - sg->sent;
	err = send_slice(sg, least(left, SLICE_LEN));
	if (err == HTTP_DATA_PAUSE) {
		sg->paused = true;
		return;
	}
	sg->broken = err < 0;
	sim_event_start(&sg->next, 0);
}

static void cancel(void *context, struct http_get *get)
{
	struct sim_get *sg = find(get);

	(void)context;
	SIM_CHECK(!in_data);
	SIM_CHECK(sg);
	sim_trace("get %s is cancelled", name_of(sg));
	forget(sg);
}

static const struct fetch_transport transport = {
	.start = start,
	.resume = resume,
	.cancel = cancel,
};

void sim_transport_use(struct fetcher *fetcher)
{
	fetcher_set_transport(fetcher, &transport, NULL);
}

void sim_transport_reset(void)
{
	SIM_CHECK(LIST_EMPTY(&gets));
	memset(heard_ms, 0, sizeof(heard_ms));
	any_heard_ms = 0;
}

unsigned int sim_gets_active(void)
{
	const struct sim_get *sg;
	unsigned int n = 0;

	LIST_FOREACH(sg, &gets, entry)
		n++;
	return n;
}

uint64_t sim_object_heard_ms(int i)
{
	return heard_ms[i];
}

uint64_t sim_any_heard_ms(void)
{
	return any_heard_ms;
}

bool sim_object_streams(int i)
{
	const struct sim_get *sg;

	LIST_FOREACH(sg, &gets, entry)
		if (sg->object == i && sg->sent)
			return true;
	return false;
}
