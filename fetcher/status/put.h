/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Members of JSON objects, for the files that describe parts of a status.
 */
#ifndef FETCHER_STATUS_PUT_H
#define FETCHER_STATUS_PUT_H

#include <jansson.h>
#include <stdint.h>

#include "cache/verity/digest.h"

struct ahead;
struct fetcher;

static inline void put(json_t *object, const char *key, uint64_t value)
{
	json_object_set_new(object, key, json_integer((json_int_t)value));
}

/* A text that is not UTF-8 can't be told in JSON. */
static inline void put_text(json_t *object, const char *key, const char *text)
{
	json_t *value = text ? json_string(text) : json_null();

	json_object_set_new(object, key, value ? value : json_string("?"));
}

static inline void put_digest(json_t *object, const char *key,
			      const struct cfs_digest *digest)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];

	cfs_digest_format(digest, hex);
	put_text(object, key, hex);
}

/** status_describe_ahead() - prefetch and completing; empty for NULL */
json_t *status_describe_ahead(const struct ahead *ahead);

/** status_describe_flight() - what is under way, the oldest first, at most 64 */
json_t *status_describe_flight(struct fetcher *fetcher, uint64_t now_ms);

#endif /* FETCHER_STATUS_PUT_H */
