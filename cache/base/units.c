// SPDX-License-Identifier: GPL-2.0-or-later
/* Sizes and times as people write and read them. */
#include "cache/base/units.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	char letter;
	uint64_t factor;
};

/* A number and a unit letter from @units, which ends with a zero letter. */
static int parse(const char *text, const struct unit *units, uint64_t *ret)
{
	uint64_t factor = 1;
	double number;
	char *end;

	if (text[0] < '0' || text[0] > '9' || text[1] == 'x' || text[1] == 'X')
		return -EINVAL;
	number = strtod(text, &end);
	if (*end) {
		while (units->letter && units->letter != *end)
			units++;
		if (!units->letter || end[1])
			return -EINVAL;
		factor = units->factor;
	}
	number *= (double)factor;
	if (!(number < 0x1p63))
		return -ERANGE;
	*ret = (uint64_t)number;
	return 0;
}

int units_parse_size(const char *text, uint64_t *ret)
{
	static const struct unit units[] = {
		{ 'K', 1ULL << 10 }, { 'M', 1ULL << 20 },
		{ 'G', 1ULL << 30 }, { 'T', 1ULL << 40 }, { 0, 0 },
	};

	return parse(text, units, ret);
}

int units_parse_duration(const char *text, uint64_t *ret)
{
	static const struct unit units[] = {
		{ 's', 1 }, { 'm', 60 }, { 'h', 3600 }, { 'd', 86400 },
		{ 'w', 7 * 86400 }, { 0, 0 },
	};

	return parse(text, units, ret);
}

const char *units_format_size(uint64_t bytes, char ret[UNITS_SIZE_LEN])
{
	static const char *const names[] = { "KiB", "MiB", "GiB", "TiB", "PiB",
					     "EiB" };
	double number = (double)bytes / 1024;
	size_t i = 0;

	if (bytes < 1024) {
		snprintf(ret, UNITS_SIZE_LEN, "%u B", (unsigned int)bytes);
		return ret;
	}
	while (number >= 1024 && i + 1 < sizeof(names) / sizeof(names[0])) {
		number /= 1024;
		i++;
	}
	snprintf(ret, UNITS_SIZE_LEN, "%.1f %s", number, names[i]);
	return ret;
}
