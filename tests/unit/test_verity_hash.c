// SPDX-License-Identifier: GPL-2.0-or-later
/* Test cache/verity/hash.c against libfsverity, which pulls what we push. */
#include "cache/verity/hash.h"

#include <errno.h>
#include <libfsverity.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/test.h"

#define MAX_SIZE	(40u << 20)

static const char empty_hex[] =
	"3d248ca542a24fc62d1c43b916eae5016878e2533c88238480b26128a1f1af95";

static uint8_t *bytes;

struct source {
	const uint8_t *data;
};

static int pull(void *source_arg, void *buf, size_t count)
{
	struct source *source = source_arg;

	memcpy(buf, source->data, count);
	source->data += count;
	return 0;
}

static struct cfs_digest oracle(size_t size)
{
	struct libfsverity_merkle_tree_params params = {
		.version = 1,
		.file_size = size,
	};
	struct source source = { bytes };
	struct libfsverity_digest *computed;
	struct cfs_digest digest;

	CHECK_EQ(libfsverity_compute_digest(&source, pull, &params, &computed),
		 0);
	CHECK_EQ(computed->digest_size, CFS_DIGEST_LEN);
	memcpy(digest.bytes, computed->digest, CFS_DIGEST_LEN);
	free(computed);
	return digest;
}

static void test_setup(void)
{
	uint32_t state = 1;
	size_t i;

	bytes = malloc(MAX_SIZE);
	CHECK(bytes);
	for (i = 0; i < MAX_SIZE; i++) {
		state = state * 1664525 + 1013904223;
		bytes[i] = state >> 24;
	}
}

static void test_empty_file_has_its_well_known_digest(void)
{
	struct cfs_digest digest;
	char hex[CFS_DIGEST_HEX_LEN + 1];

	CHECK_EQ(cfs_verity_hash_buffer("", 0, &digest), 0);
	cfs_digest_format(&digest, hex);
	CHECK(strcmp(hex, empty_hex) == 0);
}

/* Each size sits at an edge of a block, of a tree block or of a tree level. */
static void test_sizes_around_every_edge_match_the_oracle(void)
{
	static const size_t edges[] = {
		0, 1, 4095, 4096, 4097, 8192, 127 * 4096, 128 * 4096,
		129 * 4096, 2 * 128 * 4096, 16 << 20, 31 << 20, 37 << 20,
	};
	size_t i;
	int delta;

	for (i = 0; i < sizeof(edges) / sizeof(edges[0]); i++) {
		for (delta = -1; delta <= 1; delta++) {
			size_t size = edges[i] + delta;
			struct cfs_digest expected, digest;

			if (edges[i] == 0 && delta < 0)
				continue;
			expected = oracle(size);
			CHECK_EQ(cfs_verity_hash_buffer(bytes, size, &digest),
				 0);
			CHECK(cfs_digest_equal(&digest, &expected));
		}
	}
}

/* A download arrives in pieces of any length; their borders do not matter. */
static void test_pieces_of_odd_lengths_give_the_same_digest(void)
{
	static const size_t pieces[] = { 1, 2, 3, 511, 4095, 4096, 4097, 5000,
					 8192, 65537, 1 << 20 };
	size_t size = 3 * 1000 * 1000 + 7, i, at;
	struct cfs_digest expected = oracle(size), digest;
	struct cfs_verity_hash *hash;

	CHECK_EQ(cfs_verity_hash_new(&hash), 0);
	for (i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		cfs_verity_hash_reset(hash);
		for (at = 0; at < size; at += pieces[i]) {
			size_t n = pieces[i] < size - at ? pieces[i] : size - at;

			CHECK_EQ(cfs_verity_hash_add(hash, bytes + at, n), 0);
			CHECK_EQ(cfs_verity_hash_add(hash, bytes, 0), 0);
		}
		CHECK_EQ(cfs_verity_hash_finish(hash, &digest), 0);
		CHECK(cfs_digest_equal(&digest, &expected));
	}
	cfs_verity_hash_free(hash);
}

/* A hash that held a large file forgets its upper levels. */
static void test_reset_forgets_everything(void)
{
	struct cfs_digest expected = oracle(5), digest;
	struct cfs_verity_hash *hash;

	CHECK_EQ(cfs_verity_hash_new(&hash), 0);
	CHECK_EQ(cfs_verity_hash_add(hash, bytes, 2 << 20), 0);
	CHECK_EQ(cfs_verity_hash_finish(hash, &digest), 0);
	cfs_verity_hash_reset(hash);
	CHECK_EQ(cfs_verity_hash_add(hash, bytes, (1 << 20) + 17), 0);
	cfs_verity_hash_reset(hash);
	CHECK_EQ(cfs_verity_hash_add(hash, bytes, 5), 0);
	CHECK_EQ(cfs_verity_hash_finish(hash, &digest), 0);
	CHECK(cfs_digest_equal(&digest, &expected));
	cfs_verity_hash_free(hash);
	cfs_verity_hash_free(NULL);
}

