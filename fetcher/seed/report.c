// SPDX-License-Identifier: GPL-2.0-or-later
/* What a seeding run tells at its end. */
#include "fetcher/seed/report.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#include "cache/base/units.h"

static struct seed_count all(const struct seed_plan *plan)
{
	struct seed_count sum = { .objects = 0 };

	for (int i = 0; i < N_SEED_OUTCOMES; i++) {
		struct seed_count count = seed_plan_count(plan, i);

		sum.objects += count.objects;
		sum.bytes += count.bytes;
	}
	return sum;
}

bool seed_report_complete(const struct seed_report *report)
{
	return report->plan->no_object.objects == 0 &&
	       seed_plan_count(report->plan, SEED_WANTED).objects == 0 &&
	       seed_plan_count(report->plan, SEED_FAILED).objects == 0;
}

static void print_count(const struct seed_count *count, const char *what,
			const char *more)
{
	char size[UNITS_SIZE_LEN];

	printf("%9" PRIu64 " objects %12s  %s%s\n", count->objects,
	       units_format_size(count->bytes, size), what, more);
}

static void print_if_any(const struct seed_plan *plan,
			 enum seed_outcome outcome, const char *what)
{
	struct seed_count count = seed_plan_count(plan, outcome);

	if (count.objects)
		print_count(&count, what, "");
}

void seed_report_print(const struct seed_report *report)
{
	struct seed_count needed = all(report->plan);

	print_count(&needed, "needed", "");
	print_if_any(report->plan, SEED_PRESENT, "were here");
	for (size_t i = 0; i < report->n_from; i++)
		print_count(&report->from_reports[i].taken,
			    report->dry_run ? "are in " : "from ",
			    report->from[i]);
	print_if_any(report->plan, SEED_FETCHED, "downloaded");
	print_if_any(report->plan, SEED_FAILED, "could not be had");
	print_if_any(report->plan, SEED_WANTED,
		     report->dry_run ? "to download" : "still missing");
	if (report->plan->no_object.objects)
		print_count(&report->plan->no_object, "no mirror can give", "");
	printf("%s in %.1f s\n",
	       report->dry_run ? "dry run" :
	       seed_report_complete(report) ? "complete" : "incomplete",
	       report->seconds);
}

static json_t *count_json(const struct seed_count *count)
{
	return json_pack("{s:I, s:I}", "objects", (json_int_t)count->objects,
			 "bytes", (json_int_t)count->bytes);
}

static json_t *outcome_json(const struct seed_plan *plan,
			    enum seed_outcome outcome)
{
	struct seed_count count = seed_plan_count(plan, outcome);

	return count_json(&count);
}

void seed_report_json(const struct seed_report *report)
{
	const struct seed_plan *plan = report->plan;
	struct seed_count needed = all(plan);
	json_t *root, *from = json_array();

	for (size_t i = 0; i < report->n_from; i++) {
		const struct seed_from_report *one = &report->from_reports[i];

		json_array_append_new(from, json_pack(
			"{s:s, s:o, s:o}", "path", report->from[i], "taken",
			count_json(&one->taken), "digested",
			count_json(&one->digested)));
	}
	root = json_pack("{s:i, s:b, s:b, s:f, s:o, s:o, s:o, s:o, s:o, s:o, s:o}",
			 "v", 1, "dry_run", report->dry_run, "complete",
			 seed_report_complete(report), "seconds",
			 report->seconds, "needed", count_json(&needed),
			 "present", outcome_json(plan, SEED_PRESENT), "from",
			 from, "downloaded", outcome_json(plan, SEED_FETCHED),
			 "failed", outcome_json(plan, SEED_FAILED), "missing",
			 outcome_json(plan, SEED_WANTED), "no_object",
			 count_json(&plan->no_object));
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}
