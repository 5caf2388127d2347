/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of mkcomposefs share.
 *
 * Ownership: all strings are borrowed from the command line.
 */
#ifndef CACHE_PROGRAMS_MKCOMPOSEFS_H
#define CACHE_PROGRAMS_MKCOMPOSEFS_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "cache/base/progress.h"
#include "cache/scan/scan.h"

struct mkcomposefs_options {
	const char *source;
	const char *image;		/* NULL: write none */
	const char *digest_store;	/* folder of objects; NULL: none */
	const char *store;		/* NULL: none */
	const char *name;		/* in the store; NULL: the digest */
	bool from_file;
	bool print_digest;
	bool print_digest_only;
	bool json;
	uint32_t min_version;
	uint32_t max_version;
	struct cfs_scan_options scan;	/* ->store is for the caller to set */
};

__attribute__((format(printf, 1, 2), noreturn))
void die(const char *format, ...);

/** mkcomposefs_parse_options() - read the command line; ends the program if it
 * is wrong, or asks for help
 */
void mkcomposefs_parse_options(int argc, char **argv,
			       struct mkcomposefs_options *ret);

/* A thread that shows how far a scan is, and one that finds out how much it is. */
struct mkcomposefs_progress {
	struct progress progress;
	const struct cfs_scan_counters *counters;
	const char *source;
	pthread_t show_thread;
	pthread_t total_thread;
	bool total_started;
	_Atomic uint64_t total;		/* 0 until it is known */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool ended;			/* protected by lock */
	atomic_bool stop_counting;
};

/** mkcomposefs_progress_begin() - does nothing if stderr is no terminal */
void mkcomposefs_progress_begin(struct mkcomposefs_progress *p,
				const char *source,
				const struct cfs_scan_counters *counters);

/** mkcomposefs_progress_end() - the line is gone when this returns */
void mkcomposefs_progress_end(struct mkcomposefs_progress *p);

#endif /* CACHE_PROGRAMS_MKCOMPOSEFS_H */
