/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A compressed object on its way into a body: zst/aa/<62 hex> of a mirror that has it.
 *
 * What does not fit the body at once is kept here, so an end of the GET may come before
 * the end of its bytes.  At most %FETCH_ZST_MAX at a time, since each may take a
 * megabyte and a half.
 *
 * Ownership: fetch_zst_new() gives the caller one to fetch_zst_free(); the body is
 * borrowed.  Runs on the loop's thread.
 */
#ifndef FETCHER_INGEST_ZSTD_BODY_H
#define FETCHER_INGEST_ZSTD_BODY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fetch_body;
struct fetch_zst;

#define FETCH_ZST_MAX	8

/**
 * fetch_zst_new() - the beginning of an object of @size bytes
 * @count: how many there are; lives longer than this
 *
 * Return: 0, -ENOMEM, or -EBUSY if there are enough.
 */
int fetch_zst_new(struct fetch_body *body, uint64_t size, unsigned int *count,
		  struct fetch_zst **ret);

/** fetch_zst_free() - NULL is allowed */
void fetch_zst_free(struct fetch_zst *zst);

/**
 * fetch_zst_add() - the next bytes
 *
 * Return: 0, HTTP_DATA_PAUSE (none were taken, see fetch_zst_continue()), -EBADMSG
 * (these are not the object, compressed), or what the body said.
 */
int fetch_zst_add(struct fetch_zst *zst, const void *data, size_t len);

/** fetch_zst_continue() - the body takes bytes again; as above, with what is kept */
int fetch_zst_continue(struct fetch_zst *zst);

/** fetch_zst_pending() - some bytes are kept */
bool fetch_zst_pending(const struct fetch_zst *zst);

/** fetch_zst_complete() - the body has the whole object */
bool fetch_zst_complete(const struct fetch_zst *zst);

#endif /* FETCHER_INGEST_ZSTD_BODY_H */
