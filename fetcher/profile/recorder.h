/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Keeps the record of a start and writes it out: to the file of --record, and as the
 * profile STORE/profiles/<image digest>.recorded of each image that it is about.
 *
 *	an object came ----> written once nothing has come for 2 s, at the latest
 *			     10 s after, and at the end
 *
 * An object that several images name goes into the profile of each.  What such a
 * profile listed before stays, in front: with the objects in the store already a
 * start has few misses, and they are not all that it needs.  After the first
 * RECORDER_MS of a process nothing is recorded any more: it is the start that counts.
 *
 * Files are replaced as a whole.  Ownership: recorder_new() gives the caller a
 * recorder to recorder_free(); what it is made of is borrowed.  Runs on the loop's
 * thread; writing blocks for as long as writing such a file takes.
 */
#ifndef FETCHER_PROFILE_RECORDER_H
#define FETCHER_PROFILE_RECORDER_H

#include <stdbool.h>
#include <stddef.h>

struct allow_scan;
struct cfs_store;
struct fetch_event;
struct fetcher;
struct loop;
struct recorder;

#define RECORDER_MS	(15 * 60 * 1000)

/**
 * recorder_new() - nothing recorded yet
 * @file: of --record, or NULL
 * @profiles: write the profiles of images, too
 * @ret: untouched on failure
 *
 * Return: 0, -ENOMEM, or why @file can't be written.
 */
int recorder_new(struct loop *loop, struct cfs_store *store,
		 struct allow_scan *scan, struct fetcher *fetcher,
		 const char *file, bool profiles, struct recorder **ret);

/** recorder_free() - writes what was not written yet; NULL is allowed */
void recorder_free(struct recorder *recorder);

/** recorder_event() - some fetch ended without error */
void recorder_event(struct recorder *recorder, const struct fetch_event *event);

/** recorder_n() - objects recorded so far */
size_t recorder_n(const struct recorder *recorder);

#endif /* FETCHER_PROFILE_RECORDER_H */
