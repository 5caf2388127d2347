/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was fetched since the start, in order of first use, and when: the making of
 * profiles, and the evidence of why a start was slow.
 *
 * As a file it is a profile (cache/mirror/profile.h) whose comments tell the times:
 *
 *	# cfs-record 1
 *	# mirror 0 http://a.example
 *	#= 12 13 63 64 4096 demand 0
 *	5f0c...
 *
 * Before each digest: when a reader first waited for it ("-": none did), when the
 * GET was sent, when all its bytes had come, when it was in the store, all in
 * milliseconds since the start; its bytes; what the fetch began as; from which
 * mirror.  What was fetched in the background only is no part of the profile: its
 * digest stands at the end of such a comment.
 *
 * Bounded: RECORD_MAX objects of 72 bytes, the first ones of a start.
 *
 * Ownership: record_new() gives the caller a record to record_free().
 * Single-threaded.
 */
#ifndef FETCHER_PROFILE_RECORD_H
#define FETCHER_PROFILE_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "cache/verity/digest.h"
#include "fetcher/engine/fetch.h"

#define RECORD_MAX	32768
#define RECORD_NEVER	UINT32_MAX

/**
 * struct record_entry - one object
 * @size: in bytes
 * @sequence: of first use
 * @asked_ms: since the start, as the next ones; or RECORD_NEVER
 * @kind: enum fetch_kind
 */
struct record_entry {
	struct cfs_digest digest;
	uint64_t size;
	uint32_t sequence;
	uint32_t asked_ms, sent_ms, got_ms, done_ms;
	uint8_t kind;
	uint8_t mirror;
};

struct record {
	uint64_t start_ms;		/* on the loop's clock */
	struct record_entry *entries;
	size_t n, capacity;
	uint64_t n_dropped;		/* beyond RECORD_MAX, or without memory */
};

/** record_init() - nothing yet; @start_ms on the loop's clock */
void record_init(struct record *record, uint64_t start_ms);
void record_free(struct record *record);

/** record_add() - an object was fetched: a final event without error */
void record_add(struct record *record, const struct fetch_event *event,
		uint64_t now_ms);

/** record_sort() - by first use; what nobody used and was prefetched where it began */
void record_sort(struct record *record);

/**
 * record_write() - the file, to @file
 * @record: sorted
 * @mirrors: their URLs, by number
 * @n_mirrors: how many
 */
void record_write(const struct record *record, FILE *file,
		  const char *const *mirrors, size_t n_mirrors);

/**
 * record_read() - read such a file
 * @record: empty
 * @fd: borrowed
 *
 * A plain profile gives an empty record.
 *
 * Return: 0, -EFBIG, -ENOMEM or -errno.
 */
int record_read(struct record *record, int fd);

#endif /* FETCHER_PROFILE_RECORD_H */
