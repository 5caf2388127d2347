// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/log.h"
#include "cache/store/store.h"
#include "fetcher/allow/scan.h"
#include "fetcher/http/config.h"
#include "fetcher/mount/mount.h"
#include "fetcher/loop/loop.h"
#include "fetcher/mirror/offers.h"
#include "fetcher/mirror/mirrors.h"
#include "fetcher/partial/partial.h"
#include "fetcher/status/status.h"
#include "fetcher/status/put.h"

void status_note_error(struct status *status, const struct fetch_event *event)
{
	struct status_error *error = &status->errors[status->next_error];

	*error = (struct status_error){
		.at_ms = loop_now_ms(status->loop),
		.digest = *event->digest,
		.mirror = event->mirror,
		.result = event->result,
		.err = event->err,
	};
	snprintf(error->reason, sizeof(error->reason), "%s",
		 event->reason ? event->reason : "");
	status->next_error = (status->next_error + 1) % STATUS_ERRORS;
}

static void put_count(json_t *object, const struct allow_count *count)
{
	put(object, "objects", count->objects);
	put(object, "bytes", count->bytes);
	put(object, "present_objects", count->present_objects);
	put(object, "present_bytes", count->present_bytes);
	put(object, "fetched_objects", count->fetched_objects);
	put(object, "fetched_bytes", count->fetched_bytes);
}

