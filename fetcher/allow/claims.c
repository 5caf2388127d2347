// SPDX-License-Identifier: GPL-2.0-or-later
/* Which size an object has, if images do not say the same. */
#include <errno.h>
#include <stdlib.h>

#include "fetcher/allow/internal.h"

uint64_t allow_list_bytes(const struct allow_list *list,
			  const struct allow_entry *entry)
{
	if (entry->contested)
		return list->claims[entry->claims].counted;
	return allow_size_known(entry->size) ? entry->size : 0;
}

void allow_count_everywhere(struct allow_list *list,
			    const struct allow_entry *entry, uint64_t bytes,
			    void (*count)(struct allow_count *count,
					   const struct allow_entry *entry,
					   uint64_t bytes))
{
	if (entry->images)
		count(&list->total, entry, bytes);
	for (int slot = 0; slot < ALLOW_IMAGES_MAX; slot++)
		if (entry->images & 1u << slot)
			count(&list->images[slot], entry, bytes);
}

/* It has @more bytes than were counted; less, if that wraps. */
static void count_more(struct allow_count *count,
		       const struct allow_entry *entry, uint64_t more)
{
	count->bytes += more;
	if (entry->fetched)
		count->fetched_bytes += more;
	if (entry->present)
		count->present_bytes += more;
}

static int new_claims(struct allow_list *list, struct allow_entry *entry)
{
	uint32_t capacity = list->claims_capacity ? 2 * list->claims_capacity :
						    64;
	struct allow_claims *claims;

	if (list->n_claims == list->claims_capacity) {
		claims = reallocarray(list->claims, capacity, sizeof(*claims));
		if (!claims)
			return -ENOMEM;
		list->claims = claims;
		list->claims_capacity = capacity;
	}
	list->claims[list->n_claims] = (struct allow_claims){
		.sizes = { entry->size },
		.counted = entry->size,
		.n = 1,
	};
	entry->claims = list->n_claims++;
	entry->contested = 1;
	entry->doubted = 1;
	return 0;
}

int allow_list_claim(struct allow_list *list, struct allow_entry *entry,
		     uint64_t size)
{
	struct allow_claims *claims;

	if (size == entry->size || size == ALLOW_SIZE_UNKNOWN)
		return 0;
	if (entry->settled)
		return ALLOW_LIST_CLASH;
	if (!entry->contested && new_claims(list, entry) < 0)
		return -ENOMEM;
	claims = &list->claims[entry->claims];
	for (uint8_t i = 0; i < claims->n; i++)
		if (claims->sizes[i] == size)
			return ALLOW_LIST_CLASH;
	if (claims->n < ALLOW_CLAIMS_MAX)
		claims->sizes[claims->n++] = size;
	else
		claims->more = true;
	entry->size = allow_size_contest(entry->size, size);
	return ALLOW_LIST_CLASH;
}

size_t allow_list_sizes(const struct allow_list *list,
			const struct allow_entry *entry,
			uint64_t ret[ALLOW_CLAIMS_MAX + 1])
{
	const struct allow_claims *claims;
	size_t n;

	ret[0] = entry->size;
	if (!entry->contested)
		return 1;
	claims = &list->claims[entry->claims];
	for (n = 0; n < claims->n; n++)
		ret[n] = claims->sizes[n];
	if (claims->more)
		ret[n++] = ALLOW_SIZE_UNKNOWN;
	return n;
}

void allow_list_settle(struct allow_list *list, struct allow_entry *entry,
		       uint64_t size)
{
	allow_count_everywhere(list, entry, size - allow_list_bytes(list, entry),
			 count_more);
	entry->size = size;
	entry->contested = 0;
	entry->settled = 1;
}

