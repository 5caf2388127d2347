// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "fetcher/http/config.h"
#include "fetcher/http/options.h"
#include "cache/base/options.h"
#include "tests/unit/test.h"

struct wanted {
	bool flag;
	const char *text;
	uint64_t bytes;
};

static const struct option_row rows[] = {
	{ "flag", OPTION_FLAG, offsetof(struct wanted, flag), false, NULL },
	{ "text", OPTION_TEXT, offsetof(struct wanted, text), false, NULL },
	{ "bytes", OPTION_BYTES, offsetof(struct wanted, bytes), false, NULL },
};

static int parse(struct wanted *wanted, struct fetch_config *config,
		 const char *const *argv, int *ret_rest)
{
	const struct option_parser parser = {
		.program = "test",
		.usage = "usage\n",
		.tables = { rows, network_options },
		.lengths = { sizeof(rows) / sizeof(rows[0]),
			     n_network_options },
		.base = { wanted, config },
	};
	int argc = 0, err;

	while (argv[argc])
		argc++;
	*wanted = (struct wanted){ .flag = false };
	fetch_config_init(config);
	err = option_parse(&parser, argc, (char **)argv, ret_rest);
	return err;
}

/* Each value lands in its own struct, and arguments are left alone. */
static void test_values_go_where_the_tables_say(void)
{
	const char *const argv[] = { "test", "--flag", "--text=a", "--bytes=2K",
				     "--mirror=http://a/x", "--mirror",
				     "https://b", "--deadline=1.5", "rest",
				     NULL };
	struct fetch_config config;
	struct wanted wanted;
	int rest;

	CHECK_EQ(parse(&wanted, &config, argv, &rest), 0);
	CHECK(wanted.flag);
	CHECK(strcmp(wanted.text, "a") == 0);
	CHECK_EQ(wanted.bytes, 2048);
	CHECK_EQ(config.n_mirrors, 2);
	CHECK(strcmp(config.mirrors[1], "https://b") == 0);
	CHECK_EQ(config.deadline_ms, 1500);
	CHECK(strcmp(argv[rest], "rest") == 0);
	fetch_config_free(&config);
}

/* What makes no sense is refused, and nothing is taken for something else. */
static void test_nonsense_is_refused(void)
{
	static const struct {
		const char *why, *first, *second;
	} cases[] = {
		{ "unknown", "--nonsense", NULL },
		{ "twice", "--flag", "--flag" },
		{ "empty text", "--text=", NULL },
		{ "size 0", "--bytes=0", NULL },
		{ "no size", "--bytes=many", NULL },
		{ "no value", "--bytes", NULL },
		{ "a value for a flag", "--flag=yes", NULL },
		{ "not a URL", "--mirror=ftp://host", NULL },
		{ "a user in a URL", "--mirror=http://me@host", NULL },
		{ "a password in a proxy", "--proxy=http://me:secret@host", NULL },
		{ "no such file", "--token-file=/nonexistent", NULL },
		{ "negative time", "--deadline=-1", NULL },
		{ "time without end", "--deadline=inf", NULL },
		{ "none at once", "--transfers=0", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *const argv[] = { "test", cases[i].first,
					     cases[i].second, NULL };
		struct fetch_config config;
		struct wanted wanted;
		int rest;

		fprintf(stderr, "  %s\n", cases[i].why);
		CHECK_EQ(parse(&wanted, &config, argv, &rest), -EINVAL);
		fetch_config_free(&config);
	}
}

/* --help is an answer, not a failure. */
static void test_help_is_answered(void)
{
	const char *const argv[] = { "test", "--help", NULL };
	struct fetch_config config;
	struct wanted wanted;
	int rest;

	CHECK_EQ(parse(&wanted, &config, argv, &rest), OPTION_ANSWERED);
	fetch_config_free(&config);
}

RUN_TESTS(T(test_values_go_where_the_tables_say), T(test_nonsense_is_refused),
	  T(test_help_is_answered))
