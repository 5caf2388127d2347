// SPDX-License-Identifier: GPL-2.0-or-later
/* cfs-store trees: make what a mirror needs to be read in verified parts. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/processors.h"
#include "cache/base/progress.h"
#include "cache/base/units.h"
#include "cache/mirror/mirror_file.h"
#include "cache/programs/cfs_store.h"
#include "cache/store/store.h"
#include "cache/mirror/trees.h"

#define THREADS_MAX	256

struct trees_command {
	struct cfs_trees_options options;
	struct progress progress;
	bool json;
};

static void failed(void *context, const struct cfs_digest *digest, int err)
{
	struct trees_command *command = context;
	char name[CFS_OBJECT_NAME_LEN + 1];

	cfs_object_name_format(digest, name);
	progress_end(&command->progress);
	store_complain("objects/%s: %s", name,
		       err == -EBADMSG ? "damaged; see cfs-store verify --full" :
					 strerror(-err));
}

static void one_more(void *context, const struct cfs_trees_report *so_far)
{
	struct trees_command *command = context;
	const struct progress_state state = {
		.bytes = so_far->bytes,
		.items = so_far->made,
	};

	progress_show(&command->progress, &state);
}

static int parse(int argc, char **argv, struct trees_command *command)
{
	static const struct option options[] = {
		{ "min-size", required_argument, NULL, 'm' },
		{ "threads", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned long threads;
	int option;
	char *end;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'm':
			if (units_parse_size(optarg,
					     &command->options.min_size) < 0)
				return store_usage_error("%s: not a size",
							 optarg);
			break;
		case 't':
			threads = strtoul(optarg, &end, 10);
			if (*end || threads < 1 || threads > THREADS_MAX)
				return store_usage_error(
					"--threads: a number from 1 to %d",
					THREADS_MAX);
			command->options.n_threads = (unsigned int)threads;
			break;
		case 'j':
			command->json = true;
			break;
		default:
			return STORE_EXIT_USAGE;
		}
	}
	if (argc - optind != 1)
		return store_usage_error("trees takes a store");
	return 0;
}

static void print_report(const struct cfs_trees_report *report)
{
	char size[UNITS_SIZE_LEN];

	printf("%" PRIu64 " trees made, %" PRIu64
	       " were there, %s together; %" PRIu64 " objects failed\n",
	       report->made, report->existed,
	       units_format_size(report->tree_bytes, size), report->failed);
}

static void print_json(const struct cfs_trees_report *report)
{
	json_t *root = json_pack("{s:i, s:I, s:I, s:I, s:I, s:I}", "v", 1,
				 "made", (json_int_t)report->made, "existed",
				 (json_int_t)report->existed, "failed",
				 (json_int_t)report->failed, "object_bytes",
				 (json_int_t)report->bytes, "tree_bytes",
				 (json_int_t)report->tree_bytes);

	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

int store_trees(int argc, char **argv)
{
	struct trees_command command = {
		.options = {
			.min_size = CFS_TREES_MIN_SIZE,
			.n_threads = processors(),
			.failed = failed,
			.progress = one_more,
			.context = &command,
		},
	};
	struct cfs_trees_report report;
	struct cfs_store *store;
	int err = parse(argc, argv, &command);

	if (err == 0)
		err = store_open_named(argv[optind], 0, &store);
	if (err)
		return err;
	progress_begin(&command.progress, "cfs-store", "trees");
	err = cfs_store_trees(store, &command.options, &report);
	progress_end(&command.progress);
	/* So that clients of a server that knows nothing of this ask for them. */
	if (err == 0 && report.made + report.existed)
		err = cfs_mirror_file_update(store);
	if (command.json)
		print_json(&report);
	else
		print_report(&report);
	if (err < 0)
		err = store_complain_of(store, argv[optind], err);
	else
		err = report.failed ? STORE_EXIT_FAILED : STORE_EXIT_OK;
	cfs_store_close(store);
	return err;
}
