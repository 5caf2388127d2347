// SPDX-License-Identifier: GPL-2.0-or-later
#include <string.h>

#include "fetcher/allow/list.h"
#include "tests/unit/test.h"

static struct cfs_digest digest_of(uint64_t n)
{
	struct cfs_digest digest = { { 0 } };

	/* Spread over the bytes that become the node id. */
	n = (n + 1) * 0x9e3779b97f4a7c15ull;
	memcpy(digest.bytes, &n, sizeof(n));
	return digest;
}

static struct allow_list *new_list(void)
{
	struct allow_list *list;

	CHECK_EQ(allow_list_new(&list), 0);
	return list;
}

/* All that was added is found, with its size; nothing else is. */
static void test_finds_what_was_added(void)
{
	struct allow_list *list = new_list();
	const uint32_t n = 50000;

	for (uint32_t i = 0; i < n; i++) {
		struct cfs_digest digest = digest_of(i);

		CHECK(!allow_list_find(list, &digest));
		CHECK_EQ(allow_list_add(list, &digest, i, i % 3, NULL), 0);
		CHECK_EQ(allow_list_add(list, &digest, i, i % 3, NULL), 0);
	}
	for (uint32_t i = 0; i < 2 * n; i++) {
		struct cfs_digest digest = digest_of(i);
		struct allow_entry *entry = allow_list_find(list, &digest);

		CHECK_EQ(entry != NULL, i < n);
		CHECK(!entry || entry->size == i);
		CHECK(entry == allow_list_find_node(list,
						    allow_list_node(&digest)));
	}
	CHECK_EQ(allow_list_total(list)->objects, n);
	CHECK_EQ(allow_list_total(list)->bytes, (uint64_t)n * (n - 1) / 2);
	allow_list_free(list);
}

/* An object two images name counts once in the total, and in each image. */
static void test_images_share_objects(void)
{
	struct allow_list *list = new_list();
	struct cfs_digest a = digest_of(1), b = digest_of(2);

	CHECK_EQ(allow_list_add(list, &a, 10, 0, NULL), 0);
	CHECK_EQ(allow_list_add(list, &b, 100, 0, NULL), 0);
	allow_list_fetched(list, allow_list_find(list, &b));
	CHECK_EQ(allow_list_add(list, &b, 100, 1, NULL), 0);
	allow_list_fetched(list, allow_list_find(list, &b));
	CHECK_EQ(allow_list_total(list)->objects, 2);
	CHECK_EQ(allow_list_total(list)->bytes, 110);
	CHECK_EQ(allow_list_total(list)->fetched_objects, 1);
	CHECK_EQ(allow_list_image(list, 0)->objects, 2);
	CHECK_EQ(allow_list_image(list, 0)->fetched_bytes, 100);
	CHECK_EQ(allow_list_image(list, 1)->objects, 1);
	CHECK_EQ(allow_list_image(list, 1)->fetched_bytes, 100);
	allow_list_free(list);
}

/* A digest that begins as a listed one is listed beside it, under a node of its own. */
static void test_digests_of_one_beginning(void)
{
	struct allow_list *list = new_list();
	struct cfs_digest first = digest_of(7), twin = first;
	struct allow_entry *entry;
	const int n = 200;

	CHECK_EQ(allow_list_add(list, &first, 7, 0, &entry), 0);
	allow_list_hold(entry);
	for (int i = 0; i < n; i++) {
		twin.bytes[31] = i;
		twin.bytes[8] ^= 1;
		CHECK(!allow_list_find(list, &twin));
		CHECK_EQ(allow_list_add(list, &twin, 1000 + i, 1, &entry), 0);
		CHECK(allow_list_entry_node(list, entry) !=
		      allow_list_node(&twin));
		CHECK(allow_list_find_node(list, allow_list_entry_node(
						 list, entry)) == entry);
	}
	CHECK_EQ(allow_list_total(list)->objects, n + 1);
	CHECK_EQ(allow_list_find(list, &first)->size, 7);
	CHECK_EQ(allow_list_find(list, &twin)->size, 1000 + n - 1);
	/* The first one goes: the others are found all the same. */
	allow_list_clear(list);
	CHECK_EQ(allow_list_add(list, &twin, 5, 1, NULL), 0);
	allow_list_forget(list, allow_list_find(list, &first), 1);
	CHECK(!allow_list_find(list, &first));
	CHECK_EQ(allow_list_find(list, &twin)->size, 5);
	allow_list_free(list);
}

