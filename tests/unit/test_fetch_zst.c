// SPDX-License-Identifier: GPL-2.0-or-later
/* Compressed objects: asked for where they are offered, and never trusted. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "cache/verity/hash.h"
#include "fetcher/ingest/chunks.h"
#include "fetcher/mirror/mirrors.h"
#include "fetcher/ingest/zstd.h"
#include "tests/unit/fetch_rig.h"
#include "tests/unit/test.h"

static bool asks_for(const struct http_get *get, const char *folder)
{
	return strstr(get->url, folder) != NULL;
}

static struct object compressed(const void *data, size_t len)
{
	struct object z = { .len = ZSTD_compressBound(len) };

	z.data = malloc(z.len);
	CHECK(z.data);
	z.len = ZSTD_compress(z.data, z.len, data, len, 1);
	CHECK(!ZSTD_isError(z.len));
	return z;
}

/* Bytes that compress to a few, but for the first ones. */
static struct object make_text(size_t len)
{
	struct object o = make_object(len, 7);
	struct object same;

	memset(o.data + len / 8, 'x', len - len / 8);
	same = o;
	CHECK_EQ(cfs_verity_hash_buffer(o.data, len, &same.digest), 0);
	return same;
}

static void finish_plain(struct reader *r, const struct object *o)
{
	spin_until_gets(1);
	CHECK(asks_for(rig.gets[0], "/objects/"));
	send_bytes(rig.gets[0], o, 0, o->len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	CHECK_EQ(r->calls, 1);
	CHECK_EQ(r->err, 0);
	check_stored(o, true);
}

/* From one block to many times what there is memory for. */
static void test_compressed_object_arrives(void)
{
	static const size_t sizes[] = { 4096, CHUNK_LEN, 40 * CHUNK_LEN + 5,
					300 * CHUNK_LEN };

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct object o = make_text(sizes[i]);
		struct object z = compressed(o.data, o.len);
		struct reader r;

		start_offered(1, "zst");
		ask(&r, &o, FETCH_DEMAND);
		spin_until_gets(1);
		CHECK(asks_for(rig.gets[0], "/zst/"));
		CHECK(rig.gets[0]->max_size <= o.len);
		send_bytes(rig.gets[0], &z, 0, z.len);
		end_get(rig.gets[0], FETCH_RESULT_OK);
		while (!r.calls)
			spin(1);
		CHECK_EQ(r.err, 0);
		check_stored(&o, true);
		CHECK_EQ(fetcher_stats(rig.fetcher)->expanded, 1);
		CHECK_EQ(rig.n_bad_digest, 0);
		teardown();
		free(o.data);
		free(z.data);
	}
}

/* What is small, or not offered, is fetched as it is. */
static void test_not_asked_for_in_vain(void)
{
	struct object small = make_object(4095, 1), large = make_text(100000);
	struct reader r;

	start_offered(1, "zst");
	ask(&r, &small, FETCH_DEMAND);
	finish_plain(&r, &small);
	teardown();
	setup(1);
	start();
	ask(&r, &large, FETCH_DEMAND);
	finish_plain(&r, &large);
	teardown();
	free(small.data);
	free(large.data);
}

/* Not every object is there compressed: that is no fault, and asked once. */
static void test_missing_is_no_fault(void)
{
	struct object o = make_text(100000);
	struct reader r;

	start_offered(1, "zst");
	ask(&r, &o, FETCH_DEMAND);
	spin_until_gets(1);
	CHECK(asks_for(rig.gets[0], "/zst/"));
	end_get(rig.gets[0], FETCH_RESULT_MISSING);
	finish_plain(&r, &o);
	CHECK_EQ(mirrors_stats(fetcher_mirrors(rig.fetcher), 0)
			 ->results[FETCH_RESULT_BAD_DIGEST], 0);
	teardown();
	free(o.data);
}

