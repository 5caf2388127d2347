// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Write counters as Prometheus reads them.
 */
#include "server/metrics.h"

#include <stdio.h>
#include <stdlib.h>

static const struct {
	enum metric metric;
	const char *name;
	const char *labels;	/* "" or {...} */
	const char *type;
	const char *help;	/* NULL: another line of the name before */
} lines[] = {
	{ METRIC_CONNECTIONS, "cfs_serve_connections_total", "", "counter",
	  "Connections accepted." },
	{ METRIC_OPEN, "cfs_serve_connections", "", "gauge",
	  "Connections open now." },
	{ METRIC_REFUSED_PEER, "cfs_serve_refused_total", "{limit=\"peer\"}",
	  "counter", "Connections turned away." },
	{ METRIC_REFUSED_TOTAL, "cfs_serve_refused_total", "{limit=\"total\"}",
	  "counter", NULL },
	{ METRIC_GAVE_WAY, "cfs_serve_gave_way_total", "", "counter",
	  "Idle or slow connections closed because all places were taken." },
	{ METRIC_CUT_SLOW, "cfs_serve_cut_slow_total", "", "counter",
	  "Connections cut because the peer was too slow." },
	{ METRIC_2XX, "cfs_serve_responses_total", "{class=\"2xx\"}", "counter",
	  "Responses by class of status." },
	{ METRIC_3XX, "cfs_serve_responses_total", "{class=\"3xx\"}", "counter",
	  NULL },
	{ METRIC_4XX, "cfs_serve_responses_total", "{class=\"4xx\"}", "counter",
	  NULL },
	{ METRIC_5XX, "cfs_serve_responses_total", "{class=\"5xx\"}", "counter",
	  NULL },
	{ METRIC_BYTES, "cfs_serve_body_bytes_total", "", "counter",
	  "Bytes of bodies sent." },
	{ METRIC_CACHE_HITS, "cfs_serve_cache_hits_total", "", "counter",
	  "Requests for an object that was open already." },
	{ METRIC_CACHE_MISSES, "cfs_serve_cache_misses_total", "", "counter",
	  "Requests for an object that had to be opened." },
	{ METRIC_REJECTED_FILES, "cfs_serve_rejected_files_total", "",
	  "counter",
	  "Files of the store not served: not regular, unsealed or not that object." },
	{ METRIC_READ_ERRORS, "cfs_serve_read_errors_total", "", "counter",
	  "Files of the store that could not be read." },
	{ METRIC_LOG_DROPPED, "cfs_serve_log_dropped_total", "", "counter",
	  "Lines of the access log that could not be written." },
};

void metrics_sum(const struct metrics *metrics, struct metrics *ret)
{
	size_t i;

	for (i = 0; i < N_METRICS; i++)
		ret->values[i] += __atomic_load_n(&metrics->values[i],
						  __ATOMIC_RELAXED);
}

char *metrics_format(const struct metrics *sum)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);
	size_t i;

	if (!f)
		return NULL;
	for (i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		if (lines[i].help)
			fprintf(f, "# HELP %s %s\n# TYPE %s %s\n",
				lines[i].name, lines[i].help, lines[i].name,
				lines[i].type);
		fprintf(f, "%s%s %llu\n", lines[i].name, lines[i].labels,
			(unsigned long long)sum->values[lines[i].metric]);
	}
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}
