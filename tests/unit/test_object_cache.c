// SPDX-License-Identifier: GPL-2.0-or-later
/* Test server/object_cache.c: what is remembered, and within which limits. */
#include "server/object_cache.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/test.h"

static struct cfs_digest digest_of(uint32_t n)
{
	struct cfs_digest digest = { 0 };

	memcpy(digest.bytes, &n, sizeof(n));
	return digest;
}

static int any_fd(void)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	CHECK(fd >= 0);
	return fd;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

/* Put a small object in and drop the reference; false if there was no room. */
static bool add_small(struct object_cache *cache, uint32_t n, size_t size)
{
	struct object *object = object_new(any_fd(), size);
	struct cfs_digest digest = digest_of(n);
	bool fits;

	CHECK(object);
	fits = object_reserve(cache, object);
	if (fits) {
		memset(object->data, (int)n, size);
		object_loaded(object);
		object_cache_add(cache, object, &digest, 0);
	}
	object_unref(cache, object);
	return fits;
}

static bool has(struct object_cache *cache, uint32_t n, int64_t now_ms)
{
	struct cfs_digest digest = digest_of(n);
	struct object *object = object_cache_get(cache, &digest, now_ms);

	if (object && object->data)
		CHECK_EQ(object->data[0], (char)n);
	object_unref(cache, object);
	return object;
}

static void test_what_was_put_in_comes_out(void)
{
	struct object_cache *cache = object_cache_new(10000, 4);

	CHECK(!has(cache, 1, 0));
	CHECK(add_small(cache, 1, 100));
	CHECK(has(cache, 1, 0));
	CHECK(!has(cache, 2, 0));
	object_cache_free(cache);
	object_cache_free(NULL);
}

static void test_the_least_recently_used_goes_first(void)
{
	struct object_cache *cache = object_cache_new(300, 4);

	CHECK(add_small(cache, 1, 100));
	CHECK(add_small(cache, 2, 100));
	CHECK(add_small(cache, 3, 100));
	CHECK(has(cache, 1, 0));
	CHECK(add_small(cache, 4, 100));
	CHECK(has(cache, 1, 0));
	CHECK(!has(cache, 2, 0));
	CHECK(has(cache, 3, 0));
	CHECK(has(cache, 4, 0));
	object_cache_free(cache);
}

/* Bytes in use can't be given away, so the limit holds by refusing. */
static void test_what_is_in_use_counts_and_stays(void)
{
	struct object_cache *cache = object_cache_new(250, 4);
	struct cfs_digest digest = digest_of(1);
	struct object *held;

	CHECK(add_small(cache, 1, 200));
	held = object_cache_get(cache, &digest, 0);
	CHECK(held);
	CHECK(!add_small(cache, 2, 100));
	CHECK(add_small(cache, 3, 50));
	CHECK_EQ(held->data[199], 1);
	object_unref(cache, held);
	CHECK(add_small(cache, 2, 100));
	CHECK(!has(cache, 1, 0));
	object_cache_free(cache);
}

static void test_large_ones_are_not_loaded(void)
{
	struct object_cache *cache = object_cache_new(1 << 30, 4);
	struct object *object = object_new(any_fd(), OBJECT_LOAD_MAX + 1);

	CHECK(!object_reserve(cache, object));
	object_unref(cache, object);
	CHECK(!add_small(cache, 1, OBJECT_LOAD_MAX + 1));
	CHECK(add_small(cache, 1, OBJECT_LOAD_MAX));
	object_cache_free(cache);
}

static void test_descriptors_are_limited_and_closed(void)
{
	struct object_cache *cache = object_cache_new(0, 2);
	int fds[3];
	uint32_t i;

	for (i = 0; i < 3; i++) {
		struct object *object;
		struct cfs_digest digest = digest_of(i);

		fds[i] = any_fd();
		object = object_new(fds[i], 1 << 20);
		object_cache_add(cache, object, &digest, 0);
		object_unref(cache, object);
	}
	CHECK(!is_open(fds[0]));
	CHECK(is_open(fds[1]));
	CHECK(is_open(fds[2]));
	object_cache_shrink(cache);
	CHECK(!is_open(fds[1]));
	CHECK(!is_open(fds[2]));
	object_cache_free(cache);
}

static void test_the_old_are_opened_anew(void)
{
	struct object_cache *cache = object_cache_new(1000, 4);

	CHECK(add_small(cache, 1, 100));
	CHECK(has(cache, 1, OBJECT_CACHE_MS));
	CHECK(!has(cache, 1, OBJECT_CACHE_MS + 1));
	CHECK(add_small(cache, 1, 100));
	object_cache_free(cache);
}

static void test_the_first_of_two_equal_ones_stays(void)
{
	struct object_cache *cache = object_cache_new(1000, 4);
	struct cfs_digest digest = digest_of(1);
	struct object *first, *again;

	CHECK(add_small(cache, 1, 100));
	first = object_cache_get(cache, &digest, 0);
	CHECK(add_small(cache, 1, 100));
	again = object_cache_get(cache, &digest, 0);
	CHECK(first == again);
	object_unref(cache, first);
	object_unref(cache, again);
	object_cache_free(cache);
}

/* Random use against the one rule: never more bytes than allowed. */
static void test_random_use(void)
{
	struct object_cache *cache = object_cache_new(5000, 8);
	struct object *held[16] = { NULL };
	unsigned int seed = 1, i;

	for (i = 0; i < 200000; i++) {
		uint32_t n = (uint32_t)rand_r(&seed) % 64;
		unsigned int slot = (unsigned int)rand_r(&seed) % 16;
		struct cfs_digest digest = digest_of(n);
		size_t bytes = 0;
		unsigned int j, k;

		object_unref(cache, held[slot]);
		held[slot] = object_cache_get(cache, &digest, i);
		if (!held[slot])
			add_small(cache, n, 1 + (size_t)rand_r(&seed) % 1000);
		for (j = 0; j < 16; j++) {
			for (k = 0; k < j; k++)
				if (held[k] == held[j])
					break;
			if (k == j && held[j])
				bytes += held[j]->size;
		}
		CHECK(bytes <= 5000);
	}
	for (i = 0; i < 16; i++)
		object_unref(cache, held[i]);
	object_cache_free(cache);
}

RUN_TESTS(T(test_what_was_put_in_comes_out),
	  T(test_the_least_recently_used_goes_first),
	  T(test_what_is_in_use_counts_and_stays),
	  T(test_large_ones_are_not_loaded),
	  T(test_descriptors_are_limited_and_closed),
	  T(test_the_old_are_opened_anew),
	  T(test_the_first_of_two_equal_ones_stays), T(test_random_use))