/* Each is wrong in another way; the object itself comes from the same mirror. */
static void test_wrong_bytes(void)
{
	struct object o = make_text(200000), other = make_text(200000);
	struct object zero = { .len = 300000, .data = calloc(1, 300000) };
	struct object good = compressed(o.data, o.len), cut = good;
	struct object bomb, wrong, noise = make_object(5000, 3);
	struct object *const bad[] = { &bomb, &wrong, &noise, &cut };
	struct reader r;

	CHECK(zero.data);
	bomb = compressed(zero.data, zero.len);
	other.data[3] ^= 1;
	wrong = compressed(other.data, other.len);
	cut.len -= 10;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct http_get *get;
		int err;

		fprintf(stderr, "  %zu\n", i);
		start_offered(1, "zst");
		ask(&r, &o, FETCH_DEMAND);
		spin_until_gets(1);
		get = rig.gets[0];
		CHECK(asks_for(get, "/zst/"));
		while ((err = get->data(get, bad[i]->data, bad[i]->len)) ==
		       HTTP_DATA_PAUSE)
			spin(1);
		end_get(get, err < 0 ? FETCH_RESULT_LOCAL : FETCH_RESULT_OK);
		check_stored(&o, false);
		finish_plain(&r, &o);
		CHECK(mirrors_stats(fetcher_mirrors(rig.fetcher), 0)
			      ->results[FETCH_RESULT_BAD_DIGEST] > 0);
		teardown();
	}
	free(o.data);
	free(other.data);
	free(zero.data);
	free(good.data);
	free(bomb.data);
	free(wrong.data);
	free(noise.data);
}

/* Half of it is kept; the rest comes as it is. */
static void test_broken_off(void)
{
	struct object o = make_object(4 << 20, 9);
	struct object z = compressed(o.data, o.len);
	struct reader r;

	start_offered(1, "zst");
	ask(&r, &o, FETCH_DEMAND);
	spin_until_gets(1);
	send_bytes(rig.gets[0], &z, 0, z.len / 2);
	end_get(rig.gets[0], FETCH_RESULT_SHORT);
	spin_until_gets(1);
	CHECK(asks_for(rig.gets[0], "/objects/"));
	CHECK(rig.gets[0]->offset > (1 << 20));
	send_bytes(rig.gets[0], &o, rig.gets[0]->offset, o.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	CHECK_EQ(r.err, 0);
	check_stored(&o, true);
	teardown();
	free(o.data);
	free(z.data);
}

/* Nobody waits any more, wherever it is. */
static void test_cancelled(void)
{
	struct object o = make_text(300 * CHUNK_LEN);
	struct object z = compressed(o.data, o.len);
	struct reader r;

	start_offered(1, "zst");
	ask(&r, &o, FETCH_DEMAND);
	spin_until_gets(1);
	CHECK(rig.gets[0]->data(rig.gets[0], z.data, z.len) == 0);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	fetch_leave(rig.fetcher, &r.waiter);
	spin(10);
	check_stored(&o, false);
	teardown();
	free(o.data);
	free(z.data);
}

struct sink {
	size_t room, len;
};

static int take(void *context, const uint8_t *data, size_t len,
		size_t *ret_taken)
{
	struct sink *sink = context;

	(void)data;
	*ret_taken = len < sink->room ? len : sink->room;
	sink->room -= *ret_taken;
	sink->len += *ret_taken;
	return *ret_taken < len ? ZST_FULL : 0;
}

/* However little the sink takes at a time, all comes out, and no more. */
static void test_stream_stops_and_goes_on(void)
{
	struct object o = make_text(500000);
	struct object z = compressed(o.data, o.len);
	struct sink sink = { 0 };
	struct zst_stream *stream;
	size_t at = 0, taken;
	int err;

	CHECK_EQ(zst_stream_new(&stream), 0);
	zst_stream_begin(stream, o.len, take, &sink);
	do {
		sink.room = 777;
		err = zst_stream_add(stream, z.data + at, z.len - at, &taken);
		CHECK(err >= 0);
		at += taken;
	} while (err == ZST_FULL);
	CHECK(zst_stream_complete(stream));
	CHECK_EQ(sink.len, o.len);
	CHECK_EQ(at, z.len);

	sink = (struct sink){ .room = SIZE_MAX };
	zst_stream_begin(stream, o.len - 1, take, &sink);
	CHECK_EQ(zst_stream_add(stream, z.data, z.len, &taken), -EBADMSG);
	CHECK(sink.len < o.len);
	zst_stream_free(stream);
	free(o.data);
	free(z.data);
}

RUN_TESTS(T(test_compressed_object_arrives), T(test_not_asked_for_in_vain),
	  T(test_missing_is_no_fault), T(test_wrong_bytes), T(test_broken_off),
	  T(test_cancelled), T(test_stream_stops_and_goes_on))
