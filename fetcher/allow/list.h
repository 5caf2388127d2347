/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may be fetched: {digest -> size} of every object the images name.
 *
 * Nothing outside this list is ever asked of a mirror, and a body longer than
 * its size is cut.  It is also where a FUSE node finds its object: the node id
 * of an object is the first 62 bits of its digest, so that it needs no memory
 * of its own and stays the same when the daemon is replaced.  Two objects of
 * one node id can't both be listed: the second is refused.
 *
 * An entry costs 48 bytes and its index 8 to 16: 100,000 objects are 6 MiB.
 * Entries stay for as long as an image lists them or the kernel holds their
 * node (->lookups); an image that loses its name stays listed until
 * allow_list_clear(), since it may be mounted.
 *
 * Ownership: entries belong to the list; a pointer to one is borrowed until the
 * next call that adds or forgets.  Single-threaded.
 */
#ifndef FETCHER_ALLOW_LIST_H
#define FETCHER_ALLOW_LIST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/verity/digest.h"

struct allow_list;

/* Images told apart in the counts; those beyond share the last slot. */
#define ALLOW_IMAGES_MAX	32

/* Size of an object that no image names (cfs-fetch --any). */
#define ALLOW_SIZE_UNKNOWN	UINT64_MAX

enum {
	ALLOW_LIST_CLASH = 1,	/* refused: see allow_list_add() */
};

/**
 * struct allow_entry - one object
 * @size: in bytes, or ALLOW_SIZE_UNKNOWN
 * @images: bit set of the image slots that name it; 0 if none does
 * @lookups: how often the kernel was given its node, see allow_list_hold()
 * @fetched: this process put it into the store
 * @present: the store has it, as far as is known
 * @wanted: a profile lists it
 * @used: false for a free entry, which callers never see
 */
struct allow_entry {
	struct cfs_digest digest;
	uint64_t size;
	uint32_t images;
	uint32_t lookups : 28;
	uint32_t fetched : 1;
	uint32_t present : 1;
	uint32_t wanted : 1;
	uint32_t used : 1;
};

/**
 * struct allow_count - how much there is, how much of it the store has as far as
 *	is known, and how much of that this process fetched
 */
struct allow_count {
	uint64_t objects;
	uint64_t bytes;
	uint64_t present_objects;
	uint64_t present_bytes;
	uint64_t fetched_objects;
	uint64_t fetched_bytes;
};

/**
 * allow_list_new() - an empty list
 * @ret: owned by the caller; untouched on failure
 *
 * Return: 0 or -ENOMEM.
 */
int allow_list_new(struct allow_list **ret);

/** allow_list_free() - NULL is allowed */
void allow_list_free(struct allow_list *list);

/** allow_list_node() - the 62 bits that are an object's node id */
uint64_t allow_list_node(const struct cfs_digest *digest);

/**
 * allow_list_add() - an image names an object
 * @slot: of the image, below ALLOW_IMAGES_MAX; or -1 for none: the entry is then
 *	to be held, and lives as long
 * @ret: the entry; untouched unless 0; NULL is allowed
 *
 * Return: 0 (also if it was there already); -ENOMEM; ALLOW_LIST_CLASH if the
 * object is listed with another size, or another object has its node id: the
 * list is unchanged then.
 */
int allow_list_add(struct allow_list *list, const struct cfs_digest *digest,
		   uint64_t size, int slot, struct allow_entry **ret);

/** allow_list_find() - the entry of a digest, or NULL */
struct allow_entry *allow_list_find(struct allow_list *list,
				    const struct cfs_digest *digest);

/** allow_list_find_node() - the entry of a node id, or NULL */
struct allow_entry *allow_list_find_node(struct allow_list *list,
					 uint64_t node);

/**
 * allow_list_hold() - the kernel was given a node once more
 *
 * A count that no longer fits stays, and its entry with it.
 */
void allow_list_hold(struct allow_entry *entry);

/**
 * allow_list_forget() - the kernel dropped @n references of a node
 *
 * The entry is gone after this if no image names it.
 */
void allow_list_forget(struct allow_list *list, struct allow_entry *entry,
		       uint64_t n);

/** allow_list_fetched() - an object was fetched: count it, once; it is present */
void allow_list_fetched(struct allow_list *list, struct allow_entry *entry);

/** allow_list_set_present() - the store has it, or has it no more: count that */
void allow_list_set_present(struct allow_list *list, struct allow_entry *entry,
			    bool present);

/** allow_list_note_present() - the same, for a digest that may be listed no more */
void allow_list_note_present(struct allow_list *list,
			     const struct cfs_digest *digest);

/** allow_list_clear() - no image names anything now; held nodes stay */
void allow_list_clear(struct allow_list *list);

/**
 * allow_list_next() - walk the listed objects of one folder
 * @first_byte: of their digests
 * @position: 0 to start; moved behind the returned entry
 *
 * Return: an entry that an image names, or NULL at the end.
 */
const struct allow_entry *allow_list_next(const struct allow_list *list,
					  uint8_t first_byte,
					  uint64_t *position);

/**
 * allow_list_each() - walk all that images name, in the order in which they did
 * @position: 0 to start; moved behind the returned entry
 *
 * Return: an entry, or NULL at the end.
 */
struct allow_entry *allow_list_each(struct allow_list *list,
				    uint64_t *position);

/** allow_list_total() - over all that images name, each object once */
const struct allow_count *allow_list_total(const struct allow_list *list);

/** allow_list_image() - the same for one image slot */
const struct allow_count *allow_list_image(const struct allow_list *list,
					   int slot);

#endif /* FETCHER_ALLOW_LIST_H */
