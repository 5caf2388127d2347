// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/base/progress.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "cache/base/units.h"

#define INTERVAL	0.1
#define LINE_SIZE	256
#define DEFAULT_WIDTH	80
/* A rate measured over less than this is noise. */
#define RATE_AFTER	0.5

static double seconds_between(const struct timespec *from,
			      const struct timespec *to)
{
	return (double)(to->tv_sec - from->tv_sec) +
	       (double)(to->tv_nsec - from->tv_nsec) / 1e9;
}

void progress_begin(struct progress *progress, const char *name,
		    const char *unit)
{
	const char *term = getenv("TERM");

	*progress = (struct progress){
		.name = name,
		.unit = unit,
		.enabled = isatty(STDERR_FILENO) &&
			   !(term && strcmp(term, "dumb") == 0),
	};
	clock_gettime(CLOCK_MONOTONIC, &progress->started);
	progress->last = progress->started;
}

/* Append to a text that may be full already. */
__attribute__((format(printf, 3, 4)))
static void append(char *text, size_t size, const char *format, ...)
{
	size_t used = strlen(text);
	va_list args;

	va_start(args, format);
	vsnprintf(text + used, size - used, format, args);
	va_end(args);
}

void progress_format(const struct progress *progress,
		     const struct progress_state *state, double seconds,
		     char *ret, size_t size)
{
	const uint64_t total = state->total > state->bytes ? state->total :
							     state->bytes;
	char buf[UNITS_SIZE_LEN];

	ret[0] = '\0';
	append(ret, size, "%s: %s", progress->name,
	       units_format_size(state->bytes, buf));
	if (state->total)
		append(ret, size, " of %s, %u%%", units_format_size(total, buf),
		       (unsigned int)(total ? 100.0 * (double)state->bytes /
						      (double)total : 100));
	if (seconds >= RATE_AFTER) {
		double rate = (double)state->bytes / seconds;

		append(ret, size, ", %s/s", units_format_size((uint64_t)rate, buf));
		if (state->total && rate >= 1) {
			uint64_t left = (uint64_t)((double)(total -
						state->bytes) / rate);

			append(ret, size, ", %" PRIu64 ":%02u left", left / 60,
			       (unsigned int)(left % 60));
		}
	}
	append(ret, size, ", %" PRIu64 " %s", state->items, progress->unit);
}

static size_t terminal_width(void)
{
	struct winsize window;

	if (ioctl(STDERR_FILENO, TIOCGWINSZ, &window) < 0 || !window.ws_col)
		return DEFAULT_WIDTH;
	return window.ws_col;
}

void progress_show(struct progress *progress,
		   const struct progress_state *state)
{
	char line[LINE_SIZE];
	struct timespec now;
	size_t width;

	if (!progress->enabled)
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (seconds_between(&progress->last, &now) < INTERVAL)
		return;
	progress->last = now;
	/* The last column stays free, or some terminals start a new line. */
	width = terminal_width();
	if (width > sizeof(line))
		width = sizeof(line);
	progress_format(progress, state,
			seconds_between(&progress->started, &now), line, width);
	fprintf(stderr, "\r\033[K%s", line);
	fflush(stderr);
	progress->shown = true;
}

void progress_end(struct progress *progress)
{
	if (progress->shown)
		fputs("\r\033[K", stderr);
	progress->shown = false;
}
