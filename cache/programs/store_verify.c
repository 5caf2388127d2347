// SPDX-License-Identifier: GPL-2.0-or-later
/* cfs-store verify: is every object what its name says? */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/processors.h"
#include "cache/base/progress.h"
#include "cache/base/units.h"
#include "cache/programs/cfs_store.h"
#include "cache/store.h"
#include "cache/store_verify.h"

#define THREADS_MAX	256

struct verify_command {
	struct cfs_verify_options options;
	struct progress progress;
	bool json;
	json_t *list;		/* of damaged objects, with json */
};

static void damaged(void *context, const struct cfs_digest *digest, int err)
{
	struct verify_command *command = context;
	const char *done = !command->options.repair ? "left" :
			   err == 0 ? "moved to quarantine" : strerror(-err);
	char name[CFS_OBJECT_NAME_LEN + 1], hex[CFS_DIGEST_HEX_LEN + 1];

	cfs_object_name_format(digest, name);
	progress_end(&command->progress);
	if (!command->json) {
		printf("objects/%s: damaged, %s\n", name, done);
		return;
	}
	cfs_digest_format(digest, hex);
	json_array_append_new(command->list,
			      json_pack("{s:s, s:b}", "digest", hex, "repaired",
					command->options.repair && err == 0));
}

static void checked(void *context, const struct cfs_verify_report *so_far)
{
	struct verify_command *command = context;
	const struct progress_state state = {
		.bytes = so_far->bytes,
		.items = so_far->objects,
	};

	progress_show(&command->progress, &state);
}

static int parse(int argc, char **argv, struct verify_command *command)
{
	static const struct option options[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "full", no_argument, NULL, 'f' },
		{ "repair", no_argument, NULL, 'r' },
		{ "threads", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned long threads;
	int option;
	char *end;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'q':
			command->options.full = false;
			break;
		case 'f':
			command->options.full = true;
			break;
		case 'r':
			command->options.repair = true;
			break;
		case 't':
			threads = strtoul(optarg, &end, 10);
			if (*end || threads < 1 || threads > THREADS_MAX) {
				store_usage_error("--threads: a number from 1 to %d",
						  THREADS_MAX);
				return STORE_VERIFY_USAGE;
			}
			command->options.n_threads = (unsigned int)threads;
			break;
		case 'j':
			command->json = true;
			break;
		default:
			return STORE_VERIFY_USAGE;
		}
	}
	if (argc - optind == 1)
		return 0;
	store_usage_error("verify takes a store");
	return STORE_VERIFY_USAGE;
}

static void print_summary(const struct verify_command *command,
			  const struct cfs_verify_report *report)
{
	char size[UNITS_SIZE_LEN];
	json_t *root;

	if (!command->json) {
		printf("%" PRIu64 " objects, %s checked%s: %" PRIu64
		       " damaged, %" PRIu64 " moved to quarantine\n",
		       report->objects, units_format_size(report->bytes, size),
		       command->options.full ? " in full" : "",
		       report->damaged, report->repaired);
		return;
	}
	root = json_pack("{s:i, s:b, s:I, s:I, s:O}", "v", 1, "full",
			 command->options.full, "objects",
			 (json_int_t)report->objects, "bytes",
			 (json_int_t)report->bytes, "damaged", command->list);
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

static int run(struct verify_command *command, const char *path)
{
	struct cfs_verify_report report;
	struct cfs_store *store;
	int err;

	if (store_open_named(path, &store))
		return STORE_VERIFY_FAILED;
	if (!command->options.full && !cfs_store_has_verity(store))
		fprintf(stderr, "cfs-store: %s: no fs-verity here, so only types and names are checked; --full reads every byte\n",
			path);
	progress_begin(&command->progress, "cfs-store", "objects");
	err = cfs_store_verify(store, &command->options, &report);
	progress_end(&command->progress);
	cfs_store_close(store);
	print_summary(command, &report);
	if (err < 0) {
		store_complain("%s: stopped: %s", path, strerror(-err));
		return STORE_VERIFY_FAILED;
	}
	if (fflush(stdout)) {
		store_complain("stdout: %m");
		return STORE_VERIFY_FAILED;
	}
	if (report.repaired < report.damaged)
		return STORE_VERIFY_DAMAGED;
	return report.damaged ? STORE_VERIFY_CORRECTED : STORE_EXIT_OK;
}

int store_verify(int argc, char **argv)
{
	struct verify_command command = {
		.options = {
			.n_threads = processors(),
			.damaged = damaged,
			.progress = checked,
			.context = &command,
		},
		.list = json_array(),
	};
	int status = parse(argc, argv, &command);

	if (status == 0)
		status = run(&command, argv[optind]);
	json_decref(command.list);
	return status;
}
