// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "fetcher/allow/scan.h"
#include "fetcher/http/config.h"
#include "fetcher/loop/loop.h"
#include "fetcher/status/status.h"
#include "tests/unit/store_dir.h"
#include "tests/unit/test.h"

#define MIRROR	"http://127.0.0.1:9/a\\b"

struct fixture {
	struct store_dir dir;
	struct fetch_config config;
	struct loop *loop;
	struct status status;
};

static void fixture_init(struct fixture *f)
{
	f->dir = store_dir_new();
	fetch_config_init(&f->config);
	CHECK_EQ(fetch_config_add_mirror(&f->config, "http://127.0.0.1:9/a"), 0);
	CHECK_EQ(fetch_config_add_mirror(&f->config, "https://b.example"), 0);
	CHECK_EQ(loop_new(0, 1, &f->loop), 0);
	f->status = (struct status){
		.loop = f->loop,
		.store = f->dir.store,
		.config = &f->config,
		.mountpoint = "/run/with \"quotes\"",
		.store_path = f->dir.path,
		.started_ms = loop_now_ms(f->loop),
	};
	CHECK_EQ(fetcher_new(f->loop, f->dir.store, &f->config, NULL, NULL,
			     &f->status.fetcher), 0);
	CHECK_EQ(allow_scan_new(f->dir.store, NULL, 0, &f->status.scan), 0);
}

static void fixture_deinit(struct fixture *f)
{
	fetcher_free(f->status.fetcher);
	allow_scan_free(f->status.scan);
	loop_free(f->loop);
	fetch_config_free(&f->config);
	store_dir_free(&f->dir);
}

static json_t *parse(const struct status *status)
{
	char *text;
	size_t len;
	json_t *root;

	CHECK_EQ(status_json(status, &text, &len), 0);
	CHECK_EQ(strlen(text), len);
	root = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	CHECK(root);
	free(text);
	return root;
}

static json_int_t number(const json_t *object, const char *key)
{
	const json_t *value = json_object_get(object, key);

	CHECK(json_is_integer(value));
	return json_integer_value(value);
}

/* What there is, is there: totals, images, mirrors, each with its counters. */
static void test_json_has_all_of_it(void)
{
	struct fixture f;
	struct allow_entry *entry;
	struct cfs_digest digest = { { 7 } };
	json_t *root, *mirrors;

	fixture_init(&f);
	CHECK_EQ(allow_list_add(allow_scan_list(f.status.scan), &digest, 1000,
				0, &entry), 0);
	allow_list_fetched(allow_scan_list(f.status.scan), entry);
	root = parse(&f.status);
	CHECK_EQ(number(json_object_get(root, "total"), "objects"), 1);
	CHECK_EQ(number(json_object_get(root, "total"), "fetched_bytes"), 1000);
	CHECK_EQ(number(json_object_get(root, "fetches"), "in_flight"), 0);
	CHECK(strcmp(json_string_value(json_object_get(root, "mountpoint")),
		     "/run/with \"quotes\"") == 0);
	mirrors = json_object_get(root, "mirrors");
	CHECK_EQ(json_array_size(mirrors), 2);
	CHECK(strcmp(json_string_value(json_object_get(
			     json_array_get(mirrors, 1), "url")),
		     "https://b.example") == 0);
	CHECK_EQ(json_array_size(json_object_get(root, "errors")), 0);
	json_decref(root);
	fixture_deinit(&f);
}

/* The last eight failures, oldest first, whatever bytes a server made of them. */
static void test_errors_are_kept_for_a_while(void)
{
	struct fixture f;
	struct cfs_digest digest = { { 1 } };
	struct fetch_event event = {
		.digest = &digest,
		.mirror = MIRROR,
		.result = FETCH_RESULT_STATUS,
		.err = -EIO,
	};
	json_t *root, *errors;

	fixture_init(&f);
	for (int i = 0; i < STATUS_ERRORS + 3; i++) {
		char reason[200];

		memset(reason, 'x', sizeof(reason) - 1);
		reason[sizeof(reason) - 1] = '\0';
		snprintf(reason, sizeof(reason), "status %d%s", 500 + i,
			 i == 5 ? "\xff\xfe" : "");
		event.reason = i == 6 ? NULL : reason;
		status_note_error(&f.status, &event);
	}
	root = parse(&f.status);
	errors = json_object_get(root, "errors");
	CHECK_EQ(json_array_size(errors), STATUS_ERRORS);
	CHECK(strcmp(json_string_value(json_object_get(
			     json_array_get(errors, 0), "reason")),
		     "status 503") == 0);
	CHECK(strcmp(json_string_value(json_object_get(
			     json_array_get(errors, 2), "reason")), "?") == 0);
	CHECK(json_is_null(json_object_get(json_array_get(errors, 3),
					   "reason")));
	json_decref(root);
	fixture_deinit(&f);
}

/* Each metric has its help and type once, right before its samples. */
static void test_metrics_are_well_formed(void)
{
	struct fixture f;
	char *text, *line, *rest, name[128] = "";
	size_t len, n_samples = 0;

	fixture_init(&f);
	CHECK_EQ(status_metrics(&f.status, &text, &len), 0);
	CHECK(len && text[len - 1] == '\n');
	CHECK(strstr(text, "cfs_mirror_up{mirror=\"https://b.example\"} 1\n"));
	for (line = strtok_r(text, "\n", &rest); line;
	     line = strtok_r(NULL, "\n", &rest)) {
		if (strncmp(line, "# HELP ", 7) == 0) {
			CHECK_EQ(sscanf(line + 7, "%127s", name), 1);
			line = strtok_r(NULL, "\n", &rest);
			CHECK(line && strncmp(line, "# TYPE ", 7) == 0);
			CHECK(strncmp(line + 7, name, strlen(name)) == 0);
			continue;
		}
		CHECK(strncmp(line, name, strlen(name)) == 0);
		CHECK(strrchr(line, ' ') && strrchr(line, ' ')[1]);
		n_samples++;
	}
	CHECK(n_samples > 50);
	free(text);
	fixture_deinit(&f);
}

RUN_TESTS(T(test_json_has_all_of_it), T(test_errors_are_kept_for_a_while),
	  T(test_metrics_are_well_formed))
