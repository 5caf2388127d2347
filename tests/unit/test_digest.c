// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "cache/verity/digest.h"
#include "tests/unit/test.h"

#define HEX "00ff0a1b2c3d4e5f60718293a4b5c6d7e8f9000102030405060708090a0b0c0d"

/* Text that is written is text that was read. */
static void test_round_trip(void)
{
	struct cfs_digest digest, again;
	char hex[CFS_DIGEST_HEX_LEN + 1], name[CFS_OBJECT_NAME_LEN + 1];

	CHECK_EQ(cfs_digest_parse(HEX, strlen(HEX), &digest), 0);
	cfs_digest_format(&digest, hex);
	CHECK(strcmp(hex, HEX) == 0);
	cfs_object_name_format(&digest, name);
	CHECK(strncmp(name, "00/ff0a", 7) == 0);
	CHECK_EQ(strlen(name), CFS_OBJECT_NAME_LEN);
	CHECK_EQ(cfs_object_name_parse(name, strlen(name), &again), 0);
	CHECK(cfs_digest_equal(&digest, &again));
}

/* A name becomes part of a path: nothing but the one form is let through. */
static void test_malformed_is_refused(void)
{
	static const struct {
		const char *why, *text;
	} cases[] = {
		{ "empty", "" },
		{ "short", "00ff" },
		{ "upper case", "00FF0a1b2c3d4e5f60718293a4b5c6d7e8f9000102030405060708090a0b0c0d" },
		{ "not hex", "g0ff0a1b2c3d4e5f60718293a4b5c6d7e8f9000102030405060708090a0b0c0d" },
		{ "too long", HEX "0" },
		{ "dots", "../ff0a1b2c3d4e5f60718293a4b5c6d7e8f9000102030405060708090a0b0c0d" },
		{ "second slash", "00/f/0a1b2c3d4e5f60718293a4b5c6d7e8f9000102030405060708090a0b0c0d" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cfs_digest digest;
		const char *text = cases[i].text;

		fprintf(stderr, "  %s\n", cases[i].why);
		CHECK_EQ(cfs_digest_parse(text, strlen(text), &digest), -EINVAL);
		CHECK_EQ(cfs_object_name_parse(text, strlen(text), &digest), -EINVAL);
	}
}

RUN_TESTS(T(test_round_trip), T(test_malformed_is_refused))
