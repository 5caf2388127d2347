// SPDX-License-Identifier: GPL-2.0-or-later
/* Test cache/verity/tree.c: the tree against libfsverity's, and hostile ones. */
#include "cache/verity/tree.h"

#include <errno.h>
#include <libfsverity.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cache/base/full_io.h"
#include "cache/verity/hash.h"
#include "tests/unit/test.h"

#define MAX_SIZE	((size_t)129 * 128 * 4096 + 5)

static uint8_t *bytes;

static void test_setup(void)
{
	uint32_t state = 7;

	bytes = malloc(MAX_SIZE);
	CHECK(bytes);
	for (size_t i = 0; i < MAX_SIZE; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = state >> 24;
	}
}

/* What libfsverity shows of the tree. */
struct oracle {
	const uint8_t *data;
	uint8_t *tree;
	uint64_t size;
};

static int pull(void *source, void *buf, size_t count)
{
	const uint8_t **data = source;

	memcpy(buf, *data, count);
	*data += count;
	return 0;
}

static int see_size(void *context, uint64_t size)
{
	struct oracle *oracle = context;

	oracle->size = size;
	oracle->tree = malloc(size + 1);
	return 0;
}

static int see_block(void *context, const void *block, size_t size, uint64_t offset)
{
	struct oracle *oracle = context;

	memcpy(oracle->tree + offset, block, size);
	return 0;
}

static struct oracle oracle_of(size_t size, struct cfs_digest *ret)
{
	struct oracle oracle = { .data = bytes };
	const uint8_t *data = bytes;
	struct libfsverity_metadata_callbacks callbacks = {
		.ctx = &oracle,
		.merkle_tree_size = see_size,
		.merkle_tree_block = see_block,
	};
	struct libfsverity_merkle_tree_params params = {
		.version = 1,
		.file_size = size,
		.metadata_callbacks = &callbacks,
	};
	struct libfsverity_digest *computed;

	CHECK_EQ(libfsverity_compute_digest(&data, pull, &params, &computed), 0);
	memcpy(ret->bytes, computed->digest, CFS_DIGEST_LEN);
	free(computed);
	return oracle;
}

static int file_of(const void *data, size_t len)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(full_pwrite(fd, data, len, 0), 0);
	return fd;
}

static void test_tree_is_the_one_of_libfsverity(void)
{
	static const size_t sizes[] = {
		0, 1, 4096, 4097, 127 * 4096, 128 * 4096, 128 * 4096 + 1,
		(size_t)128 * 128 * 4096, (size_t)128 * 128 * 4096 + 1, MAX_SIZE,
	};

	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		struct cfs_digest digest;
		struct oracle oracle = oracle_of(sizes[i], &digest);
		int fd = file_of(bytes, sizes[i]), tree_fd = file_of("", 0);
		struct cfs_verity_tree tree;
		uint8_t *made;

		cfs_verity_tree_init(&tree, sizes[i]);
		CHECK_EQ(tree.n_blocks * 4096, oracle.size);
		CHECK_EQ(cfs_verity_tree_write(fd, sizes[i], &digest, tree_fd), 0);
		CHECK_EQ(lseek(tree_fd, 0, SEEK_END), oracle.size);
		made = malloc(oracle.size + 1);
		CHECK_EQ(full_pread(tree_fd, made, oracle.size, 0), 0);
		CHECK(memcmp(made, oracle.tree, oracle.size) == 0);
		free(made);
		free(oracle.tree);
		close(fd);
		close(tree_fd);
	}
}

