// SPDX-License-Identifier: GPL-2.0-or-later
/* The counters in Prometheus' text format, version 0.0.4. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cache/base/log.h"
#include "fetcher/prefetch/ahead.h"
#include "fetcher/allow/scan.h"
#include "fetcher/mount/mount.h"
#include "fetcher/loop/loop.h"
#include "fetcher/mirror/mirrors.h"
#include "fetcher/partial/partial.h"
#include "fetcher/status/status.h"

static void head(FILE *f, const char *name, const char *type, const char *help)
{
	fprintf(f, "# HELP cfs_%s %s\n# TYPE cfs_%s %s\n", name, help, name,
		type);
}

static void one(FILE *f, const char *name, const char *type, const char *help,
		uint64_t value)
{
	head(f, name, type, help);
	fprintf(f, "cfs_%s %llu\n", name, (unsigned long long)value);
}

/* A label's value: backslash, quote and newline are escaped. */
static void print_label(FILE *f, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", f);
		else if (*text == '"' || *text == '\\')
			fprintf(f, "\\%c", *text);
		else
			fputc(*text, f);
	}
}

static void print_histogram(FILE *f, const char *name, const char *label,
			    const struct stats_histogram *histogram)
{
	const char *comma = *label ? "," : "";
	uint64_t n = 0;

	for (int i = 0; i < STATS_N_BUCKETS - 1; i++) {
		n += histogram->bucket[i];
		fprintf(f, "cfs_%s_bucket{%s%sle=\"%g\"} %llu\n", name, label,
			comma, (double)(1ull << i) / 1000,
			(unsigned long long)n);
	}
	fprintf(f, "cfs_%s_bucket{%s%sle=\"+Inf\"} %llu\n", name, label, comma,
		(unsigned long long)histogram->n);
	fprintf(f, "cfs_%s_sum%s%s%s %g\n", name, *label ? "{" : "", label,
		*label ? "}" : "", (double)histogram->sum_ms / 1000);
	fprintf(f, "cfs_%s_count%s%s%s %llu\n", name, *label ? "{" : "", label,
		*label ? "}" : "", (unsigned long long)histogram->n);
}

static void print_images(FILE *f, const struct status *status)
{
	const struct allow_count *total =
		allow_list_total(allow_scan_list(status->scan));

	one(f, "allowed_objects", "gauge", "Objects that the images name.",
	    total->objects);
	one(f, "allowed_bytes", "gauge", "Bytes of the objects that the images name.",
	    total->bytes);
	one(f, "allowed_objects_present", "gauge",
	    "Objects that the images name and the store has, as far as is known.",
	    total->present_objects);
	one(f, "allowed_bytes_present", "gauge",
	    "Bytes of the objects that the images name and the store has.",
	    total->present_bytes);
	one(f, "allowed_objects_fetched", "gauge",
	    "Objects that the images name and this process fetched, each counted once.",
	    total->fetched_objects);
	one(f, "allowed_bytes_fetched", "gauge",
	    "Bytes of the objects that the images name and this process fetched.",
	    total->fetched_bytes);
}

static void print_requests(FILE *f, const struct fuse_mount *mount)
{
	struct fuse_mount_stats stats;

	fuse_mount_stats(mount, &stats);
	one(f, "lookups_total", "counter", "Object names the kernel asked for.",
	    stats.lookups);
	one(f, "opens_total", "counter", "Objects the kernel opened.",
	    stats.opens);
	one(f, "hits_total", "counter", "Opens of objects that the store had.",
	    stats.hits);
	one(f, "misses_total", "counter",
	    "Requests for objects that the store did not have.", stats.misses);
	one(f, "damaged_total", "counter",
	    "Objects in the store that failed their check and were fetched again.",
	    stats.damaged);
	one(f, "refused_total", "counter",
	    "Requests for digests that no image names.", stats.refused);
	one(f, "request_errors_total", "counter",
	    "Misses that were answered with an error.", stats.failed);
	one(f, "read_bytes_total", "counter", "Bytes read through FUSE.",
	    stats.read_bytes);
	one(f, "interrupts_total", "counter",
	    "Signals that reached waiting readers.", stats.interrupts);
	one(f, "readers_gone_total", "counter", "Readers that died waiting.",
	    stats.gone);
	one(f, "waiting_requests", "gauge", "Requests that wait for an object.",
	    stats.n_waiting);
	head(f, "oldest_wait_seconds", "gauge",
	     "How long the oldest waiting request has been waiting.");
	fprintf(f, "cfs_oldest_wait_seconds %g\n",
		(double)stats.oldest_ms / 1000);
}