static json_t *describe_images(const struct status *status)
{
	const struct allow_list *list = allow_scan_list(status->scan);
	json_t *array = json_array();
	size_t n;
	const struct allow_image *images = allow_scan_images(status->scan, &n);

	for (size_t i = 0; i < n; i++) {
		const struct allow_image *image = &images[i];
		json_t *object = json_object();

		put_digest(object, "digest", &image->digest);
		put_text(object, "name", image->name);
		if (image->slot < ALLOW_IMAGES_MAX - 1)
			put_count(object, allow_list_image(list, image->slot));
		put(object, "clashes", image->clashes);
		put(object, "unfetchable", image->n_files);
		put_text(object, "error",
			 image->err ? strerror(-image->err) : NULL);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *describe_requests(const struct fuse_mount *mount)
{
	json_t *object = json_object();
	struct fuse_mount_stats stats;

	if (!mount)
		return object;
	fuse_mount_stats(mount, &stats);
	put(object, "lookups", stats.lookups);
	put(object, "opens", stats.opens);
	put(object, "hits", stats.hits);
	put(object, "misses", stats.misses);
	put(object, "repeats", stats.repeats);
	put(object, "damaged", stats.damaged);
	put(object, "refused", stats.refused);
	put(object, "failed", stats.failed);
	put(object, "read_bytes", stats.read_bytes);
	put(object, "waiting", stats.n_waiting);
	put(object, "oldest_wait_ms", stats.oldest_ms);
	put(object, "interrupts", stats.interrupts);
	put(object, "gone", stats.gone);
	return object;
}

static json_t *describe_fetches(const struct fetch_stats *stats)
{
	json_t *object = json_object();

	put(object, "objects", stats->objects);
	put(object, "bytes", stats->object_bytes);
	put(object, "delivered", stats->delivered);
	put(object, "expanded", stats->expanded);
	put(object, "existed", stats->existed);
	put(object, "failed", stats->failed);
	put(object, "cancelled", stats->cancelled);
	put(object, "retries", stats->retries);
	put(object, "hedges", stats->hedges);
	put(object, "hedges_won", stats->hedges_won);
	put(object, "syncs", stats->syncs);
	put(object, "collections", stats->collections);
	put(object, "collected_objects", stats->collected_objects);
	put(object, "collected_bytes", stats->collected_bytes);
	put(object, "queued", stats->queued);
	put(object, "in_flight", stats->in_flight);
	put(object, "sealing", stats->sealing);
	put(object, "waiters", stats->waiters);
	put(object, "wait_ms_sum", stats->wait.sum_ms);
	put(object, "waits", stats->wait.n);
	return object;
}

static json_t *describe_parts(const struct partial_stats *stats)
{
	json_t *object = json_object();

	put(object, "gets", stats->parts);
	put(object, "bytes", stats->bytes);
	put(object, "wrong", stats->wrong);
	put(object, "kept_blocks", stats->kept);
	put(object, "reads", stats->reads);
	put(object, "waits", stats->waits);
	return object;
}

static const char *state_name(enum mirror_state state)
{
	switch (state) {
	case MIRROR_CLOSED:
		return "good";
	case MIRROR_OPEN:
		return "avoided";
	case MIRROR_HALF_OPEN:
		return "probed";
	}
	return "?";
}

static json_t *describe_offers(const struct mirror_offers *offers, size_t mirror)
{
	json_t *array = json_array();
	const char *name;

	for (unsigned int i = 1; (name = cfs_mirror_folder_name(i)); i <<= 1)
		if (mirror_offers(offers, mirror, i))
			json_array_append_new(array, json_string(name));
	return array;
}

static json_t *describe_mirrors(const struct status *status)
{
	struct mirrors *mirrors = fetcher_mirrors(status->fetcher);
	uint64_t now_ms = loop_now_ms(status->loop);
	json_t *array = json_array();

	for (size_t i = 0; i < mirrors_count(mirrors); i++) {
		const struct mirror_stats *stats = mirrors_stats(mirrors, i);
		json_t *object = json_object(), *results = json_object();

		put_text(object, "url", mirrors_url(mirrors, i));
		put_text(object, "state",
			 state_name(mirrors_state(mirrors, i, now_ms)));
		json_object_set_new(object, "offers",
				    describe_offers(fetcher_offers(status->fetcher),
						    i));
		put(object, "requests", stats->requests);
		put(object, "bytes", stats->bytes);
		put(object, "in_flight", stats->in_flight);
		put(object, "latency_ms_sum", stats->latency.sum_ms);
		put(object, "latencies", stats->latency.n);
		for (int r = 0; r < N_FETCH_RESULTS; r++) {
			if (stats->results[r])
				put(results, fetch_result_name(r),
				    stats->results[r]);
		}
		json_object_set_new(object, "results", results);
		json_array_append_new(array, object);
	}
	return array;
}

static json_t *describe_errors(const struct status *status)
{
	uint64_t now_ms = loop_now_ms(status->loop);
	json_t *array = json_array();

	for (size_t i = 0; i < STATUS_ERRORS; i++) {
		const struct status_error *error =
			&status->errors[(status->next_error + i) %
					STATUS_ERRORS];
		json_t *object;

		if (!error->at_ms)
			continue;
		object = json_object();
		put(object, "age_ms", now_ms - error->at_ms);
		put_digest(object, "object", &error->digest);
		put_text(object, "mirror", error->mirror);
		put_text(object, "result", fetch_result_name(error->result));
		put_text(object, "error",
			 error->err ? strerror(-error->err) : NULL);
		put_text(object, "reason", *error->reason ? error->reason : NULL);
		json_array_append_new(array, object);
	}
	return array;
}

int status_json(const struct status *status, char **ret, size_t *ret_len)
{
	json_t *root = json_object(), *total = json_object();
	char *text;

	put_text(root, "version", CFS_VERSION);
	put(root, "pid", getpid());
	put_text(root, "mountpoint", status->mountpoint);
	put_text(root, "store", status->store_path);
	put(root, "uptime_ms", loop_now_ms(status->loop) - status->started_ms);
	json_object_set_new(root, "hard", json_boolean(status->config->hard));
	json_object_set_new(root, "verity",
			    json_boolean(cfs_store_has_verity(status->store)));
	json_object_set_new(root, "io_uring",
			    json_boolean(loop_uses_io_uring(status->loop)));
	put(root, "log_lines_dropped", log_dropped());
	put_count(total, allow_list_total(allow_scan_list(status->scan)));
	json_object_set_new(root, "total", total);
	json_object_set_new(root, "images", describe_images(status));
	json_object_set_new(root, "requests", describe_requests(status->mount));
	json_object_set_new(root, "fetches",
			    describe_fetches(fetcher_stats(status->fetcher)));
	json_object_set_new(root, "parts",
			    describe_parts(partials_stats(
				    fetcher_partials(status->fetcher))));
	json_object_set_new(root, "mirrors", describe_mirrors(status));
	json_object_set_new(root, "in_flight",
			    status_describe_flight(status->fetcher,
						   loop_now_ms(status->loop)));
	json_object_set_new(root, "ahead", status_describe_ahead(status->ahead));
	json_object_set_new(root, "errors", describe_errors(status));
	text = json_dumps(root, JSON_INDENT(1));
	json_decref(root);
	if (!text)
		return -ENOMEM;
	*ret = text;
	*ret_len = strlen(text);
	return 0;
}
