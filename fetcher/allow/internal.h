/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the allow list is made of, for list.c and claims.c.
 */
#ifndef FETCHER_ALLOW_INTERNAL_H
#define FETCHER_ALLOW_INTERNAL_H

#include "fetcher/allow/list.h"

#define ALLOW_SECRETS	(CFS_DIGEST_LEN / 8)

/* What images say of an object of which they do not say the same. */
struct allow_claims {
	uint64_t sizes[ALLOW_CLAIMS_MAX];
	uint64_t counted;		/* the first one */
	uint8_t n;
	bool more;
};

struct allow_list {
	struct allow_entry *entries;
	uint32_t n_entries;		/* ever handed out, free ones included */
	uint32_t n_used;
	uint32_t capacity;
	uint32_t first_free;		/* chained through ->size */
	uint32_t *index;		/* NO_ENTRY or a position in entries */
	uint32_t index_bits;
	uint64_t secret;
	uint64_t secrets[ALLOW_SECRETS];	/* for nodes */
	struct allow_claims *claims;
	uint32_t n_claims;
	uint32_t claims_capacity;
	uint32_t n_moved;		/* ever */
	struct allow_count total;
	struct allow_count images[ALLOW_IMAGES_MAX];
};

/** allow_count_everywhere() - for the images that name an entry, and the total */
void allow_count_everywhere(struct allow_list *list,
			    const struct allow_entry *entry, uint64_t bytes,
			    void (*count)(struct allow_count *count,
					  const struct allow_entry *entry,
					  uint64_t bytes));

/**
 * allow_list_claim() - an image claims a size of an object that was listed before
 *
 * Return: 0, ALLOW_LIST_CLASH or -ENOMEM.
 */
int allow_list_claim(struct allow_list *list, struct allow_entry *entry,
		     uint64_t size);

#endif /* FETCHER_ALLOW_INTERNAL_H */