/* In any order of arrival: no claim of one image replaces that of another. */
static void test_contested_sizes_are_none(void)
{
	struct allow_list *list = new_list();
	struct cfs_digest digest = digest_of(7);
	uint64_t sizes[ALLOW_CLAIMS_MAX + 1];
	struct allow_entry *entry;

	CHECK_EQ(allow_list_add(list, &digest, 1, 0, &entry), 0);
	CHECK_EQ(allow_list_sizes(list, entry, sizes), 1);
	CHECK_EQ(sizes[0], 1);
	CHECK_EQ(allow_list_add(list, &digest, 5000, 1, &entry),
		 ALLOW_LIST_CLASH);
	CHECK_EQ(entry->images, 3);
	CHECK(!allow_size_known(entry->size));
	CHECK_EQ(entry->size, ALLOW_SIZE_AT_MOST(5000));
	CHECK_EQ(allow_list_sizes(list, entry, sizes), 2);
	CHECK_EQ(sizes[0] + sizes[1], 5001);
	CHECK_EQ(allow_list_total(list)->bytes, 1);
	allow_list_fetched(list, entry);

	/* The digest has decided: every count is right, and no claim counts. */
	allow_list_settle(list, entry, 5000);
	CHECK_EQ(entry->size, 5000);
	CHECK_EQ(allow_list_total(list)->bytes, 5000);
	CHECK_EQ(allow_list_total(list)->fetched_bytes, 5000);
	CHECK_EQ(allow_list_image(list, 0)->present_bytes, 5000);
	CHECK_EQ(allow_list_image(list, 1)->bytes, 5000);
	CHECK_EQ(allow_list_add(list, &digest, 7, 2, &entry), ALLOW_LIST_CLASH);
	CHECK_EQ(entry->size, 5000);
	CHECK_EQ(allow_list_sizes(list, entry, sizes), 1);
	allow_list_free(list);
}

/* What was fetched with the size that was claimed first is settled, too. */
static void test_what_was_fetched_is_settled(void)
{
	struct allow_list *list = new_list();
	struct cfs_digest digest = digest_of(7);

	CHECK_EQ(allow_list_add(list, &digest, 5000, 0, NULL), 0);
	allow_list_fetched(list, allow_list_find(list, &digest));
	CHECK_EQ(allow_list_add(list, &digest, 1, 1, NULL), ALLOW_LIST_CLASH);
	CHECK_EQ(allow_list_find(list, &digest)->size, 5000);
	allow_list_free(list);
}

/* However many claims: bounded, and absurd ones make no object large. */
static void test_many_claims(void)
{
	struct allow_list *list = new_list();
	struct cfs_digest digest = digest_of(7), other = digest_of(8);
	uint64_t sizes[ALLOW_CLAIMS_MAX + 1];
	size_t n;

	for (uint64_t i = 0; i < 100; i++)
		CHECK(allow_list_add(list, &digest, 100 + i, i % 2, NULL) >= 0);
	CHECK(allow_list_add(list, &digest, (uint64_t)1 << 43, 1, NULL) >= 0);
	CHECK_EQ(allow_list_find(list, &digest)->size, ALLOW_SIZE_AT_MOST(199));
	n = allow_list_sizes(list, allow_list_find(list, &digest), sizes);
	CHECK_EQ(n, ALLOW_CLAIMS_MAX + 1);
	CHECK_EQ(sizes[n - 1], ALLOW_SIZE_UNKNOWN);
	CHECK_EQ(allow_list_total(list)->bytes, 100);

	CHECK(allow_list_add(list, &other, UINT64_MAX - 5, 0, NULL) >= 0);
	CHECK(allow_size_known(allow_list_find(list, &other)->size));
	CHECK(allow_list_add(list, &other, 77, 0, NULL) >= 0);
	CHECK_EQ(allow_list_find(list, &other)->size, ALLOW_SIZE_AT_MOST(77));
	allow_list_free(list);
}

