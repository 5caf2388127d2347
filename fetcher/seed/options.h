/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of cfs-seed.
 *
 * Ownership: seed_options_parse() fills a struct of the caller's;
 * seed_options_free() releases what it owns.  Texts are argv's.
 */
#ifndef FETCHER_SEED_OPTIONS_H
#define FETCHER_SEED_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fetcher/http/config.h"

enum {
	SEED_EXIT_COMPLETE = 0,
	SEED_EXIT_FAILED = 1,		/* could not do its work */
	SEED_EXIT_USAGE = 2,
	SEED_EXIT_INCOMPLETE = 3,	/* did it, but some objects are missing */
};

#define SEED_FROM_MAX	16

struct seed_options {
	struct fetch_config config;
	const char *store;
	const char *name;
	const char *from[SEED_FROM_MAX];
	size_t n_from;
	char **what;
	size_t n_what;
	uint64_t limit_rate;
	unsigned int n_threads;
	bool dry_run;
	bool json;
	bool quiet;
	bool verbose;
	bool verify;
	bool no_io_uring;
};

/**
 * seed_options_parse() - read the command line
 * @ret: filled in if 0 is returned
 * @ret_status: exit status if not
 *
 * Return: 0 to go on, 1 to exit with @ret_status.
 */
int seed_options_parse(int argc, char **argv, struct seed_options *ret,
		       int *ret_status);

void seed_options_free(struct seed_options *options);

#endif /* FETCHER_SEED_OPTIONS_H */
