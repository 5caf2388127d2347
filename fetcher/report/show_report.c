// SPDX-License-Identifier: GPL-2.0-or-later
/* What a recorded start waited for. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/units.h"
#include "cache/mirror/profile.h"
#include "fetcher/profile/digest_list.h"
#include "fetcher/profile/output_file.h"
#include "fetcher/profile/record.h"
#include "fetcher/report/cfs_report.h"
#include "fetcher/report/critical_path.h"
#include "fetcher/report/plot.h"

#define LONGEST		12

/* How a profile fits a record. */
struct fit {
	const char *path;
	uint64_t listed, repeated, bad;
	uint64_t missed, missed_bytes;	/* waited for, and not listed */
	uint64_t in_vain;		/* listed, and not in the record */
};

static int fail(const char *path, int err)
{
	fprintf(stderr, "cfs-report: %s: %s\n", path, strerror(-err));
	return EXIT_FAILED;
}

static int read_record(const char *path, struct record *record)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = fd < 0 ? -errno : record_read(record, fd);

	if (err)
		return fail(path, err);
	if (!record->n) {
		fprintf(stderr, "cfs-report: %s: no times in it: not a file of --record, or nothing was fetched\n",
			path);
		return EXIT_FAILED;
	}
	return 0;
}

static void compare_with(const struct record *record, struct digest_list *list,
			 struct fit *fit)
{
	size_t n_used = 0, n_unique = 0;

	digest_list_sort(list);
	for (size_t i = 0; i < list->n; i++)
		if (i == 0 || !cfs_digest_equal(&list->digests[i],
						&list->digests[n_unique - 1]))
			list->digests[n_unique++] = list->digests[i];
	fit->listed = n_unique;
	fit->repeated = list->n - n_unique;
	list->n = n_unique;
	for (size_t i = 0; i < record->n; i++) {
		const struct record_entry *entry = &record->entries[i];

		if (digest_list_has(list, &entry->digest)) {
			n_used++;
		} else if (entry->asked_ms != RECORD_NEVER) {
			fit->missed++;
			fit->missed_bytes += entry->size;
		}
	}
	fit->in_vain = n_unique - (n_used < n_unique ? n_used : n_unique);
}

static int fit_profile(const struct record *record, const char *path,
		       struct fit *ret)
{
	struct digest_list list = { .n = 0 };
	struct profile_reader reader = {
		.digest = digest_list_add_to,
		.context = &list,
	};
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	int err = fd < 0 ? -errno : profile_read_file(&reader, fd);

	*ret = (struct fit){ .path = path };
	if (!err) {
		compare_with(record, &list, ret);
		ret->bad = reader.n_bad;
	}
	digest_list_free(&list);
	return err ? fail(path, err) : 0;
}

static const char *bytes(uint64_t n)
{
	static char text[4][UNITS_SIZE_LEN];
	static unsigned int next;

	return units_format_size(n, text[next++ % 4]);
}

static double seconds(uint32_t ms)
{
	return ms / 1000.0;
}

static uint32_t wait_of(const struct record_entry *entry)
{
	return entry->asked_ms == RECORD_NEVER ? 0 :
						 entry->done_ms - entry->asked_ms;
}

static int compare_waits(const void *a, const void *b)
{
	const struct record_entry *const *x = a, *const *y = b;

	if (wait_of(*x) != wait_of(*y))
		return wait_of(*x) > wait_of(*y) ? -1 : 1;
	return (*x)->sequence < (*y)->sequence ? -1 : 1;
}

/* The longest waits first; owned by the caller. */
static const struct record_entry **sort_waits(const struct record *record)
{
	const struct record_entry **sorted = calloc(record->n, sizeof(*sorted));

	if (!sorted)
		return NULL;
	for (size_t i = 0; i < record->n; i++)
		sorted[i] = &record->entries[i];
	qsort(sorted, record->n, sizeof(*sorted), compare_waits);
	return sorted;
}

static void print_text(const struct record *record, const struct judgement *j,
		       const struct record_entry *const *sorted)
{
	printf("start          %.2f s, %llu objects, %s\n",
	       seconds(j->last_ms - j->first_ms),
	       (unsigned long long)j->objects, bytes(j->bytes));
	printf("waiting        %.2f s in which somebody waited, for %llu misses (%s) and %llu objects that were under way\n",
	       seconds(j->waited_ms), (unsigned long long)j->missed,
	       bytes(j->missed_bytes), (unsigned long long)j->late);
	printf("fetched ahead  %llu objects (%s) that nobody had asked for by then\n",
	       (unsigned long long)j->ahead, bytes(j->ahead_bytes));
	printf("critical path  %zu waits, one after the other, cost %.2f s; a profile of all that was waited for would have cost about %.2f s\n",
	       j->n_chain, seconds(j->chain_ms), seconds(j->profile_ms));
	printf("link           %u ms for a small object, %s/s at best\n",
	       j->round_trip_ms, bytes(j->rate));
	for (size_t i = 0; i < record->n && i < LONGEST; i++) {
		char hex[CFS_DIGEST_HEX_LEN + 1];

		if (!wait_of(sorted[i]))
			break;
		cfs_digest_format(&sorted[i]->digest, hex);
		printf("waited         %.3f s at %.3f s for %s, %s\n",
		       seconds(wait_of(sorted[i])),
		       seconds(sorted[i]->asked_ms - j->first_ms), hex,
		       bytes(sorted[i]->size));
	}
}

