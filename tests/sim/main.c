// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * sim [--cases=FILE] [--seed=N | --first=N] [--steps=N] [--seeds=N] [--trace]
 *
 *	--cases=FILE	first the seeds of that file, one a line
 *	--seed=N	that seed only
 *	--first=N	seeds from N on; default 1
 *	--seeds=N	so many of them
 *	--steps=N	stop after so many steps; default 200000
 *	--trace		print all that happens
 *
 * tests/run unit runs it for a while, tests/sim/run.sh for as long as one likes.  Every
 * 16th seed is run twice, to see that it goes the same way.  Exit status 0, or 1
 * after the first seed that fails: its last steps are printed, and how to run it again.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/log.h"
#include "tests/sim/sim.h"

#define TWICE_EACH	16

static uint64_t total_steps, total_seeds;
static bool print_trace;

/* The sanitizers ask for these.  What they find ends in aborted(), too. */
const char *__asan_default_options(void);
const char *__ubsan_default_options(void);

const char *__asan_default_options(void)
{
	return "abort_on_error=1:detect_stack_use_after_return=1";
}

const char *__ubsan_default_options(void)
{
	return "abort_on_error=1:print_stacktrace=1";
}

static void aborted(int number)
{
	(void)number;
	sim_trace_dump();
	_exit(1);
}

static void run(uint64_t seed)
{
	uint64_t hash;

	sim_world_run(seed, print_trace);
	total_steps += sim.steps;
	total_seeds++;
	if (seed % TWICE_EACH)
		return;
	hash = sim_trace_hash();
	sim_world_run(seed, print_trace);
	total_steps += sim.steps;
	if (hash != sim_trace_hash())
		sim_fail("the second time it went another way");
}

static void run_cases(const char *path)
{
	FILE *file = fopen(path, "re");
	char line[256];
	uint64_t seed;

	if (!file) {
		perror(path);
		exit(2);
	}
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "%" SCNu64, &seed) == 1)
			run(seed);
	fclose(file);
}

static bool option(const char *argument, const char *name, const char **ret)
{
	size_t len = strlen(name);

	if (strncmp(argument, name, len) != 0)
		return false;
	*ret = argument + len;
	return true;
}

int main(int argc, char **argv)
{
	uint64_t first = 1, n_seeds = UINT64_MAX, n_steps = 200000;
	const char *cases = NULL, *value;
	bool one = false;

	for (int i = 1; i < argc; i++) {
		if (option(argv[i], "--cases=", &cases)) {
			continue;
		} else if (option(argv[i], "--seed=", &value)) {
			first = strtoull(value, NULL, 0);
			one = true;
		} else if (option(argv[i], "--first=", &value)) {
			first = strtoull(value, NULL, 0);
		} else if (option(argv[i], "--seeds=", &value)) {
			n_seeds = strtoull(value, NULL, 0);
		} else if (option(argv[i], "--steps=", &value)) {
			n_steps = strtoull(value, NULL, 0);
		} else if (strcmp(argv[i], "--trace") == 0) {
			print_trace = true;
		} else {
			fprintf(stderr, "sim: unknown option %s\n", argv[i]);
			return 2;
		}
	}
	signal(SIGABRT, aborted);
	log_set_level(-1);
	sim_objects_make();
	sim_images_make();
	if (cases)
		run_cases(cases);
	if (one)
		n_seeds = 1;
	for (uint64_t i = 0; i < n_seeds && (one || total_steps < n_steps); i++)
		run(first + i);
	sim_images_free();
	sim_objects_free();
	printf("sim: %" PRIu64 " seeds, %" PRIu64 " steps, the last hash %016"
	       PRIx64 "\n", total_seeds, total_steps, sim_trace_hash());
	return 0;
}
