/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Going into the background, and telling who waits that the mount is there.
 *
 *	caller's process			the daemon
 *	background_begin() -- fork ---------->	returns 0; set-up; errors on stderr
 *	waits					background_ready()
 *	exits with 0, or with the		stdio is /dev/null, log is syslog
 *	daemon's exit status if that died
 *
 * Ownership: the struct is the caller's.  Called on the only thread there is,
 * but for background_ready().
 */
#ifndef FETCHER_PROGRAMS_DAEMONIZE_H
#define FETCHER_PROGRAMS_DAEMONIZE_H

#include <stdbool.h>

/**
 * struct background - on the way there
 * @parent_fd: to the waiting process; -1 in the foreground
 * @ready_fd: of --ready-fd, or -1
 */
struct background {
	int parent_fd;
	int ready_fd;
	bool own_log;
};

/**
 * background_begin() - go there, or stay
 * @foreground: stay
 * @ready_fd: to write "ready\n" to, or -1; owned from here on
 * @log_file: where stderr goes, or NULL
 *
 * The calling process does not come back from this if it forks.
 *
 * Return: 0 or -errno.
 */
int background_begin(struct background *background, bool foreground,
		     int ready_fd, const char *log_file);

/** background_ready() - the mount is there: tell everybody who waits */
void background_ready(struct background *background);

#endif /* FETCHER_PROGRAMS_DAEMONIZE_H */
