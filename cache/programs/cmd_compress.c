// SPDX-License-Identifier: GPL-2.0-or-later
/* cfs-store compress: what makes a mirror of the store cheaper to read. */
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
#include "cache/mirror/zstd.h"

#define THREADS_MAX	256
#define LEVEL_MAX	22

struct compress_command {
	struct cfs_zst_options options;
	struct progress progress;
	bool json;
};

static void failed(void *context, const struct cfs_digest *digest, int err)
{
	struct compress_command *command = context;
	char name[CFS_OBJECT_NAME_LEN + 1];

	cfs_object_name_format(digest, name);
	progress_end(&command->progress);
	store_complain("objects/%s: %s", name,
		       err == -EBADMSG ? "damaged; see cfs-store verify --full" :
					 strerror(-err));
}

static void one_more(void *context, const struct cfs_zst_report *so_far)
{
	struct compress_command *command = context;
	const struct progress_state state = {
		.bytes = so_far->bytes,
		.items = so_far->made,
	};

	progress_show(&command->progress, &state);
}

static int parse(int argc, char **argv, struct compress_command *command)
{
	static const struct option options[] = {
		{ "level", required_argument, NULL, 'l' },
		{ "threads", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'l':
			command->options.level = (int)store_number(optarg,
								   LEVEL_MAX);
			if (!command->options.level)
				return store_usage_error("--level: a number from 1 to %d",
							 LEVEL_MAX);
			break;
		case 't':
			command->options.n_threads = store_number(optarg,
								  THREADS_MAX);
			if (!command->options.n_threads)
				return store_usage_error("--threads: a number from 1 to %d",
							 THREADS_MAX);
			break;
		case 'j':
			command->json = true;
			break;
		default:
			return STORE_EXIT_USAGE;
		}
	}
	if (argc - optind != 1)
		return store_usage_error("compress takes a store");
	return 0;
}

static void print_report(const struct cfs_zst_report *report)
{
	char before[UNITS_SIZE_LEN], after[UNITS_SIZE_LEN];

	printf("%" PRIu64 " objects compressed, %" PRIu64
	       " were, together %s in %s; %" PRIu64
	       " would not become smaller; %" PRIu64 " failed\n",
	       report->made, report->existed,
	       units_format_size(report->object_bytes, before),
	       units_format_size(report->zst_bytes, after), report->useless,
	       report->failed);
}

static void print_json(const struct cfs_zst_report *report)
{
	json_t *root = json_pack(
		"{s:i, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "v", 1, "made",
		(json_int_t)report->made, "existed",
		(json_int_t)report->existed, "useless",
		(json_int_t)report->useless, "failed",
		(json_int_t)report->failed, "object_bytes",
		(json_int_t)report->object_bytes, "zst_bytes",
		(json_int_t)report->zst_bytes, "removed_bytes",
		(json_int_t)report->removed_bytes);

	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

int store_compress(int argc, char **argv)
{
	struct compress_command command = {
		.options = {
			.level = CFS_ZST_LEVEL,
			.n_threads = processors(),
			.failed = failed,
			.progress = one_more,
			.context = &command,
		},
	};
	struct cfs_zst_report report;
	struct cfs_store *store;
	int err = parse(argc, argv, &command);

	if (err == 0)
		err = store_open_named(argv[optind], 0, &store);
	if (err)
		return err;
	progress_begin(&command.progress, "cfs-store", "objects");
	err = cfs_store_zst(store, &command.options, &report);
	progress_end(&command.progress);
	if (err == 0)
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
