// SPDX-License-Identifier: GPL-2.0-or-later
/* Command lines described by tables. */
#include "cache/base/options.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/units.h"

#define COUNT_MAX	65536
#define SECONDS_MAX	1000000.0

int option_complain(const struct option_parser *parser, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "%s: ", parser->program);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\nTry '%s --help'.\n", parser->program);
	return -EINVAL;
}

static int parse_number(const struct option_parser *parser, const char *name,
			const char *text, uint64_t min, uint64_t max,
			uint64_t *ret)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < min ||
	    value > max)
		return option_complain(parser, "--%s=%s: not a number from %" PRIu64
				       " to %" PRIu64, name, text, min, max);
	*ret = value;
	return 0;
}

static int parse_bytes(const struct option_parser *parser, const char *name,
		       const char *text, uint64_t max, uint64_t *ret)
{
	uint64_t value;

	if (units_parse_size(text, &value) < 0)
		return option_complain(parser, "--%s=%s: not a size such as 65536, 64K or 1.5G",
				       name, text);
	if (value == 0 || value > max)
		return option_complain(parser, "--%s=%s: not from 1 to %" PRIu64,
				       name, text, max);
	*ret = value;
	return 0;
}

static int parse_seconds(const struct option_parser *parser, const char *name,
			 const char *text, uint64_t *ret)
{
	char *end;
	double value = strtod(text, &end);

	if (*text < '0' || *text > '9' || *end || !isfinite(value) ||
	    value < 0.001 || value > SECONDS_MAX)
		return option_complain(parser, "--%s=%s: not a number of seconds from 0.001 to 1000000",
				       name, text);
	*ret = (uint64_t)(value * 1000);
	return 0;
}

static int set_text(const struct option_parser *parser, const char *name,
		    const char *value, const char **ret)
{
	if (!*value)
		return option_complain(parser, "--%s: empty", name);
	*ret = value;
	return 0;
}

static int set_field(const struct option_parser *parser,
		     const struct option_row *row, void *base,
		     const char *value)
{
	void *field = (char *)base + row->field;
	uint64_t number = 0;
	int err;

	switch (row->kind) {
	case OPTION_FLAG:
		*(bool *)field = true;
		return 0;
	case OPTION_TEXT:
		return set_text(parser, row->name, value, field);
	case OPTION_OWNED_TEXT:
		*(char **)field = strdup(value);
		return *(char **)field ? 0 : -ENOMEM;
	case OPTION_COUNT:
		err = parse_number(parser, row->name, value, 1, COUNT_MAX,
				   &number);
		if (err == 0)
			*(unsigned int *)field = (unsigned int)number;
		return err;
	case OPTION_SECONDS:
		err = parse_seconds(parser, row->name, value, &number);
		if (err == 0)
			*(unsigned int *)field = (unsigned int)number;
		return err;
	case OPTION_LONG_SECONDS:
		return parse_seconds(parser, row->name, value, field);
	case OPTION_BYTES:
		return parse_bytes(parser, row->name, value, INT64_MAX, field);
	case OPTION_BYTES_32:
		err = parse_bytes(parser, row->name, value, INT_MAX, &number);
		if (err == 0)
			*(unsigned int *)field = (unsigned int)number;
		return err;
	case OPTION_DESCRIPTOR:
		err = parse_number(parser, row->name, value, 0, INT_MAX,
				   &number);
		if (err == 0)
			*(int *)field = (int)number;
		return err;
	case OPTION_CALL:
	case OPTION_CALL_BARE:
		return row->set(parser, field, row->name, value);
	}
	abort();
}

static bool takes_value(const struct option_row *row)
{
	return row->kind != OPTION_FLAG && row->kind != OPTION_CALL_BARE;
}

/* All rows of all tables, in one list, and which table each is from. */
struct flat {
	const struct option_row *rows[OPTION_ROWS_MAX];
	void *base[OPTION_ROWS_MAX];
	struct option longs[OPTION_ROWS_MAX + 3];
	size_t n;
};

static void flatten(const struct option_parser *parser, struct flat *ret)
{
	for (size_t t = 0; t < OPTION_TABLES_MAX; t++) {
		for (size_t i = 0; i < parser->lengths[t]; i++) {
			const struct option_row *row = &parser->tables[t][i];

			if (ret->n == OPTION_ROWS_MAX)
				abort();	/* a table outgrew the constant */
			ret->rows[ret->n] = row;
			ret->base[ret->n] = parser->base[t];
			ret->longs[ret->n].name = row->name;
			ret->longs[ret->n].has_arg = takes_value(row) ?
				required_argument : no_argument;
			ret->n++;
		}
	}
	ret->longs[ret->n].name = "help";
	ret->longs[ret->n + 1].name = "version";
}

int option_parse(const struct option_parser *parser, int argc, char **argv,
		 int *ret_rest)
{
	bool seen[OPTION_ROWS_MAX] = { false };
	struct flat flat = { .n = 0 };
	int c, at = 0, err;

	flatten(parser, &flat);
	optind = 1;
	while ((c = getopt_long(argc, argv, "", flat.longs, &at)) != -1) {
		if (c == '?') {
			fprintf(stderr, "Try '%s --help'.\n", parser->program);
			return -EINVAL;
		}
		if ((size_t)at == flat.n) {
			fputs(parser->usage, stdout);
			return OPTION_ANSWERED;
		}
		if ((size_t)at == flat.n + 1) {
			printf("%s %s\n", parser->program, CFS_VERSION);
			return OPTION_ANSWERED;
		}
		if (seen[at] && !flat.rows[at]->repeats)
			return option_complain(parser, "--%s is given twice",
					       flat.rows[at]->name);
		seen[at] = true;
		err = set_field(parser, flat.rows[at], flat.base[at], optarg);
		if (err)
			return err;
	}
	*ret_rest = optind;
	return 0;
}
