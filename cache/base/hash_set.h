/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A set of pointers, found by a key inside what they point to.
 *
 * Ownership: a set is initialised with zeros ({ 0 }) and released by
 * hash_set_release().  What the pointers lead to is borrowed and must live as
 * long as the set.  One thread at a time.
 */
#ifndef CACHE_BASE_HASH_SET_H
#define CACHE_BASE_HASH_SET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hash_set_slot {
	uint64_t hash;
	void *item;			/* NULL: free */
};

struct hash_set {
	struct hash_set_slot *slots;	/* owned */
	size_t n_slots;			/* 0 or a power of two */
	size_t n_items;
};

/** typedef hash_set_equal_fn - is this item the one with that key? */
typedef bool (*hash_set_equal_fn)(const void *item, const void *key);

/**
 * hash_set_find() - the item that has a key
 * @hash: of @key
 *
 * Return: the item or NULL.
 */
void *hash_set_find(const struct hash_set *set, uint64_t hash,
		    hash_set_equal_fn equal, const void *key);

/**
 * hash_set_add() - add an item that is not in the set
 * @hash: of its key
 * @item: not NULL
 *
 * Return: 0 or -ENOMEM.
 */
int hash_set_add(struct hash_set *set, uint64_t hash, void *item);

/** hash_set_release() - free the set, not its items; the set is then empty */
void hash_set_release(struct hash_set *set);

#endif /* CACHE_BASE_HASH_SET_H */