/* What no image names lives exactly as long as the kernel holds its node. */
static void test_unlisted_entries_end_with_forget(void)
{
	struct allow_list *list = new_list();
	const uint32_t n = 3000;

	for (int round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < n; i++) {
			struct cfs_digest digest = digest_of(i);
			struct allow_entry *entry;

			CHECK_EQ(allow_list_add(list, &digest,
						ALLOW_SIZE_UNKNOWN, -1,
						&entry), 0);
			allow_list_hold(entry);
			allow_list_hold(entry);
		}
		/* In another order than they came, so that holes are closed. */
		for (uint32_t i = 0; i < n; i++) {
			struct cfs_digest digest = digest_of(i * 7 % n);
			struct allow_entry *entry =
				allow_list_find(list, &digest);

			CHECK(entry);
			allow_list_forget(list, entry, 1);
			CHECK(allow_list_find(list, &digest));
			allow_list_forget(list, entry, 1);
			CHECK(!allow_list_find(list, &digest));
		}
	}
	CHECK_EQ(allow_list_total(list)->objects, 0);
	allow_list_free(list);
}

/* Clearing leaves only what the kernel holds; adding again counts afresh. */
static void test_clear_keeps_held_nodes(void)
{
	struct allow_list *list = new_list();
	struct cfs_digest held = digest_of(1), idle = digest_of(2);
	struct allow_entry *entry;

	CHECK_EQ(allow_list_add(list, &held, 5, 0, &entry), 0);
	allow_list_hold(entry);
	CHECK_EQ(allow_list_add(list, &idle, 6, 0, NULL), 0);
	allow_list_clear(list);
	CHECK(allow_list_find(list, &held));
	CHECK(!allow_list_find(list, &idle));
	CHECK_EQ(allow_list_total(list)->bytes, 0);
	CHECK_EQ(allow_list_add(list, &held, 5, 3, NULL), 0);
	CHECK_EQ(allow_list_image(list, 3)->objects, 1);
	allow_list_free(list);
}

/* A folder lists its own objects, each once, and no unnamed ones. */
static void test_walk_of_a_folder(void)
{
	struct allow_list *list = new_list();
	uint64_t position;
	size_t seen = 0;

	for (uint32_t i = 0; i < 4096; i++) {
		struct cfs_digest digest = digest_of(i);
		struct allow_entry *entry;

		CHECK_EQ(allow_list_add(list, &digest, 1, i % 2 ? 0 : -1,
					&entry), 0);
		allow_list_hold(entry);
	}
	for (int byte = 0; byte < 256; byte++) {
		const struct allow_entry *entry;

		position = 0;
		while ((entry = allow_list_next(list, byte, &position))) {
			CHECK_EQ(entry->digest.bytes[0], byte);
			seen++;
		}
	}
	CHECK_EQ(seen, 2048);
	allow_list_free(list);
}

RUN_TESTS(T(test_finds_what_was_added), T(test_images_share_objects),
	  T(test_digests_of_one_beginning), T(test_contested_sizes_are_none),
	  T(test_what_was_fetched_is_settled), T(test_many_claims),
	  T(test_unlisted_entries_end_with_forget),
	  T(test_clear_keeps_held_nodes), T(test_walk_of_a_folder))
