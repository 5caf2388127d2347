// SPDX-License-Identifier: GPL-2.0-or-later
/* Test cache/store/partial.c: what stays, what is believed of it, what is swept. */
#include "cache/store/partial.h"

#include <errno.h>
#include <string.h>

#include "cache/base/full_io.h"
#include "cache/base/sparse_bits.h"
#include "cache/store/layout.h"
#include "cache/verity/tree.h"
#include "tests/unit/store_dir.h"

#define BLOCK	4096
#define SIZE	((size_t)200 * BLOCK + 77)

static uint8_t data[SIZE];
static uint8_t tree_bytes[3 * BLOCK];
static struct cfs_digest digest;
static struct cfs_verity_tree tree;

static void test_setup(void)
{
	struct store_dir dir = store_dir_new();
	int fd, tree_fd;

	for (size_t i = 0; i < SIZE; i++)
		data[i] = (uint8_t)(i * 7 + i / BLOCK);
	digest = digest_of(data, SIZE);
	cfs_verity_tree_init(&tree, SIZE);
	CHECK_EQ(tree.n_blocks, 3);
	fd = stage_bytes(dir.store, data, SIZE);
	tree_fd = stage_bytes(dir.store, "", 0);
	CHECK_EQ(cfs_verity_tree_write(fd, SIZE, &digest, tree_fd), 0);
	CHECK_EQ(full_pread(tree_fd, tree_bytes, sizeof(tree_bytes), 0), 0);
	cfs_object_discard(dir.store, fd);
	cfs_object_discard(dir.store, tree_fd);
	store_dir_free(&dir);
}

static struct cfs_partial begin(struct store_dir *dir)
{
	struct cfs_partial partial;

	CHECK_EQ(cfs_partial_open(dir->store, &digest, SIZE, true, &partial), 0);
	return partial;
}

static void put(const struct cfs_partial *partial, size_t from, size_t to)
{
	CHECK_EQ(full_pwrite(partial->data_fd, data + from, to - from, from), 0);
}

/* How many blocks of the object are found right? */
static size_t recheck(const struct cfs_partial *partial, struct sparse_bits *ret)
{
	struct sparse_bits nodes, bits;
	struct cfs_verity_hash *hash;
	size_t n;

	sparse_bits_init(&nodes, tree.n_blocks);
	sparse_bits_init(&bits, tree.n_data);
	CHECK_EQ(cfs_verity_hash_new(&hash), 0);
	CHECK_EQ(cfs_partial_recheck(partial, &digest, &tree, hash, &nodes,
				     &bits), 0);
	n = bits.n_set;
	cfs_verity_hash_free(hash);
	sparse_bits_free(&nodes);
	if (ret)
		*ret = bits;
	else
		sparse_bits_free(&bits);
	return n;
}

/* Only what has its hash counts, and only below what has its hash. */
static void test_what_is_believed(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_partial partial = begin(&dir);
	struct sparse_bits bits;

	CHECK(partial.named);
	put(&partial, 0, 3 * BLOCK);
	put(&partial, 150 * BLOCK, SIZE);
	CHECK_EQ(recheck(&partial, NULL), 0);
	CHECK_EQ(full_pwrite(partial.tree_fd, tree_bytes, sizeof(tree_bytes), 0),
		 0);
	cfs_partial_close(dir.store, &partial);

	partial = begin(&dir);
	CHECK_EQ(recheck(&partial, NULL), 3 + 51);
	CHECK_EQ(full_pwrite(partial.data_fd, "x", 1, BLOCK + 5), 0);
	CHECK_EQ(recheck(&partial, &bits), 2 + 51);
	CHECK(sparse_bits_test(&bits, 0) && !sparse_bits_test(&bits, 1));
	sparse_bits_free(&bits);
	/* The second leaf is wrong: nothing below it is believed. */
	CHECK_EQ(full_pwrite(partial.tree_fd, "x", 1, 2 * BLOCK + 5), 0);
	CHECK_EQ(recheck(&partial, NULL), 2);
	CHECK_EQ(full_pwrite(partial.tree_fd, "x", 1, 5), 0);
	CHECK_EQ(recheck(&partial, NULL), 0);
	CHECK_EQ(ftruncate(partial.tree_fd, 100), 0);
	CHECK_EQ(recheck(&partial, NULL), 0);
	cfs_partial_close(dir.store, &partial);
	store_dir_free(&dir);
}

static void test_one_has_it_at_a_time(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_partial one = begin(&dir), two = begin(&dir);

	CHECK(one.named && !two.named);
	put(&two, 0, SIZE);
	CHECK_EQ(cfs_partial_publish(dir.store, &two, &digest), 0);
	CHECK_EQ(cfs_store_check(dir.store, &digest, SIZE), 0);
	cfs_partial_close(dir.store, &two);
	cfs_partial_close(dir.store, &one);
	CHECK_EQ(count_entries(dir.path, "/partial"), 2);
	store_dir_free(&dir);
}