static void print_fit(const struct fit *fit)
{
	printf("profile        %s lists %llu objects; it lacks %llu that were waited for (%s); %llu were not used\n",
	       fit->path, (unsigned long long)fit->listed,
	       (unsigned long long)fit->missed, bytes(fit->missed_bytes),
	       (unsigned long long)fit->in_vain);
	if (fit->bad || fit->repeated)
		printf("               %llu lines of it are no digests, %llu list one again\n",
		       (unsigned long long)fit->bad,
		       (unsigned long long)fit->repeated);
}

static json_t *describe_wait(const struct record_entry *entry)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];

	cfs_digest_format(&entry->digest, hex);
	return json_pack("{s:s, s:I, s:I, s:I, s:s}", "object", hex,
			 "asked_ms", (json_int_t)entry->asked_ms, "waited_ms",
			 (json_int_t)wait_of(entry), "bytes",
			 (json_int_t)entry->size, "kind",
			 fetch_kind_name(entry->kind));
}

static json_t *describe(const struct record *record, const struct judgement *j)
{
	json_t *chain = json_array();
	json_t *root = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
		"duration_ms", (json_int_t)(j->last_ms - j->first_ms),
		"objects", (json_int_t)j->objects, "bytes", (json_int_t)j->bytes,
		"missed", (json_int_t)j->missed,
		"missed_bytes", (json_int_t)j->missed_bytes,
		"late", (json_int_t)j->late, "ahead", (json_int_t)j->ahead,
		"waited_ms", (json_int_t)j->waited_ms,
		"critical_path_ms", (json_int_t)j->chain_ms,
		"with_profile_ms", (json_int_t)j->profile_ms,
		"round_trip_ms", (json_int_t)j->round_trip_ms,
		"bytes_per_s", (json_int_t)j->rate);

	for (size_t i = 0; i < j->n_chain; i++)
		json_array_append_new(chain, describe_wait(
				&record->entries[j->chain[i]]));
	json_object_set_new(root, "critical_path", chain);
	json_object_set_new(root, "profiles", json_array());
	return root;
}

static void describe_fit(json_t *root, const struct fit *fit)
{
	json_array_append_new(json_object_get(root, "profiles"),
		json_pack("{s:s?, s:I, s:I, s:I, s:I, s:I, s:I}", "file", fit->path,
			  "listed", (json_int_t)fit->listed,
			  "missed", (json_int_t)fit->missed,
			  "missed_bytes", (json_int_t)fit->missed_bytes,
			  "in_vain", (json_int_t)fit->in_vain,
			  "bad_lines", (json_int_t)fit->bad,
			  "repeated", (json_int_t)fit->repeated));
}

static int plot(const struct record *record, const char *path)
{
	CLEANUP_FREE char *text = NULL;
	size_t len;
	FILE *file = open_memstream(&text, &len);
	int err = file ? record_plot(record, file) : -ENOMEM;

	if (file && fclose(file) != 0)
		err = -ENOMEM;
	if (!err)
		err = output_file_write(path, true, text, len);
	return err ? fail(path, err) : 0;
}

static int print_all(const struct report_options *options,
		     const struct record *record, const struct judgement *j)
{
	CLEANUP_FREE const struct record_entry **sorted = sort_waits(record);
	json_t *root = options->json ? describe(record, j) : NULL;
	int status = sorted ? 0 : fail(options->report, -ENOMEM);

	if (!status && !options->json)
		print_text(record, j, sorted);
	for (size_t i = 0; !status && i < options->n_profiles; i++) {
		struct fit fit;

		status = fit_profile(record, options->profiles[i], &fit);
		if (!status && options->json)
			describe_fit(root, &fit);
		else if (!status)
			print_fit(&fit);
	}
	if (!status && options->json) {
		json_dumpf(root, stdout, JSON_INDENT(1));
		putchar('\n');
	}
	json_decref(root);
	/* If both go to stdout, one after the other. */
	if (!status && options->plot && fflush(stdout) != 0)
		status = EXIT_FAILED;
	if (!status && options->plot)
		status = plot(record, options->plot);
	return !status && fflush(stdout) != 0 ? EXIT_FAILED : status;
}

int show_report(const struct report_options *options)
{
	struct record record;
	struct judgement judgement;
	int err, status;

	record_init(&record, 0);
	status = read_record(options->report, &record);
	if (!status) {
		err = record_judge(&record, &judgement);
		if (err) {
			status = fail(options->report, err);
		} else {
			status = print_all(options, &record, &judgement);
			judgement_free(&judgement);
		}
	}
	record_free(&record);
	return status;
}
