/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A growing list of digests, and looking one up once it is sorted.
 *
 * Ownership: the struct is the caller's, zeroed at first; digest_list_free()
 * releases what it holds.
 */
#ifndef FETCHER_PROFILE_DIGEST_LIST_H
#define FETCHER_PROFILE_DIGEST_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "cache/verity/digest.h"

struct digest_list {
	struct cfs_digest *digests;
	size_t n, capacity;
};

/** digest_list_add() - append; 0 or -ENOMEM */
int digest_list_add(struct digest_list *list, const struct cfs_digest *digest);

/** digest_list_add_to() - the same, as a callback of cache/mirror/profile.h */
int digest_list_add_to(void *list, const struct cfs_digest *digest);

/** digest_list_copy() - append all of @from; 0 or -ENOMEM */
int digest_list_copy(struct digest_list *list, const struct digest_list *from);

/** digest_list_sort() - by value */
void digest_list_sort(struct digest_list *list);

/** digest_list_has() - is it in the sorted list? */
bool digest_list_has(const struct digest_list *list,
		     const struct cfs_digest *digest);

/** digest_list_clear() - empty, the memory stays */
void digest_list_clear(struct digest_list *list);

void digest_list_free(struct digest_list *list);

#endif /* FETCHER_PROFILE_DIGEST_LIST_H */
