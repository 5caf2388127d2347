/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * cfs-report: what a fetcher does, and what a recorded start waited for, for people.
 * Apart from cfs-fetch, so that the daemon that serves a root file system is small.
 *
 * Both tasks print what went wrong to stderr and return an exit status; what they are
 * given is borrowed.
 */
#ifndef FETCHER_REPORT_CFS_REPORT_H
#define FETCHER_REPORT_CFS_REPORT_H

#include <stdbool.h>
#include <stddef.h>

enum {
	EXIT_FAILED = 1,	/* what went wrong is on stderr */
	EXIT_USAGE = 2,		/* the command line makes no sense */
};

/**
 * struct report_options - what was asked for; all text is argv's
 * @status: mount point or status file, or NULL
 * @report: file that cfs-fetch --record wrote, or NULL
 * @profiles: to be compared with that record; the array is owned
 * @plot: file for the picture, or NULL
 * @json: instead of text
 * @booted: the status of the machine's root file system
 */
struct report_options {
	const char *status;
	const char *report;
	const char **profiles;
	size_t n_profiles;
	const char *plot;
	bool json;
	bool booted;
};

/** show_status() - of a mount point or status file, as text or JSON */
int show_status(const char *path, bool json);

/** show_report() - of a recorded start, as text or JSON, and as a picture */
int show_report(const struct report_options *options);

#endif /* FETCHER_REPORT_CFS_REPORT_H */