static void test_a_file_is_read_from_its_start_and_bounded(void)
{
	size_t size = 300 * 1000;
	struct cfs_digest expected = oracle(size), digest;
	uint64_t read_size = 1;
	int fd = memfd_create("verity_hash", MFD_CLOEXEC);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, bytes, size), size);
	CHECK_EQ(cfs_verity_hash_fd(fd, size, &digest, &read_size), 0);
	CHECK_EQ(read_size, size);
	CHECK(cfs_digest_equal(&digest, &expected));
	CHECK_EQ(cfs_verity_hash_fd(fd, size - 1, &digest, NULL), -EFBIG);
	close(fd);
	CHECK_EQ(cfs_verity_hash_fd(fd, size, &digest, NULL), -EBADF);
	free(bytes);
}

/* Zeros as a number of them are the zeros themselves, wherever they begin and end. */
static void test_zeros_by_number(void)
{
	static const size_t lens[] = { 1, 4095, 4096, 4097, 3 * 4096, 128 * 4096,
				       128 * 4096 + 5, 129 * 4096, 300 * 4096 + 1,
				       128 * 128 * 4096, 128 * 129 * 4096 + 77 };
	static const size_t before[] = { 0, 1, 4096, 5000, 127 * 4096, 128 * 4096,
					 128 * 128 * 4096 };
	uint8_t *all = calloc(1, 128 * 128 * 4096 + 128 * 129 * 4096 + 4096);
	struct cfs_verity_hash *hash;
	struct cfs_digest want, got;
	size_t i, j;

	CHECK(all);
	CHECK_EQ(cfs_verity_hash_new(&hash), 0);
	for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++) {
		for (j = 0; j < sizeof(before) / sizeof(before[0]); j++) {
			size_t len = before[j] + lens[i];

			if (len > 80u << 20)
				continue;
			memset(all, 'x', before[j]);
			memset(all + before[j], 0, lens[i]);
			all[len] = 'y';
			CHECK_EQ(cfs_verity_hash_buffer(all, len + 1, &want), 0);
			cfs_verity_hash_reset(hash);
			CHECK_EQ(cfs_verity_hash_add(hash, all, before[j]), 0);
			CHECK_EQ(cfs_verity_hash_add_zeros(hash, lens[i]), 0);
			CHECK_EQ(cfs_verity_hash_add(hash, "y", 1), 0);
			CHECK_EQ(cfs_verity_hash_finish(hash, &got), 0);
			CHECK(cfs_digest_equal(&want, &got));
		}
	}
	free(all);
	/* An exabyte of them: done at once, or never. */
	cfs_verity_hash_reset(hash);
	CHECK_EQ(cfs_verity_hash_add_zeros(hash, (uint64_t)1 << 60), 0);
	CHECK_EQ(cfs_verity_hash_finish(hash, &got), 0);
	cfs_verity_hash_free(hash);
}

static void test_holes_of_a_file(void)
{
	static const off_t at[] = { 0, 65536, (off_t)3 << 20, (off_t)70 << 20 };
	FILE *sparse = tmpfile(), *dense = tmpfile();
	char *block = calloc(1, 1 << 20);
	struct cfs_digest want, got;
	uint64_t size;
	size_t i;

	CHECK(sparse && dense && block);
	for (i = 0; i < 71; i++)
		CHECK_EQ(fwrite(block, 1, 1 << 20, dense), 1 << 20);
	fflush(dense);
	CHECK_EQ(ftruncate(fileno(sparse), (off_t)71 << 20), 0);
	for (i = 0; i < sizeof(at) / sizeof(at[0]); i++) {
		CHECK_EQ(pwrite(fileno(sparse), "data", 4, at[i]), 4);
		CHECK_EQ(pwrite(fileno(dense), "data", 4, at[i]), 4);
	}
	CHECK_EQ(cfs_verity_hash_fd(fileno(dense), UINT64_MAX, &want, NULL), 0);
	CHECK_EQ(lseek(fileno(sparse), 17, SEEK_SET), 17);
	CHECK_EQ(cfs_verity_hash_fd(fileno(sparse), UINT64_MAX, &got, &size), 0);
	CHECK_EQ(lseek(fileno(sparse), 0, SEEK_CUR), 17);
	CHECK_EQ(size, (uint64_t)71 << 20);
	CHECK(cfs_digest_equal(&want, &got));
	CHECK_EQ(cfs_verity_hash_fd(fileno(sparse), size - 1, &got, NULL), -EFBIG);
	CHECK_EQ(cfs_verity_hash_fd(fileno(sparse), size, &got, NULL), 0);
	/* A hole at the end. */
	CHECK_EQ(ftruncate(fileno(sparse), (off_t)80 << 20), 0);
	CHECK_EQ(ftruncate(fileno(dense), (off_t)80 << 20), 0);
	CHECK_EQ(cfs_verity_hash_fd(fileno(sparse), UINT64_MAX, &got, &size), 0);
	CHECK_EQ(size, (uint64_t)80 << 20);
	free(block);
	fclose(sparse);
	fclose(dense);
}

RUN_TESTS(
	T(test_zeros_by_number), T(test_holes_of_a_file),T(test_setup), T(test_empty_file_has_its_well_known_digest),
	  T(test_sizes_around_every_edge_match_the_oracle),
	  T(test_pieces_of_odd_lengths_give_the_same_digest),
	  T(test_reset_forgets_everything),
	  T(test_a_file_is_read_from_its_start_and_bounded))
