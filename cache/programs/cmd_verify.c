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
#include "cache/programs/refetch.h"
#include "cache/store/store.h"
#include "cache/upkeep/verify.h"

#define THREADS_MAX	256

struct verify_command {
	struct cfs_verify_options options;
	struct progress progress;
	bool json;
	const char *sources[REFETCH_SOURCES_MAX];	/* words for cfs-seed */
	size_t n_sources;
	struct store_found *found;
	size_t n_found;
	int err;		/* there was no memory for one */
};

static void remember(struct verify_command *command,
		     const struct cfs_digest *digest, int err)
{
	struct store_found *grown = reallocarray(command->found,
						 command->n_found + 1,
						 sizeof(*grown));

	if (!grown) {
		command->err = -ENOMEM;
		return;
	}
	command->found = grown;
	grown[command->n_found++] = (struct store_found){
		.digest = *digest,
		.err = err,
		.state = command->options.repair && err == 0 ? FOUND_MOVED :
							       FOUND_LEFT,
	};
}

static void damaged(void *context, const struct cfs_digest *digest, int err)
{
	struct verify_command *command = context;
	const char *done = !command->options.repair ? "left" :
			   err == 0 ? "moved to quarantine" : strerror(-err);
	char name[CFS_OBJECT_NAME_LEN + 1];

	remember(command, digest, err);
	cfs_object_name_format(digest, name);
	progress_end(&command->progress);
	if (!command->json)
		printf("objects/%s: damaged, %s\n", name, done);
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

/* A source of what is fetched again: the option as cfs-seed takes it. */
static int add_source(struct verify_command *command, const char *name,
		      const char *value)
{
	char *word;

	if (command->n_sources == REFETCH_SOURCES_MAX) {
		store_usage_error("--%s: more than %d sources", name,
				  REFETCH_SOURCES_MAX);
		return STORE_VERIFY_USAGE;
	}
	if (asprintf(&word, "--%s=%s", name, value) < 0) {
		store_complain("out of memory");
		return STORE_VERIFY_FAILED;
	}
	command->sources[command->n_sources++] = word;
	return 0;
}

static int parse(int argc, char **argv, struct verify_command *command)
{
	static const struct option options[] = {
		{ "quick", no_argument, NULL, 'q' },
		{ "full", no_argument, NULL, 'f' },
		{ "repair", no_argument, NULL, 'r' },
		{ "mirror", required_argument, NULL, 'm' },
		{ "from", required_argument, NULL, 'F' },
		{ "threads", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned long threads;
	int option, err = 0;
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
		case 'm':
			err = add_source(command, "mirror", optarg);
			break;
		case 'F':
			err = add_source(command, "from", optarg);
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
		if (err)
			return err;
	}
	if (command->n_sources && !command->options.repair) {
		store_usage_error("--mirror and --from go with --repair");
		return STORE_VERIFY_USAGE;
	}
	if (argc - optind == 1)
		return 0;
	store_usage_error("verify takes a store");
	return STORE_VERIFY_USAGE;
}

static size_t count(const struct verify_command *command,
		    enum store_found_state state)
{
	size_t n = 0;

	for (size_t i = 0; i < command->n_found; i++)
		n += command->found[i].state == state;
	return n;
}

static json_t *found_json(const struct verify_command *command)
{
	static const char *const states[] = {
		[FOUND_LEFT] = "left",
		[FOUND_MOVED] = "quarantined",
		[FOUND_UNNEEDED] = "unneeded",
		[FOUND_REFETCHED] = "refetched",
		[FOUND_LOST] = "lost",
	};
	json_t *list = json_array();

	for (size_t i = 0; i < command->n_found; i++) {
		const struct store_found *found = &command->found[i];
		char hex[CFS_DIGEST_HEX_LEN + 1];

		cfs_digest_format(&found->digest, hex);
		json_array_append_new(list, json_pack(
			"{s:s, s:b, s:s}", "digest", hex, "repaired",
			found->state != FOUND_LEFT, "state",
			states[found->state]));
	}
	return list;
}

static void print_refetched(const struct verify_command *command)
{
	if (command->n_sources && command->n_found)
		printf("%zu brought back, %zu needed by no image, %zu could not be had\n",
		       count(command, FOUND_REFETCHED),
		       count(command, FOUND_UNNEEDED),
		       count(command, FOUND_LOST));
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
		print_refetched(command);
		if (report->repaired)
			puts("a program that has such an object open, or a mount that has read it, keeps the damaged bytes until it ends or is unmounted");
		return;
	}
	root = json_pack("{s:i, s:b, s:I, s:I, s:o}", "v", 1, "full",
			 command->options.full, "objects",
			 (json_int_t)report->objects, "bytes",
			 (json_int_t)report->bytes, "damaged",
			 found_json(command));
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

/* To look at a repository of another program does it no harm. */
static int open_store(const struct verify_command *command, const char *path,
		      struct cfs_store **ret)
{
	unsigned int flags = 0;

	if (!command->options.repair) {
		int err = cfs_store_open(path, 0, ret);

		if (err == 0)
			return 0;
		if (err == -EMEDIUMTYPE)
			flags = CFS_STORE_READ_ONLY;
	}
	return store_open_named(path, flags, ret);
}

static int run(struct verify_command *command, const char *path)
{
	struct cfs_verify_report report;
	struct cfs_store *store;
	int err, status = 0;

	if (open_store(command, path, &store))
		return STORE_VERIFY_FAILED;
	if (!command->options.full && !cfs_store_has_verity(store))
		fprintf(stderr, "cfs-store: %s: no fs-verity here, so only types and names are checked; --full reads every byte\n",
			path);
	progress_begin(&command->progress, "cfs-store", "objects");
	err = cfs_store_verify(store, &command->options, &report);
	progress_end(&command->progress);
	if (err == 0)
		err = command->err;
	if (command->n_sources && count(command, FOUND_MOVED))
		status = store_refetch(store, path, command->sources,
				       command->n_sources, command->found,
				       command->n_found);
	print_summary(command, &report);
	if (err < 0)
		store_complain_of(store, path, err);
	cfs_store_close(store);
	if (err < 0)
		return STORE_VERIFY_FAILED;
	if (fflush(stdout)) {
		store_complain("stdout: %m");
		return STORE_VERIFY_FAILED;
	}
	if (status)
		return STORE_VERIFY_FAILED;
	if (report.repaired < report.damaged || count(command, FOUND_LOST))
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
	};
	int status = parse(argc, argv, &command);

	if (status == 0)
		status = run(&command, argv[optind]);
	for (size_t i = 0; i < command.n_sources; i++)
		free((char *)command.sources[i]);
	free(command.found);
	return status;
}