static void print_fetches(FILE *f, const struct fetch_stats *stats,
			  const struct partial_stats *parts)
{
	one(f, "fetched_objects_total", "counter", "Objects fetched into the store.",
	    stats->objects);
	one(f, "fetched_bytes_total", "counter",
	    "Bytes of the objects fetched into the store.", stats->object_bytes);
	one(f, "fetch_existed_total", "counter",
	    "Fetches of what the store had by then.", stats->existed);
	one(f, "fetch_errors_total", "counter", "Fetches that failed.",
	    stats->failed);
	one(f, "fetch_cancelled_total", "counter",
	    "Fetches that nobody waited for any more.", stats->cancelled);
	one(f, "fetch_retries_total", "counter",
	    "GETs after the first for one object.", stats->retries);
	one(f, "fetch_hedges_total", "counter",
	    "GETs sent to a second mirror because the first was late.",
	    stats->hedges);
	one(f, "fetch_hedges_won_total", "counter",
	    "GETs to a second mirror that answered first.", stats->hedges_won);
	one(f, "store_syncs_total", "counter", "Times the store was made durable.",
	    stats->syncs);
	one(f, "parts_total", "counter", "Parts of large objects asked for.",
	    parts->parts);
	one(f, "part_bytes_total", "counter",
	    "Bytes of large objects that came in parts.", parts->bytes);
	one(f, "parts_wrong_total", "counter",
	    "Parts with a block that did not have its hash.", parts->wrong);
	one(f, "part_reads_total", "counter",
	    "Reads of objects that were not whole yet.", parts->reads);
	one(f, "collections_total", "counter",
	    "Times the store was searched for what no image needs.",
	    stats->collections);
	one(f, "collected_objects_total", "counter",
	    "Objects removed since no image needs them.",
	    stats->collected_objects);
	one(f, "collected_bytes_total", "counter",
	    "Bytes on disk that they took.", stats->collected_bytes);
	one(f, "fetches_queued", "gauge", "Fetches that have no GET yet.",
	    stats->queued);
	one(f, "fetches_in_flight", "gauge", "Fetches that have a GET.",
	    stats->in_flight);
	one(f, "fetches_sealing", "gauge",
	    "Fetches being hashed, sealed and published.", stats->sealing);
	head(f, "fetch_wait_seconds", "histogram",
	     "Time from the first miss of an object to the answer.");
	print_histogram(f, "fetch_wait_seconds", "", &stats->wait);
}

static void print_ahead(FILE *f, const struct ahead *ahead)
{
	const struct prefetch_stats *stats = ahead_prefetch(ahead);

	one(f, "prefetch_listed_total", "counter",
	    "Objects that profiles list.", stats->listed);
	one(f, "prefetch_strange_total", "counter",
	    "Digests in profiles that their image does not name.",
	    stats->strange);
	one(f, "prefetch_fetched_objects_total", "counter",
	    "Objects fetched because a profile lists them.", stats->fetched);
	one(f, "prefetch_fetched_bytes_total", "counter",
	    "Bytes of the objects fetched because a profile lists them.",
	    stats->fetched_bytes);
	one(f, "prefetch_late_total", "counter",
	    "Prefetched objects that readers waited for before they were there.",
	    stats->late);
	one(f, "prefetch_failed_total", "counter",
	    "Objects that a profile lists and that could not be fetched.",
	    stats->failed);
	one(f, "prefetch_missed_total", "counter",
	    "Objects that readers waited for and that no profile lists.",
	    stats->missed);
	one(f, "prefetch_running", "gauge",
	    "1 while profiles are searched for or fetched.",
	    !ahead_prefetch_is_idle(ahead));
	one(f, "complete", "gauge",
	    "1 if completing was asked for and the store has all that images name.",
	    ahead_complete(ahead) == COMPLETE_DONE);
}

