/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may be fetched: {digest -> size} of every object the images name.
 *
 * Nothing outside this list is ever asked of a mirror, and a body longer than
 * its size is cut.  It is also where a FUSE node finds its object: the node id
 * of an object is the first 62 bits of its digest, so that it needs no memory
 * of its own and stays the same when the daemon is replaced.
 *
 * Images are not trusted, and one must not spoil what another one needs:
 *
 *	SIZE KNOWN --- another image claims another size ---> CONTESTED
 *	    |                                                    |
 *	    +------- fetched: compared with the digest ----------+--> SETTLED
 *
 * A contested size is none: as many bytes are taken as the largest plausible claim
 * says, and the digest, which includes the size, decides.  Once settled no claim
 * counts any more.  And a digest that begins as another one does gets a secret
 * hash of itself for a node id.
 *
 * An entry costs 56 bytes and its index 8 to 16: 100,000 objects are 7 MiB.
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

/* A contested size: not known, but @n at most.  As %FETCH_SIZE_AT_MOST. */
#define ALLOW_SIZE_AT_MOST(n)	((uint64_t)1 << 63 | (n))

/* Claims that are kept; what is beyond counts for the largest one only. */
#define ALLOW_CLAIMS_MAX	8

/* A claim above this does not make a contested object so large (cf. --any-max-size). */
#define ALLOW_PLAUSIBLE		((uint64_t)16 << 30)

enum {
	ALLOW_LIST_CLASH = 1,	/* listed, but see allow_list_add() */
};

/**
 * struct allow_entry - one object
 * @size: in bytes, ALLOW_SIZE_UNKNOWN or ALLOW_SIZE_AT_MOST(), see
 *	allow_size_known(); to be fetched with it
 * @images: bit set of the image slots that name it; 0 if none does
 * @lookups: how often the kernel was given its node, see allow_list_hold()
 * @fetched: this process put it into the store
 * @present: the store has it, as far as is known
 * @wanted: a profile lists it
 * @contested: images claim several sizes; see allow_list_sizes()
 * @doubted: it is or was @contested: the kernel may remember another size
 * @settled: its bytes were compared with the digest: the size is right
 * @moved: another digest has the node id that this one would have
 * @used: false for a free entry, which callers never see
 */
struct allow_entry {
	struct cfs_digest digest;
	uint64_t size;
	uint32_t images;
	uint32_t claims;		/* private */
	uint32_t lookups : 24;
	uint32_t contested : 1;
	uint32_t doubted : 1;
	uint32_t settled : 1;
	uint32_t moved : 1;
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

/** allow_size_known() - not unknown, and not contested? */
static inline bool allow_size_known(uint64_t size)
{
	return !(size >> 63);
}

/**
 * allow_size_contest() - what is known of a size, after another claim
 * @known: the size, or ALLOW_SIZE_AT_MOST()
 * @claim: which is not @known
 */
static inline uint64_t allow_size_contest(uint64_t known, uint64_t claim)
{
	uint64_t most = known & ~ALLOW_SIZE_AT_MOST(0);
	uint64_t smaller = claim < most ? claim : most;
	uint64_t larger = claim < most ? most : claim;

	return ALLOW_SIZE_AT_MOST(larger <= ALLOW_PLAUSIBLE ? larger : smaller);
}

/** allow_list_node() - the 62 bits that are an object's node id, if it is not @moved */
uint64_t allow_list_node(const struct cfs_digest *digest);

/** allow_list_entry_node() - the node id of an entry, 62 bits */
uint64_t allow_list_entry_node(const struct allow_list *list,
			       const struct allow_entry *entry);

/**
 * allow_list_sizes() - which sizes may the object have?
 * @ret: the sizes; ALLOW_SIZE_UNKNOWN among them for any
 *
 * Return: how many, at least 1.
 */
size_t allow_list_sizes(const struct allow_list *list,
			const struct allow_entry *entry,
			uint64_t ret[ALLOW_CLAIMS_MAX + 1]);

/** allow_list_bytes() - the size as it is counted; 0 if nothing is known */
uint64_t allow_list_bytes(const struct allow_list *list,
			  const struct allow_entry *entry);

/** allow_list_settle() - the object has the digest, and so many bytes */
void allow_list_settle(struct allow_list *list, struct allow_entry *entry,
		       uint64_t size);

/**
 * allow_list_add() - an image names an object
 * @slot: of the image, below ALLOW_IMAGES_MAX; or -1 for none: the entry is then
 *	to be held, and lives as long
 * @ret: the entry; untouched unless 0; NULL is allowed
 *
 * Return: 0 (also if it was there already); -ENOMEM; ALLOW_LIST_CLASH if the
 * object is listed with another size, too.
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

/**
 * allow_list_fetched() - an object was fetched, with the size of the entry if that is
 *	known: count it, once; it is present
 */
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