/* From each block of the object a path leads up to the root block. */
static void test_paths_lead_to_the_root(void)
{
	struct cfs_verity_hash *hash;
	struct cfs_verity_tree tree;
	struct cfs_digest digest;
	struct oracle oracle = oracle_of(MAX_SIZE, &digest);
	uint64_t n_data;

	CHECK_EQ(cfs_verity_hash_new(&hash), 0);
	cfs_verity_tree_init(&tree, MAX_SIZE);
	CHECK_EQ(tree.n_levels, 3);
	n_data = tree.n_data;
	for (uint64_t block = 0; block < n_data; block += 127) {
		uint8_t value[CFS_DIGEST_LEN];
		uint64_t at = cfs_verity_tree_block(&tree, 0, block);
		unsigned int i = block % VERITY_HASHES;

		CHECK_EQ(cfs_verity_hash_blocks(hash, bytes + block * 4096, 1,
						value), 0);
		while (at) {
			CHECK(memcmp(oracle.tree + at * 4096 + 32 * i, value,
				     32) == 0);
			CHECK_EQ(cfs_verity_hash_blocks(
					 hash, oracle.tree + at * 4096, 1,
					 value), 0);
			at = cfs_verity_tree_parent(&tree, at, &i);
		}
		CHECK(memcmp(oracle.tree + 32 * i, value, 32) == 0);
	}
	CHECK_EQ(cfs_verity_tree_check_root(&tree, hash, oracle.tree, &digest), 0);
	CHECK_EQ(cfs_verity_tree_level(&tree, 0), 2);
	CHECK_EQ(cfs_verity_tree_level(&tree, tree.start[1]), 1);
	CHECK_EQ(cfs_verity_tree_level(&tree, tree.start[0]), 0);
	CHECK_EQ(cfs_verity_tree_level(&tree, tree.n_blocks - 1), 0);
	cfs_verity_hash_free(hash);
	free(oracle.tree);
}

static void test_wrong_roots_are_refused(void)
{
	struct cfs_verity_hash *hash;
	struct cfs_verity_tree tree;
	struct cfs_digest digest;
	struct oracle oracle = oracle_of(MAX_SIZE, &digest);

	CHECK_EQ(cfs_verity_hash_new(&hash), 0);
	cfs_verity_tree_init(&tree, MAX_SIZE);
	oracle.tree[4095] ^= 1;
	CHECK_EQ(cfs_verity_tree_check_root(&tree, hash, oracle.tree, &digest),
		 -EBADMSG);
	oracle.tree[4095] ^= 1;
	/* The same bytes in an object of another size are another object. */
	cfs_verity_tree_init(&tree, MAX_SIZE - 1);
	CHECK_EQ(cfs_verity_tree_check_root(&tree, hash, oracle.tree, &digest),
		 -EBADMSG);
	cfs_verity_hash_free(hash);
	free(oracle.tree);
}

static void test_no_tree_of_other_bytes(void)
{
	struct cfs_digest digest;
	struct oracle oracle = oracle_of(100000, &digest);
	int fd = file_of(bytes + 1, 100000), tree_fd = file_of("", 0);

	CHECK_EQ(cfs_verity_tree_write(fd, 100000, &digest, tree_fd), -EBADMSG);
	CHECK_EQ(cfs_verity_tree_write(fd, 99999, &digest, tree_fd), -EFBIG);
	CHECK_EQ(cfs_verity_tree_write(fd, 100001, &digest, tree_fd), -EBADMSG);
	close(fd);
	close(tree_fd);
	free(oracle.tree);
}

static void test_sizes_at_the_end_of_the_range(void)
{
	struct cfs_verity_tree tree;

	cfs_verity_tree_init(&tree, UINT64_MAX);
	CHECK_EQ(tree.n_levels, 8);
	CHECK_EQ(tree.start[7], 0);
	CHECK_EQ(cfs_verity_tree_block(&tree, 0, tree.n_data - 1),
		 tree.n_blocks - 1);
	cfs_verity_tree_init(&tree, 0);
	CHECK_EQ(tree.n_levels, 0);
	CHECK_EQ(tree.n_blocks, 0);
}

RUN_TESTS(
	T(test_setup),
	T(test_tree_is_the_one_of_libfsverity),
	T(test_paths_lead_to_the_root),
	T(test_wrong_roots_are_refused),
	T(test_no_tree_of_other_bytes),
	T(test_sizes_at_the_end_of_the_range))
