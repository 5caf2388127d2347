/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a seeding run tells at its end, for people and as JSON on stdout.
 * Everything is borrowed for the duration of the call.
 */
#ifndef FETCHER_SEED_REPORT_H
#define FETCHER_SEED_REPORT_H

#include <stdbool.h>
#include <stddef.h>

#include "fetcher/seed/local.h"
#include "fetcher/seed/plan.h"

/**
 * struct seed_report - what happened
 * @from: paths of the local sources, and what each gave
 */
struct seed_report {
	const struct seed_plan *plan;
	const char *const *from;
	const struct seed_from_report *from_reports;
	size_t n_from;
	double seconds;
	bool dry_run;
};

/** seed_report_complete() - is everything here that was wanted? */
bool seed_report_complete(const struct seed_report *report);

/** seed_report_print() - for people, on stdout */
void seed_report_print(const struct seed_report *report);

/** seed_report_json() - for programs, on stdout */
void seed_report_json(const struct seed_report *report);

#endif /* FETCHER_SEED_REPORT_H */