static void check_publish(bool tmpfile)
{
	struct store_dir dir = store_dir_new();
	struct cfs_partial partial;
	uint8_t *read = malloc(SIZE);

	if (!tmpfile)
		dir.store->tmpfile = false;
	partial = begin(&dir);
	put(&partial, BLOCK, SIZE);
	put(&partial, 0, BLOCK);
	CHECK_EQ(cfs_partial_publish(dir.store, &partial, &digest), 0);
	CHECK_EQ(partial.data_fd, -1);
	CHECK_EQ(full_pread(partial.read_fd, read, SIZE, 0), 0);
	CHECK(memcmp(read, data, SIZE) == 0);
	CHECK_EQ(cfs_store_check(dir.store, &digest, SIZE), 0);
	CHECK_EQ(count_entries(dir.path, "/partial"), 0);
	CHECK_EQ(count_entries(dir.path, "/objects"), 2);
	cfs_partial_close(dir.store, &partial);
	free(read);
	store_dir_free(&dir);
}

static void test_publish(void)
{
	check_publish(true);
	check_publish(false);
}

/* Killed between the object's name and the end of its old one: not written to. */
static void test_left_over_name_of_an_object(void)
{
	char part[512], object[512], hex[CFS_DIGEST_HEX_LEN + 1];
	struct store_dir dir = store_dir_new();
	struct cfs_partial partial = begin(&dir);
	struct cfs_digest published;
	struct stat st;

	cfs_partial_close(dir.store, &partial);
	CHECK_EQ(publish_bytes(dir.store, data, SIZE, &published), 0);
	object_path(&dir, &digest, object);
	cfs_digest_format(&digest, hex);
	snprintf(part, sizeof(part), "%s/partial/%s.data", dir.path, hex);
	CHECK_EQ(unlink(part), 0);
	CHECK_EQ(link(object, part), 0);
	partial = begin(&dir);
	CHECK(partial.named);
	CHECK_EQ(full_pwrite(partial.data_fd, "x", 1, 0), 0);
	cfs_partial_close(dir.store, &partial);
	CHECK_EQ(stat(object, &st), 0);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(object_check_bytes(dir.store, &digest, SIZE), 0);
	store_dir_free(&dir);
}

static uint64_t missing;

static bool needed(void *context, const struct cfs_digest *which,
		   uint64_t n_missing)
{
	CHECK(cfs_digest_equal(which, &digest));
	missing = n_missing;
	return *(bool *)context;
}

static void test_sweep(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_partial partial = begin(&dir);
	bool yes = true, no = false;
	uint64_t bytes = 0;

	put(&partial, 0, SIZE);
	CHECK_EQ(cfs_partial_sweep(dir.store, needed, &no, false, &bytes), 0);
	CHECK_EQ(count_entries(dir.path, "/partial"), 2);	/* in use */
	CHECK(cfs_partial_in_use(dir.store, &digest));
	CHECK_EQ(cfs_partial_evict(dir.store, &digest, &bytes), 0);
	CHECK_EQ(bytes, 0);
	cfs_partial_close(dir.store, &partial);
	CHECK(!cfs_partial_in_use(dir.store, &digest));
	CHECK_EQ(cfs_partial_sweep(dir.store, needed, &yes, false, &bytes), 0);
	CHECK_EQ(bytes, 0);
	CHECK_EQ(cfs_partial_sweep(dir.store, needed, &no, true, &bytes), 0);
	CHECK_EQ(count_entries(dir.path, "/partial"), 2);	/* dry run */
	CHECK(bytes >= SIZE);
	CHECK(cfs_partial_exists(dir.store, &digest));
	CHECK_EQ(cfs_partial_sweep(dir.store, needed, &no, false, &bytes), 0);
	CHECK_EQ(count_entries(dir.path, "/partial"), 0);
	CHECK(!cfs_partial_exists(dir.store, &digest));
	store_dir_free(&dir);
}

/* How much is missing, and that what is not in use can go at any time. */
static void test_evict(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_partial partial = begin(&dir);
	char path[256], hex[CFS_DIGEST_HEX_LEN + 1];
	struct cfs_digest parsed;
	bool yes = true;
	uint64_t bytes = 0;

	put(&partial, 0, 100 * BLOCK);
	cfs_partial_close(dir.store, &partial);
	CHECK_EQ(cfs_partial_sweep(dir.store, needed, &yes, false, &bytes), 0);
	CHECK_EQ(missing, SIZE - 100 * BLOCK);
	CHECK_EQ(cfs_partial_evict(dir.store, &digest, &bytes), 0);
	CHECK_EQ(bytes, 100 * BLOCK);
	CHECK_EQ(count_entries(dir.path, "/partial"), 0);
	CHECK_EQ(cfs_partial_evict(dir.store, &digest, &bytes), 0);

	cfs_digest_format(&digest, hex);
	snprintf(path, sizeof(path), "partial/%s.data", hex);
	CHECK(cfs_partial_parse(path, &parsed));
	CHECK(cfs_digest_equal(&parsed, &digest));
	CHECK(!cfs_partial_parse(path + 1, &parsed));
	path[20] = 'x';
	CHECK(!cfs_partial_parse(path, &parsed));
	store_dir_free(&dir);
}

RUN_TESTS(
	T(test_setup),
	T(test_what_is_believed),
	T(test_one_has_it_at_a_time),
	T(test_publish),
	T(test_left_over_name_of_an_object),
	T(test_sweep),
	T(test_evict))
