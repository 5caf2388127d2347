// SPDX-License-Identifier: GPL-2.0-or-later
/* cfs-fetch: the daemon that makes missing objects appear in a store. */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/descriptor_limit.h"
#include "cache/base/log.h"
#include "cache/base/own_program.h"
#include "cache/base/process.h"
#include "cache/store/explain.h"
#include "cache/store/guard.h"
#include "cache/store/store.h"
#include "fetcher/programs/cfs_fetch.h"
#include "fetcher/programs/fetch_options.h"
#include "fetcher/programs/private_root.h"

static int is_entry(const struct dirent *entry)
{
	return strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0;
}

/* A folder that was made for a store, and has nothing in it yet. */
static bool is_empty(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, is_entry, NULL);

	for (int i = 0; i < n; i++)
		free(entries[i]);
	if (n >= 0)
		free(entries);
	return n == 0;
}

int open_store(const char *path, struct cfs_store **ret)
{
	struct errmsg why = { "" };
	int err = cfs_store_open(path, is_empty(path) ? CFS_STORE_CREATE :
							CFS_STORE_NAMES, ret);

	if (!err) {
		err = cfs_store_guard(path, &why);
		if (err)
			fprintf(stderr, "cfs-fetch: %s\n", why.text);
		if (err >= 0)
			return 0;
		cfs_store_close(*ret);
		*ret = NULL;
		return EXIT_FAILED;
	}
	cfs_store_explain_open(path, err, &why);
	fprintf(stderr, "cfs-fetch: %s%s\n", why.text,
		err != -ENOENT ? "" :
		"; cfs-fetch makes one in an empty folder, mkcomposefs --store and cfs-seed in a new one");
	return EXIT_FAILED;
}

/* The words that are cfs-report's: "status", "report" and the options of these. */
static bool is_for_report(int argc, char **argv)
{
	static const char *const options[] = { "--status", "--report", "--booted" };

	if (argc > 1 && (strcmp(argv[1], "status") == 0 ||
			 strcmp(argv[1], "report") == 0))
		return true;
	for (int i = 1; i < argc; i++)
		for (size_t k = 0; k < sizeof(options) / sizeof(options[0]); k++) {
			size_t len = strlen(options[k]);

			if (strncmp(argv[i], options[k], len) == 0 &&
			    (!argv[i][len] || argv[i][len] == '='))
				return true;
		}
	return false;
}

static int run_report(char **argv)
{
	char program[PATH_MAX];

	if (own_program_find("cfs-report", program) < 0) {
		fprintf(stderr, "cfs-fetch: cfs-report is not installed: %s\n",
			program);
		return EXIT_FAILED;
	}
	argv[0] = program;
	execv(program, argv);
	fprintf(stderr, "cfs-fetch: %s: %s\n", program, strerror(errno));
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct fetch_options options;
	int status;

	process_begin();
	if (is_for_report(argc, argv))
		return run_report(argv);
	if (options_parse(argc, argv, &options, &status))
		return status;
	descriptor_limit_raise();
	if (options.verbose)
		log_set_level(LOG_DEBUG);
	else if (options.for_root)	/* the log is the console's */
		log_set_level(LOG_NOTICE);
	if (options.for_root)
		root_place_mark(argv[0]);
	switch (options.mode) {
	case MODE_MOUNT:
		status = run_mount(&options);
		break;
	case MODE_IMAGE:
		status = run_image(&options);
		break;
	}
	options_free(&options);
	return status;
}
