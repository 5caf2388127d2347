// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "cache/base/units.h"
#include "tests/unit/test.h"

/* What people write is understood, and what nobody means is refused. */
static void test_sizes_are_read(void)
{
	static const struct {
		const char *text;
		int err;
		uint64_t bytes;
	} cases[] = {
		{ "0", 0, 0 },
		{ "4096", 0, 4096 },
		{ "16M", 0, 16 << 20 },
		{ "1.5G", 0, 1610612736 },
		{ "", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "5MB", -EINVAL, 0 },
		{ "5d", -EINVAL, 0 },
		{ "nan", -EINVAL, 0 },
		{ "8000000T", 0, 8000000ULL << 40 },
		{ "99999999T", -ERANGE, 0 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t bytes = 7;

		fprintf(stderr, "  \"%s\"\n", cases[i].text);
		CHECK_EQ(units_parse_size(cases[i].text, &bytes), cases[i].err);
		CHECK_EQ(bytes, cases[i].err ? 7 : cases[i].bytes);
	}
}

/* Durations count in seconds, whatever the unit. */
static void test_durations_are_read(void)
{
	uint64_t seconds;

	CHECK_EQ(units_parse_duration("90", &seconds), 0);
	CHECK_EQ(seconds, 90);
	CHECK_EQ(units_parse_duration("2w", &seconds), 0);
	CHECK_EQ(seconds, 14 * 86400);
	CHECK_EQ(units_parse_duration("5M", &seconds), -EINVAL);
}

/* Each size has one short form. */
static void test_sizes_are_written(void)
{
	char text[UNITS_SIZE_LEN];

	CHECK(strcmp(units_format_size(0, text), "0 B") == 0);
	CHECK(strcmp(units_format_size(1023, text), "1023 B") == 0);
	CHECK(strcmp(units_format_size(1536, text), "1.5 KiB") == 0);
	CHECK(strcmp(units_format_size(UINT64_MAX, text), "16.0 EiB") == 0);
}

RUN_TESTS(T(test_sizes_are_read), T(test_durations_are_read),
	  T(test_sizes_are_written))
