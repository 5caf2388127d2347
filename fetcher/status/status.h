/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All that can be known of a running fetcher, as JSON and for Prometheus: the
 * content of MNT/.cfs/status.json, MNT/.cfs/metrics and of a status file.
 *
 * Ownership: a struct status is the caller's; what it points to is borrowed.
 * Runs on the loop's thread.
 */
#ifndef FETCHER_STATUS_STATUS_H
#define FETCHER_STATUS_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fetcher/engine/fetch.h"

struct ahead;
struct allow_scan;
struct cfs_store;
struct fuse_mount;
struct loop;

#define STATUS_ERRORS	8

/* A failure as the log told it. */
struct status_error {
	uint64_t at_ms;			/* 0: there is none here */
	struct cfs_digest digest;
	const char *mirror;		/* lives as long as the engine; or NULL */
	enum fetch_result result;
	int err;
	char reason[96];
};

/**
 * struct status - where the numbers come from
 * @ahead: NULL if nothing is done ahead of readers
 * @mount: NULL as long as there is none
 * @errors: the last ones, next_error being the oldest
 */
struct status {
	const struct loop *loop;
	const struct cfs_store *store;
	struct fetcher *fetcher;
	struct allow_scan *scan;
	struct ahead *ahead;
	const struct fuse_mount *mount;
	const struct fetch_config *config;
	const char *mountpoint;
	const char *store_path;
	uint64_t started_ms;
	struct status_error errors[STATUS_ERRORS];
	size_t next_error;
};

/** status_note_error() - remember a failure; its mirror's URL is borrowed */
void status_note_error(struct status *status, const struct fetch_event *event);

/**
 * status_json() - everything
 * @ret: text, owned by the caller; untouched on failure
 * @ret_len: its length
 *
 * Return: 0 or -ENOMEM.
 */
int status_json(const struct status *status, char **ret, size_t *ret_len);

/** status_metrics() - the counters in Prometheus' text format; as status_json() */
int status_metrics(const struct status *status, char **ret, size_t *ret_len);

#endif /* FETCHER_STATUS_STATUS_H */
