/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of cfs-fetch.
 *
 * Ownership: options_parse() fills a struct of the caller's, which owns what it
 * points to unless it says otherwise; options_free() releases that.
 */
#ifndef FETCHER_PROGRAMS_FETCH_OPTIONS_H
#define FETCHER_PROGRAMS_FETCH_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/verity/digest.h"
#include "fetcher/prefetch/ahead.h"
#include "fetcher/http/config.h"
#include "fetcher/ingest/quota.h"

enum {
	EXIT_FAILED = 1,	/* what went wrong is on stderr */
	EXIT_USAGE = 2,		/* the command line makes no sense */
	EXIT_MISSING = 3,	/* no mirror has the image */
	EXIT_WRONG = 4,		/* the image has another digest */
	EXIT_UNREACHABLE = 5,	/* no mirror answered */
};

enum fetch_mode {
	MODE_MOUNT,
	MODE_IMAGE,		/* --fetch-image */
};

/**
 * struct fetch_options - what was asked for
 * @config: mirrors and their limits
 * @limits: of the store
 * @store: its folder; text is argv's, here and below
 * @mountpoint: a folder; NULL but with MODE_MOUNT
 * @images: the only ones to list; owned
 * @fetch_image: image name or digest, with MODE_IMAGE
 * @expected: digest the image must have, if @has_expected
 * @ahead: prefetch, recording, completing
 * @user: to become, or NULL
 * @for_root: it serves the root file system: see private_root.h
 * @ready_fd: where to say that the mount is there, or -1
 */
struct fetch_options {
	enum fetch_mode mode;
	struct fetch_config config;
	struct fetch_limits limits;
	const char *store;
	const char *mountpoint;
	struct cfs_digest *images;
	size_t n_images;
	const char *fetch_image;
	struct cfs_digest expected;
	bool has_expected;
	struct ahead_options ahead;
	const char *status_file;
	const char *log_file;
	const char *user;
	int ready_fd;
	unsigned int n_threads;
	bool any;
	bool partial_reads;
	bool soft;
	bool allow_other;
	bool foreground;
	bool for_root;
	bool no_io_uring;
	bool verbose;
};

/**
 * options_parse() - read the command line
 * @ret: filled in if 0 is returned
 * @ret_status: exit status if not
 *
 * Answers --help and --version itself, on stdout, and complains on stderr.
 *
 * Return: 0 to go on, 1 to exit with @ret_status.
 */
int options_parse(int argc, char **argv, struct fetch_options *ret,
		  int *ret_status);

/** options_free() - release what they hold */
void options_free(struct fetch_options *options);

#endif /* FETCHER_PROGRAMS_FETCH_OPTIONS_H */
