// SPDX-License-Identifier: GPL-2.0-or-later
/* cfs-fetch: the daemon that makes missing objects appear in a store. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/log.h"
#include "cache/store/store.h"
#include "fetcher/programs/cfs_fetch.h"
#include "fetcher/programs/fetch_options.h"
#include "fetcher/programs/private_root.h"

int open_store(const char *path, struct cfs_store **ret)
{
	int err = cfs_store_open(path, 0, ret);

	if (!err)
		return 0;
	fprintf(stderr, "cfs-fetch: %s: %s\n", path, strerror(-err));
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	struct fetch_options options;
	int status;

	if (options_parse(argc, argv, &options, &status))
		return status;
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
	case MODE_STATUS:
		status = show_status(options.status, options.json);
		break;
	case MODE_REPORT:
		status = show_report(&options);
		break;
	}
	options_free(&options);
	return status;
}
