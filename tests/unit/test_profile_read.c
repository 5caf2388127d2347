// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fetcher/profile/digest_list.h"
#include "cache/mirror/profile.h"
#include "tests/unit/test.h"

#define D(c)	c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c c
#define A	D("aa")
#define B	D("bb")

/* 100 characters, so that three of them are more than what is kept of a line. */
#define L	"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx" \
		"yyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyyy"

/* The text in pieces of @step bytes, and its end. */
static struct profile_reader read_text(const char *text, size_t step,
				       struct digest_list *list)
{
	struct profile_reader reader = {
		.digest = digest_list_add_to,
		.context = list,
	};
	size_t len = strlen(text);

	digest_list_clear(list);
	for (size_t at = 0; at < len; at += step)
		CHECK_EQ(profile_read(&reader, text + at,
				      len - at < step ? len - at : step), 0);
	CHECK_EQ(profile_read_end(&reader), 0);
	return reader;
}

/* Digests in order, whatever else there is and however it is cut. */
static void test_digests_in_order(void)
{
	static const struct {
		const char *text;
		size_t n, bad;
	} cases[] = {
		{ "", 0, 0 },
		{ A "\n" B "\n", 2, 0 },
		{ A "\n" B, 2, 0 },
		{ "# cfs\n" A "\r\n\n\r\n" B "\n#", 2, 0 },
		{ A "\nno digest\n" B "\n", 2, 1 },
		{ A "0\n" A A "\n" A "\n" B "\n", 2, 2 },
		{ A " \t\r\n \t\n \t" B " ", 2, 0 },
		{ "  # " B "\n" A "\n" B, 2, 0 },
		{ A " " B "\n" A "\n" B "\n", 2, 1 },
		{ "# " L L L "\n" A "\n" L L L "\n" B "\n", 2, 1 },
		{ "#" L L "\r\n" A "\r\n" B "\r", 2, 0 },
		{ A "\n" A " " L L L "\n" B "\n", 2, 1 },
		{ A "\n" B "\nobjects/../etc/passwd", 2, 1 },
		{ "#" A "\n" A "\n" B "\n# " B, 2, 0 },
		{ "AA", 0, 1 },
	};
	struct digest_list list = { .n = 0 };

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		for (size_t step = 1; step < 200; step += 7) {
			struct profile_reader reader =
				read_text(cases[i].text, step, &list);

			CHECK_EQ(list.n, cases[i].n);
			CHECK_EQ(reader.n_digests, cases[i].n);
			CHECK_EQ(reader.n_bad, cases[i].bad);
			if (list.n == 2) {
				CHECK_EQ(list.digests[0].bytes[0], 0xaa);
				CHECK_EQ(list.digests[1].bytes[31], 0xbb);
			}
		}
	}
	digest_list_free(&list);
}

/* A line without an end costs no memory, a text without an end is cut. */
static void test_nothing_is_endless(void)
{
	struct digest_list list = { .n = 0 };
	struct profile_reader reader = {
		.digest = digest_list_add_to,
		.context = &list,
	};
	static char block[65536];
	uint64_t fed = 0;
	int err = 0;

	memset(block, 'a', sizeof(block));
	while (!err) {
		err = profile_read(&reader, block, sizeof(block));
		fed += sizeof(block);
		CHECK(fed <= PROFILE_MAX + sizeof(block));
	}
	CHECK_EQ(err, -EFBIG);
	CHECK_EQ(fed, PROFILE_MAX + sizeof(block));
	CHECK(reader.too_long);
	CHECK_EQ(profile_read_end(&reader), 0);
	CHECK_EQ(list.n, 0);
	CHECK_EQ(reader.n_bad, 0);
	digest_list_free(&list);
}

/* What is read of a text that is too long does not depend on how it comes. */
static void test_the_limit_is_the_same_for_all(void)
{
	size_t n = PROFILE_MAX / 65 + 10, len = n * 65;
	char *text = malloc(len);

	CHECK(text);
	for (size_t i = 0; i < n; i++)
		memcpy(text + i * 65, A "\n", 65);
	for (size_t step = 4096; step < 3 << 20; step = step * 3 + 1) {
		struct digest_list list = { .n = 0 };
		struct profile_reader reader = {
			.digest = digest_list_add_to,
			.context = &list,
		};
		int err = 0;

		for (size_t at = 0; at < len && err == 0; at += step)
			err = profile_read(&reader, text + at,
					   len - at < step ? len - at : step);
		CHECK_EQ(err, -EFBIG);
		CHECK_EQ(profile_read_end(&reader), 0);
		CHECK_EQ(reader.n_bad, 0);
		CHECK_EQ(list.n, PROFILE_MAX / 65);
		digest_list_free(&list);
	}
	free(text);
}

static int refuse(void *context, const struct cfs_digest *digest)
{
	(void)digest;
	++*(int *)context;
	return -ENOMEM;
}

static void test_a_callback_can_stop_it(void)
{
	int calls = 0;
	struct profile_reader reader = { .digest = refuse, .context = &calls };

	CHECK_EQ(profile_read(&reader, A "\n" B "\n", 130), -ENOMEM);
	CHECK_EQ(calls, 1);
}

RUN_TESTS(T(test_digests_in_order), T(test_nothing_is_endless),
	  T(test_the_limit_is_the_same_for_all),
	  T(test_a_callback_can_stop_it))
