/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line on a terminal that says how far a long piece of work is:
 *
 *	name: 1.2 GiB of 3.4 GiB, 35%, 812.0 MiB/s, 0:03 left, 12345 objects
 *
 * Ownership: the struct is the caller's; strings are borrowed for its life.  One
 * thread at a time.  Only programs use this; nothing is shown, and nothing costs
 * anything, if stderr is no terminal.
 */
#ifndef CACHE_BASE_PROGRESS_H
#define CACHE_BASE_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

struct progress {
	const char *name;		/* of the program */
	const char *unit;		/* what ->items are, in plural */
	bool enabled;
	bool shown;			/* there is a line to be erased */
	struct timespec started;
	struct timespec last;
};

/* How far it is. */
struct progress_state {
	uint64_t bytes;
	uint64_t total;			/* bytes there will be; 0: not known yet */
	uint64_t items;
};

/** progress_begin() - start the clock */
void progress_begin(struct progress *progress, const char *name,
		    const char *unit);

/** progress_show() - update the line, if the last time is 100 ms ago */
void progress_show(struct progress *progress,
		   const struct progress_state *state);

/** progress_end() - erase the line, so that other output starts clean */
void progress_end(struct progress *progress);

/**
 * progress_format() - the line's text, without the terminal's codes
 * @seconds: since the beginning
 * @ret: where to write it
 * @size: of @ret; what does not fit is cut
 */
void progress_format(const struct progress *progress,
		     const struct progress_state *state, double seconds,
		     char *ret, size_t size);

#endif /* CACHE_BASE_PROGRESS_H */
