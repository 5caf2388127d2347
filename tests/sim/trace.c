// SPDX-License-Identifier: GPL-2.0-or-later
/* What has happened: the last lines as text, all of it as a hash. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/sim/sim.h"

#define N_LINES		80
#define LINE_LEN	160

static char lines[N_LINES][LINE_LEN];
static uint64_t n_lines;
static uint64_t hash;
static bool to_stderr;

void sim_trace_reset(bool print)
{
	n_lines = 0;
	hash = 0xcbf29ce484222325ULL;
	to_stderr = print;
}

void sim_trace(const char *format, ...)
{
	char *line = lines[n_lines++ % N_LINES];
	va_list args;
	int n;

	n = snprintf(line, LINE_LEN, "%6" PRIu64 " %8" PRIu64 "  ", sim.steps,
		     sim_now_ms());
	va_start(args, format);
	vsnprintf(line + n, LINE_LEN - (size_t)n, format, args);
	va_end(args);
	for (const char *c = line; *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3ULL;
	if (to_stderr)
		fprintf(stderr, "%s\n", line);
}

uint64_t sim_trace_hash(void)
{
	return hash;
}

void sim_trace_dump(void)
{
	uint64_t i = n_lines > N_LINES ? n_lines - N_LINES : 0;

	if (!to_stderr)
		for (; i < n_lines; i++)
			fprintf(stderr, "%s\n", lines[i % N_LINES]);
	fprintf(stderr, "sim: seed %" PRIu64 " failed in step %" PRIu64
			"; again, with all that happens: build/tests/sim/sim --seed=%" PRIu64
			" --trace\n", sim.seed, sim.steps, sim.seed);
}

void sim_fail(const char *format, ...)
{
	va_list args;

	sim_trace_dump();
	fprintf(stderr, "sim: ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	/* A debugger wants to stop here; leaks are of no interest now. */
	_exit(1);
}
