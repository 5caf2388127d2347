// SPDX-License-Identifier: GPL-2.0-or-later
/* The engine on a transport that a test drives by hand. */
#include "tests/unit/fetch_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/container_of.h"
#include "cache/verity/hash.h"
#include "fetcher/engine/state.h"
#include "fetcher/mirror/offers.h"
#include "tests/unit/test.h"

struct rig rig;

static void forget_get(struct http_get *get)
{
	size_t i;

	for (i = 0; i < rig.n_gets && rig.gets[i] != get; i++)
		;
	CHECK(i < rig.n_gets);
	for (rig.n_gets--; i < rig.n_gets; i++)
		rig.gets[i] = rig.gets[i + 1];
}

static int start_get(void *context, struct http_get *get)
{
	(void)context;
	CHECK(rig.n_gets < MAX_GETS);
	rig.gets[rig.n_gets++] = get;
	rig.n_started++;
	if (rig.n_gets > rig.most_gets)
		rig.most_gets = rig.n_gets;
	return 0;
}

static void resume_get(void *context, struct http_get *get)
{
	(void)context;
	(void)get;
	rig.n_resumed++;
}

static void cancel_get(void *context, struct http_get *get)
{
	(void)context;
	forget_get(get);
	rig.n_cancelled++;
}

static const struct fetch_transport transport = {
	.start = start_get,
	.resume = resume_get,
	.cancel = cancel_get,
};

void end_get(struct http_get *get, enum fetch_result result)
{
	struct http_answer answer = { .result = result, .first_byte_ms = 1 };

	forget_get(get);
	get->done(get, &answer);
}

static void on_event(void *context, const struct fetch_event *event)
{
	(void)context;
	rig.n_final += event->final;
	rig.n_bad_digest += event->result == FETCH_RESULT_BAD_DIGEST;
}

static void stop_spinning(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(rig.loop);
}

void spin(unsigned int ms)
{
	struct loop_timer timer = { .expired = stop_spinning };

	loop_timer_start(rig.loop, &timer, ms);
	CHECK_EQ(loop_run(rig.loop), 0);
	loop_timer_stop(rig.loop, &timer);
}

void spin_until_sealed(void)
{
	while (fetcher_stats(rig.fetcher)->sealing)
		spin(1);
}

void spin_until_gets(size_t n)
{
	while (rig.n_gets < n)
		spin(1);
}

void setup(size_t n_mirrors)
{
	size_t i;

	/* Thousands of objects: not through a disk, if that can be helped. */
	rig = (struct rig){ .path = "/dev/shm/test_fetch.XXXXXX" };
	if (access("/dev/shm", W_OK) < 0)
		strcpy(rig.path, "/tmp/test_fetch.XXXXXX");
	CHECK(mkdtemp(rig.path));
	CHECK_EQ(loop_new(0, 2, &rig.loop), 0);
	CHECK_EQ(cfs_store_open(rig.path, CFS_STORE_CREATE, &rig.store), 0);
	fetch_config_init(&rig.config);
	rig.config.max_transfers = 8;
	/* A test that is slow must not look like a mirror that is. */
	rig.config.no_hedge = true;
	for (i = 0; i < n_mirrors; i++) {
		char url[64];

		snprintf(url, sizeof(url), "http://mirror%zu", i);
		CHECK_EQ(fetch_config_add_mirror(&rig.config, url), 0);
	}
}

void rig_use_transport(void)
{
	fetcher_set_transport(rig.fetcher, &transport, NULL);
}

void start(void)
{
	CHECK_EQ(fetcher_new(rig.loop, rig.store, &rig.config, on_event, NULL,
			     &rig.fetcher), 0);
	fetcher_set_transport(rig.fetcher, &transport, NULL);
}