static char *mirror_label(const char *url)
{
	char *label = NULL;
	size_t len;
	FILE *f = open_memstream(&label, &len);

	if (!f)
		return NULL;
	fputs("mirror=\"", f);
	print_label(f, url);
	fputc('"', f);
	if (fclose(f) != 0) {
		free(label);
		return NULL;
	}
	return label;
}

enum mirror_part { MIRROR_UP, MIRROR_BYTES, MIRROR_RESULTS, MIRROR_LATENCY };

static int print_mirror(FILE *f, const struct status *status, size_t i,
			enum mirror_part part)
{
	struct mirrors *mirrors = fetcher_mirrors(status->fetcher);
	const struct mirror_stats *stats = mirrors_stats(mirrors, i);
	char *label = mirror_label(mirrors_url(mirrors, i));
	enum mirror_state state =
		mirrors_state(mirrors, i, loop_now_ms(status->loop));

	if (!label)
		return -ENOMEM;
	switch (part) {
	case MIRROR_UP:
		fprintf(f, "cfs_mirror_up{%s} %d\n", label,
			state == MIRROR_CLOSED);
		break;
	case MIRROR_BYTES:
		fprintf(f, "cfs_mirror_bytes_total{%s} %llu\n", label,
			(unsigned long long)stats->bytes);
		break;
	case MIRROR_RESULTS:
		for (int r = 0; r < N_FETCH_RESULTS; r++)
			fprintf(f, "cfs_mirror_requests_total{%s,result=\"%s\"} %llu\n",
				label, fetch_result_name(r),
				(unsigned long long)stats->results[r]);
		break;
	case MIRROR_LATENCY:
		print_histogram(f, "mirror_latency_seconds", label,
				&stats->latency);
		break;
	}
	free(label);
	return 0;
}

static int print_mirrors(FILE *f, const struct status *status)
{
	static const struct {
		enum mirror_part part;
		const char *name, *type, *help;
	} parts[] = {
		{ MIRROR_UP, "mirror_up", "gauge",
		  "1 if requests go to this mirror." },
		{ MIRROR_BYTES, "mirror_bytes_total", "counter",
		  "Bytes of bodies received from this mirror." },
		{ MIRROR_RESULTS, "mirror_requests_total", "counter",
		  "GETs to this mirror, by how they ended." },
		{ MIRROR_LATENCY, "mirror_latency_seconds", "histogram",
		  "Time from request to last byte." },
	};
	size_t n = mirrors_count(fetcher_mirrors(status->fetcher));
	int err;

	for (size_t p = 0; p < sizeof(parts) / sizeof(*parts); p++) {
		head(f, parts[p].name, parts[p].type, parts[p].help);
		for (size_t i = 0; i < n; i++) {
			err = print_mirror(f, status, i, parts[p].part);
			if (err)
				return err;
		}
	}
	return 0;
}

int status_metrics(const struct status *status, char **ret, size_t *ret_len)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	int err;

	if (!f)
		return -ENOMEM;
	print_images(f, status);
	if (status->mount)
		print_requests(f, status->mount);
	print_fetches(f, fetcher_stats(status->fetcher),
		      partials_stats(fetcher_partials(status->fetcher)));
	if (status->ahead)
		print_ahead(f, status->ahead);
	err = print_mirrors(f, status);
	one(f, "log_lines_dropped_total", "counter",
	    "Log lines that could not be written without waiting.",
	    log_dropped());
	if (fclose(f) != 0)
		err = -ENOMEM;
	if (err) {
		free(text);
		return err;
	}
	*ret = text;
	*ret_len = len;
	return 0;
}
