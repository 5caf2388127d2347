// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The fuzzer's mutator and the fuzz target itself, for every compiler and in
 * bounded time: a share of what fuzz/run.sh does.  CFS_TEST_IMAGES says how many
 * images, if not 1500.
 */
#include <stdint.h>

#include "tests/fuzz/image_mutate.h"
#include "tests/unit/tiny_image.h"

#define IMAGES		"1500"
#define CAPACITY	(TINY_SIZE + CFS_BLOCK_SIZE)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size,
			       unsigned int seed);

/* libFuzzer's part of the custom mutator is not here. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size)
{
	(void)data, (void)max_size;
	return size;
}

static size_t make_mutated(uint8_t *bytes, unsigned int seed)
{
	struct tiny_image *tiny = tiny_make();

	memcpy(bytes, tiny->bytes, TINY_SIZE);
	tiny_free(tiny);
	return LLVMFuzzerCustomMutator(bytes, TINY_SIZE, CAPACITY, seed);
}

static void test_same_seed_same_image(void)
{
	static uint8_t a[CAPACITY], b[CAPACITY];

	for (unsigned int seed = 1; seed < 50; seed++) {
		size_t size = make_mutated(a, seed);

		CHECK(size <= CAPACITY);
		CHECK_EQ(make_mutated(b, seed), size);
		CHECK(memcmp(a, b, size) == 0);
	}
}

static int read_bytes(const struct cfs_source *source, u64 offset, void *buf,
		      size_t len);

static struct {
	struct cfs_source source;
	uint8_t bytes[CAPACITY];
} mutated = { .source.read = read_bytes };

static int read_bytes(const struct cfs_source *source, u64 offset, void *buf,
		      size_t len)
{
	CHECK(offset <= source->size && len <= source->size - offset);
	memcpy(buf, mutated.bytes + offset, len);
	return 0;
}

/* Damage that the first look at an image finds would test nothing else. */
static void test_most_mutations_get_past_opening(void)
{
	unsigned int opened = 0;
	struct cfs_image image;

	for (unsigned int seed = 0; seed < 400; seed++) {
		mutated.source.size = make_mutated(mutated.bytes, seed);
		opened += cfs_image_open(&image, &mutated.source) == 0;
	}
	fprintf(stderr, "  %u of 400\n", opened);
	CHECK(opened > 200 && opened < 400);
}

static void test_no_mutation_harms_the_reader(void)
{
	const char *text = getenv("CFS_TEST_IMAGES");
	unsigned long images = strtoul(text ? text : IMAGES, NULL, 10);

	for (unsigned int seed = 0; seed < images; seed++) {
		size_t size = make_mutated(mutated.bytes, seed);
		/* A copy of its exact size: sanitizers see reads behind it. */
		uint8_t *copy = malloc(size);

		CHECK(copy || size == 0);
		if (size > 0)
			memcpy(copy, mutated.bytes, size);
		LLVMFuzzerTestOneInput(copy, size);
		free(copy);
	}
}

RUN_TESTS(T(test_same_seed_same_image),
	  T(test_most_mutations_get_past_opening),
	  T(test_no_mutation_harms_the_reader))