void start_offered(size_t n_mirrors, const char *what)
{
	char text[64];
	int len = snprintf(text, sizeof(text), "composefs-mirror 1\n%s\n", what);

	setup(n_mirrors);
	start();
	fetcher_ask_for_offers(rig.fetcher, MIRROR_OFFERS_PATIENT);
	while (rig.n_gets) {
		CHECK_EQ(rig.gets[0]->data(rig.gets[0], text, (size_t)len), 0);
		end_get(rig.gets[0], FETCH_RESULT_OK);
	}
}

void rig_stopped(void *context)
{
	*(bool *)context = true;
	loop_stop(rig.loop);
}

void teardown(void)
{
	char command[128];
	bool stopped = false;

	fetcher_stop(rig.fetcher, rig_stopped, &stopped);
	CHECK_EQ(loop_run(rig.loop), 0);
	CHECK(stopped);
	CHECK_EQ(rig.n_gets, 0);
	CHECK_EQ(fetcher_stats(rig.fetcher)->waiters, 0);
	CHECK_EQ(fetcher_stats(rig.fetcher)->queued, 0);
	CHECK_EQ(fetcher_stats(rig.fetcher)->in_flight, 0);
	fetcher_free(rig.fetcher);
	loop_free(rig.loop);
	cfs_store_close(rig.store);
	fetch_config_free(&rig.config);
	snprintf(command, sizeof(command), "rm -rf %s", rig.path);
	CHECK_EQ(system(command), 0);
}

/* Bytes that differ everywhere, and from seed to seed. */
static void fill(uint8_t *data, size_t len, uint32_t seed)
{
	size_t i;

	for (i = 0; i < len; i++) {
		seed = seed * 1664525 + 1013904223;
		data[i] = seed >> 24;
	}
}

struct object make_object(size_t len, uint32_t seed)
{
	struct object o = { .len = len, .data = malloc(len + 1) };

	CHECK(o.data);
	fill(o.data, len, seed);
	CHECK_EQ(cfs_verity_hash_buffer(o.data, len, &o.digest), 0);
	return o;
}

void read_done(struct fetch_waiter *waiter, int err)
{
	struct reader *r = container_of(waiter, struct reader, waiter);

	r->calls++;
	r->err = err;
}

void ask(struct reader *r, const struct object *o, enum fetch_kind kind)
{
	*r = (struct reader){ .waiter.done = read_done };
	CHECK_EQ(fetch_object(rig.fetcher, &o->digest, o->len, kind,
			      &r->waiter), 0);
	CHECK_EQ(r->calls, 0);
}

/* Hand over [from, to) in slices that fit nothing. */
void send_bytes(struct http_get *get, const struct object *o, size_t from,
		       size_t to)
{
	while (from < to) {
		size_t n = to - from < 10007 ? to - from : 10007;
		int err = get->data(get, o->data + from, n);

		if (err == HTTP_DATA_PAUSE) {
			spin(1);
			continue;
		}
		CHECK_EQ(err, 0);
		from += n;
	}
}

void check_stored(const struct object *o, bool there)
{
	int err, fd;
	uint8_t *data;

	err = cfs_store_get(rig.store, &o->digest, &fd);
	if (!there) {
		CHECK_EQ(err, CFS_STORE_MISS);
		return;
	}
	CHECK_EQ(err, 0);
	data = malloc(o->len + 1);
	CHECK(data);
	CHECK_EQ(read(fd, data, o->len + 1), o->len);
	CHECK(memcmp(data, o->data, o->len) == 0);
	free(data);
	close(fd);
}

static bool is_active(const struct http_get *get)
{
	for (size_t i = 0; i < rig.n_gets; i++)
		if (rig.gets[i] == get)
			return true;
	return false;
}

bool hand_over(struct http_get *get, const uint8_t *data, size_t len)
{
	while (len) {
		size_t n = len < 60000 ? len : 60000;
		int err = get->data(get, data, n);

		if (err == HTTP_DATA_PAUSE) {
			spin(1);
			if (!is_active(get))
				return false;
			continue;
		}
		if (err < 0) {
			end_get(get, FETCH_RESULT_LOCAL);
			return false;
		}
		data += n;
		len -= n;
	}
	return true;
}
