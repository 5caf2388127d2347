/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Find a profile of an image and hand out its digests as they come: in the store,
 * or from the first mirror that has profiles and this one.
 *
 *	STORE/profiles/<image digest>[.NAME]
 *	BASE/profiles/<image digest>[.NAME]
 *
 *	   not in the store      a mirror says      its bytes
 *	                         it has profiles    come
 *	start ----------> WAITING ---------> GET ------------> over
 *	   |                 ^                |                 ^
 *	   |                 +-- it fails ----+                 |
 *	   +--- in the store; or no mirror is left -------------+
 *
 * Ownership: profile_find() gives the caller a search to profile_find_free(), at any
 * time but from inside its digest callback.  Runs on the loop's thread; a profile in
 * the store is read inside of profile_find().
 */
#ifndef FETCHER_PROFILE_FIND_H
#define FETCHER_PROFILE_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/verity/digest.h"
#include "cache/store/store.h"
#include "cache/mirror/profile.h"

struct fetcher;
struct loop;
struct profile_search;

/* "profiles/", a digest, a dot, a name and a NUL */
#define PROFILE_PATH_MAX	(9 + CFS_DIGEST_HEX_LEN + 1 + CFS_IMAGE_NAME_MAX + 1)

/* What cfs-fetch itself writes. */
#define PROFILE_RECORDED	"recorded"

/** profile_path() - below STORE or BASE; @name may be NULL; returns @ret */
const char *profile_path(const struct cfs_digest *image, const char *name,
			 char ret[PROFILE_PATH_MAX]);

/**
 * struct profile_wish - which profile, and what to do with it
 * @image: whose
 * @name: an image name (store.h), or NULL for the one without; copied
 * @local_only: do not ask mirrors
 * @digest: called for each digest; 0 to go on, -errno to stop
 * @over: called once at the end, from the loop; may free the search
 *	@where: "store", a mirror's URL, or NULL if nobody has it; borrowed
 *	@reader: what was read; borrowed
 * @context: passed to both
 */
struct profile_wish {
	struct cfs_digest image;
	const char *name;
	bool local_only;
	int (*digest)(void *context, const struct cfs_digest *digest);
	void (*over)(void *context, const char *where,
		     const struct profile_reader *reader);
	void *context;
};

/**
 * profile_find() - begin to search
 * @loop: borrowed, as the next two
 * @store: where to look first
 * @fetcher: has the mirrors
 * @ret: untouched on failure
 *
 * Return: 0 or -ENOMEM.
 */
int profile_find(struct loop *loop, struct cfs_store *store,
		 struct fetcher *fetcher, const struct profile_wish *wish,
		 struct profile_search **ret);

/** profile_find_free() - search no further; NULL is allowed */
void profile_find_free(struct profile_search *search);

#endif /* FETCHER_PROFILE_FIND_H */
