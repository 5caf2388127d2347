// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/options.h"
#include "cache/base/process.h"
#include "fetcher/report/cfs_report.h"

static const char usage[] =
"Usage: cfs-report status MOUNTPOINT|FILE [--json]\n"
"       cfs-report status --booted [--json]\n"
"       cfs-report report FILE [--profile=FILE]... [--plot=FILE.svg] [--json]\n"
"Show what a fetcher does, or what a recorded start waited for.  \"cfs-fetch status\" and\n"
"\"cfs-fetch report\" are the same.\n"
"\n"
"  --status=PATH    show the status of a mount of cfs-fetch, or from a status file\n"
"  --booted         show the status of the machine's root file system\n"
"  --report=FILE    tell what the start waited for of which cfs-fetch --record wrote FILE\n"
"  --profile=FILE   compare this profile with what the start used; may be repeated\n"
"  --plot=FILE      draw the start, too, as SVG\n"
"  --json           as JSON\n"
"  --help           show this and exit\n"
"  --version        show the version and exit\n"
"\n"
"Example: cfs-report status /run/objects\n";

/* Where composefs-boot(7) has the root file system's fetcher keep it. */
#define BOOTED_STATUS	"/run/composefs/status.json"

#define FIELD(f)	offsetof(struct report_options, f)

static int add_profile(const struct option_parser *parser, void *field,
		       const char *name, const char *text)
{
	struct report_options *options = field;
	const char **profiles = reallocarray(options->profiles,
					     options->n_profiles + 1,
					     sizeof(*profiles));

	(void)parser;
	(void)name;
	if (!profiles)
		return -ENOMEM;
	profiles[options->n_profiles++] = text;
	options->profiles = profiles;
	return 0;
}

static const struct option_row rows[] = {
	{ "status", OPTION_TEXT, FIELD(status), false, NULL },
	{ "booted", OPTION_FLAG, FIELD(booted), false, NULL },
	{ "report", OPTION_TEXT, FIELD(report), false, NULL },
	{ "profile", OPTION_CALL, 0, true, add_profile },
	{ "plot", OPTION_TEXT, FIELD(plot), false, NULL },
	{ "json", OPTION_FLAG, FIELD(json), false, NULL },
};

/* "status PATH" and "report FILE" are --status and --report; returns how many words. */
static int take_task(struct report_options *options, int n_rest, char **rest)
{
	if (options->booted && n_rest && strcmp(rest[0], "status") == 0)
		return 1;
	if (n_rest < 2)
		return 0;
	if (strcmp(rest[0], "status") == 0 && !options->status)
		options->status = rest[1];
	else if (strcmp(rest[0], "report") == 0 && !options->report)
		options->report = rest[1];
	else
		return 0;
	return 2;
}

static int check(const struct option_parser *parser,
		 struct report_options *options, int n_rest, char **rest)
{
	if (n_rest)
		return option_complain(parser, "%s: not expected here", rest[0]);
	if (!!options->booted + !!options->status + !!options->report > 1)
		return option_complain(parser, "--booted, --status and --report exclude each other");
	if (options->booted)
		options->status = BOOTED_STATUS;
	if (!options->status && !options->report)
		return option_complain(parser, "the path of a status or of a record is missing");
	if (!options->report && (options->plot || options->n_profiles))
		return option_complain(parser, "--%s goes with --report",
				       options->plot ? "plot" : "profile");
	return 0;
}

int main(int argc, char **argv)
{
	struct report_options options = { .status = NULL };
	const struct option_parser parser = {
		.program = "cfs-report",
		.usage = usage,
		.tables = { rows },
		.lengths = { sizeof(rows) / sizeof(rows[0]) },
		.base = { &options },
	};
	int rest, status, err;

	process_begin();
	err = option_parse(&parser, argc, argv, &rest);
	if (err == 0) {
		rest += take_task(&options, argc - rest, argv + rest);
		err = check(&parser, &options, argc - rest, argv + rest);
	}
	if (err == -ENOMEM)
		fputs("cfs-report: out of memory\n", stderr);
	if (err)
		status = err == OPTION_ANSWERED ? 0 :
			 err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	else if (options.report)
		status = show_report(&options);
	else
		status = show_status(options.status, options.json);
	free(options.profiles);
	return status;
}
