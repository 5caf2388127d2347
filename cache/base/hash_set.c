// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/base/hash_set.h"

#include <errno.h>
#include <stdlib.h>

#define SLOTS_MIN	64

void *hash_set_find(const struct hash_set *set, uint64_t hash,
		    hash_set_equal_fn equal, const void *key)
{
	size_t i;

	if (!set->n_slots)
		return NULL;
	/* At most half the slots are in use, so a free one ends the search. */
	for (i = hash & (set->n_slots - 1); set->slots[i].item;
	     i = (i + 1) & (set->n_slots - 1)) {
		if (set->slots[i].hash == hash &&
		    equal(set->slots[i].item, key))
			return set->slots[i].item;
	}
	return NULL;
}

static void insert(struct hash_set *set, uint64_t hash, void *item)
{
	size_t i = hash & (set->n_slots - 1);

	while (set->slots[i].item)
		i = (i + 1) & (set->n_slots - 1);
	set->slots[i].hash = hash;
	set->slots[i].item = item;
}

static int grow(struct hash_set *set)
{
	struct hash_set bigger = {
		.n_slots = set->n_slots ? set->n_slots * 2 : SLOTS_MIN,
		.n_items = set->n_items,
	};
	size_t i;

	bigger.slots = calloc(bigger.n_slots, sizeof(*bigger.slots));
	if (!bigger.slots)
		return -ENOMEM;
	for (i = 0; i < set->n_slots; i++) {
		if (set->slots[i].item)
			insert(&bigger, set->slots[i].hash,
			       set->slots[i].item);
	}
	free(set->slots);
	*set = bigger;
	return 0;
}

int hash_set_add(struct hash_set *set, uint64_t hash, void *item)
{
	if (set->n_items >= set->n_slots / 2) {
		int err = grow(set);

		if (err)
			return err;
	}
	insert(set, hash, item);
	set->n_items++;
	return 0;
}

void hash_set_release(struct hash_set *set)
{
	free(set->slots);
	*set = (struct hash_set){ 0 };
}
