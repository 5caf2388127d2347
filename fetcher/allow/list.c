// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A dense array of entries, and an open-addressed index of positions in it.
 *
 * Digests are uniform, but whoever writes an image can choose among them, so
 * the index multiplies by a secret odd number before it takes bits.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "fetcher/allow/internal.h"

#define NO_ENTRY	UINT32_MAX
#define FIRST_INDEX	1024		/* a power of two */
#define FIRST_ENTRIES	512
#define LOOKUPS_MAX	((1u << 24) - 1)

int allow_list_new(struct allow_list **ret)
{
	struct allow_list *list = calloc(1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	/* Without randomness the list is slower to attack, not wrong. */
	if (getrandom(&list->secret, sizeof(list->secret), GRND_NONBLOCK) < 0)
		list->secret = (uintptr_t)list;
	list->secret |= 1;
	if (getrandom(list->secrets, sizeof(list->secrets), GRND_NONBLOCK) < 0)
		for (size_t i = 0; i < ALLOW_SECRETS; i++)
			list->secrets[i] = list->secret * (2 * i + 3);
	list->first_free = NO_ENTRY;
	*ret = list;
	return 0;
}

void allow_list_free(struct allow_list *list)
{
	if (!list)
		return;
	free(list->entries);
	free(list->index);
	free(list->claims);
	free(list);
}

uint64_t allow_list_node(const struct cfs_digest *digest)
{
	uint64_t node = 0;

	for (int i = 0; i < 8; i++)
		node = node << 8 | digest->bytes[i];
	return node >> 2;
}

static uint64_t word_of(const struct cfs_digest *digest, size_t i)
{
	uint64_t word;

	memcpy(&word, digest->bytes + 8 * i, sizeof(word));
	return word;
}

/* Two digests with the same one are not to be found without the secrets. */
static uint64_t moved_node(const struct allow_list *list,
			   const struct cfs_digest *digest)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < ALLOW_SECRETS; i++) {
		uint64_t word = word_of(digest, i);

		sum += (word >> 32) * (list->secrets[i] | 1) +
		       (word & UINT32_MAX) * (list->secrets[i] >> 7 | 1);
		sum = sum << 29 | sum >> 35;
	}
	return sum >> 2;
}

uint64_t allow_list_entry_node(const struct allow_list *list,
			       const struct allow_entry *entry)
{
	return entry->moved ? moved_node(list, &entry->digest) :
			      allow_list_node(&entry->digest);
}

static uint32_t home_of(const struct allow_list *list, uint64_t node)
{
	return node * list->secret >> (64 - list->index_bits);
}

static uint32_t index_mask(const struct allow_list *list)
{
	return (1u << list->index_bits) - 1;
}

/* Where @node is in the index, or the hole where it would go. */
static uint32_t probe(const struct allow_list *list, uint64_t node)
{
	uint32_t at = home_of(list, node);

	while (list->index[at] != NO_ENTRY &&
	       allow_list_entry_node(list, &list->entries[list->index[at]]) != node)
		at = (at + 1) & index_mask(list);
	return at;
}

/* At most half full, so that probes stay short and always find a hole. */
static int grow_index(struct allow_list *list)
{
	uint32_t size = list->index ? 2u << list->index_bits : FIRST_INDEX;
	uint32_t *index;

	if (list->index && list->n_used < index_mask(list) / 2)
		return 0;
	if (size == 0)
		return -ENOMEM;
	index = malloc(size * sizeof(*index));
	if (!index)
		return -ENOMEM;
	for (uint32_t i = 0; i < size; i++)
		index[i] = NO_ENTRY;
	free(list->index);
	list->index = index;
	list->index_bits = __builtin_ctz(size);
	for (uint32_t i = 0; i < list->n_entries; i++) {
		const struct allow_entry *entry = &list->entries[i];

		if (entry->used)
			index[probe(list, allow_list_entry_node(list, entry))] = i;
	}
	return 0;
}

static int grow_entries(struct allow_list *list)
{
	uint32_t capacity = list->capacity ? list->capacity * 2 : FIRST_ENTRIES;
	struct allow_entry *entries;

	if (list->first_free != NO_ENTRY || list->n_entries < list->capacity)
		return 0;
	if (capacity < list->capacity)
		return -ENOMEM;
	entries = reallocarray(list->entries, capacity, sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	list->entries = entries;
	list->capacity = capacity;
	return 0;
}

/* Close the hole at @at, so that no probe stops short of its entry. */
static void remove_from_index(struct allow_list *list, uint32_t at)
{
	uint32_t mask = index_mask(list);

	for (uint32_t next = (at + 1) & mask; list->index[next] != NO_ENTRY;
	     next = (next + 1) & mask) {
		const struct allow_entry *entry =
			&list->entries[list->index[next]];
		uint32_t home = home_of(list, allow_list_entry_node(list, entry));

		if (((next - home) & mask) < ((next - at) & mask))
			continue;
		list->index[at] = list->index[next];
		at = next;
	}
	list->index[at] = NO_ENTRY;
}

static void release_if_unused(struct allow_list *list,
			      struct allow_entry *entry)
{
	if (entry->images || entry->lookups)
		return;
	remove_from_index(list, probe(list, allow_list_entry_node(list, entry)));
	entry->used = 0;
	entry->size = list->first_free;
	list->first_free = entry - list->entries;
	list->n_used--;
}

static void count_one(struct allow_count *count,
		      const struct allow_entry *entry, uint64_t bytes)
{
	(void)entry;
	count->objects++;
	count->bytes += bytes;
}

static void count_fetched(struct allow_count *count,
			  const struct allow_entry *entry, uint64_t bytes)
{
	(void)entry;
	count->fetched_objects++;
	count->fetched_bytes += bytes;
}

static void count_present(struct allow_count *count,
			  const struct allow_entry *entry, uint64_t bytes)
{
	count->present_objects += entry->present ? 1 : -1;
	count->present_bytes += entry->present ? bytes : -bytes;
}

/* Something begins to count this entry. */
static void count_all(struct allow_count *count,
		      const struct allow_entry *entry, uint64_t bytes)
{
	count_one(count, entry, bytes);
	if (entry->fetched)
		count_fetched(count, entry, bytes);
	if (entry->present)
		count_present(count, entry, bytes);
}

static void name_by_image(struct allow_list *list, struct allow_entry *entry,
			  int slot)
{
	if (entry->images & 1u << slot)
		return;
	if (!entry->images)
		count_all(&list->total, entry, allow_list_bytes(list, entry));
	entry->images |= 1u << slot;
	count_all(&list->images[slot], entry, allow_list_bytes(list, entry));
}

/* An entry for a digest that is not listed. */
static int new_entry(struct allow_list *list, const struct cfs_digest *digest,
		     uint64_t size, struct allow_entry **ret)
{
	struct allow_entry *entry;
	int err = grow_entries(list);
	uint32_t at;

	if (!err)
		err = grow_index(list);
	if (err)
		return err;
	at = list->first_free;
	if (at != NO_ENTRY)
		list->first_free = list->entries[at].size;
	else
		at = list->n_entries++;
	entry = &list->entries[at];
	*entry = (struct allow_entry){
		.digest = *digest,
		.size = size,
		.moved = allow_list_find_node(list, allow_list_node(digest)) != NULL,
	};
	list->n_moved += entry->moved;
	list->index[probe(list, allow_list_entry_node(list, entry))] = at;
	entry->used = 1;
	list->n_used++;
	*ret = entry;
	return 0;
}

int allow_list_add(struct allow_list *list, const struct cfs_digest *digest,
		   uint64_t size, int slot, struct allow_entry **ret)
{
	struct allow_entry *entry = allow_list_find(list, digest);
	int err = 0;

	/* No file is so large, and such numbers mean something else here. */
	if (size != ALLOW_SIZE_UNKNOWN && !allow_size_known(size))
		size = INT64_MAX;
	if (!entry)
		err = new_entry(list, digest, size, &entry);
	else if (!entry->images && slot >= 0 && !entry->settled)
		entry->size = size;	/* the kernel held it without one */
	else
		err = allow_list_claim(list, entry, size);
	if (err < 0)
		return err;
	if (slot >= 0)
		name_by_image(list, entry, slot);
	if (ret)
		*ret = entry;
	return err;
}

struct allow_entry *allow_list_find_node(struct allow_list *list,
					 uint64_t node)
{
	uint32_t at;

	if (!list->index)
		return NULL;
	at = list->index[probe(list, node)];
	return at == NO_ENTRY ? NULL : &list->entries[at];
}

struct allow_entry *allow_list_find(struct allow_list *list,
				    const struct cfs_digest *digest)
{
	struct allow_entry *entry =
		allow_list_find_node(list, allow_list_node(digest));

	if (list->n_moved &&
	    !(entry && cfs_digest_equal(&entry->digest, digest)))
		entry = allow_list_find_node(list, moved_node(list, digest));
	return entry && cfs_digest_equal(&entry->digest, digest) ? entry : NULL;
}

void allow_list_hold(struct allow_entry *entry)
{
	if (entry->lookups < LOOKUPS_MAX)
		entry->lookups++;
}

void allow_list_forget(struct allow_list *list, struct allow_entry *entry,
		       uint64_t n)
{
	if (entry->lookups == LOOKUPS_MAX)
		return;
	entry->lookups -= n < entry->lookups ? n : entry->lookups;
	release_if_unused(list, entry);
}

void allow_list_fetched(struct allow_list *list, struct allow_entry *entry)
{
	allow_list_set_present(list, entry, true);
	if (allow_size_known(entry->size))
		entry->settled = 1;
	if (entry->fetched)
		return;
	entry->fetched = 1;
	allow_count_everywhere(list, entry, allow_list_bytes(list, entry),
			 count_fetched);
}

void allow_list_set_present(struct allow_list *list, struct allow_entry *entry,
			    bool present)
{
	if (entry->present == present)
		return;
	entry->present = present;
	allow_count_everywhere(list, entry, allow_list_bytes(list, entry),
			 count_present);
}

void allow_list_note_present(struct allow_list *list,
			     const struct cfs_digest *digest)
{
	struct allow_entry *entry = allow_list_find(list, digest);

	if (entry)
		allow_list_set_present(list, entry, true);
}

void allow_list_clear(struct allow_list *list)
{
	for (uint32_t i = 0; i < list->n_entries; i++) {
		struct allow_entry *entry = &list->entries[i];

		if (!entry->used)
			continue;
		entry->images = 0;
		entry->wanted = 0;
		if (entry->contested)
			entry->size = ALLOW_SIZE_UNKNOWN;
		entry->contested = 0;
		release_if_unused(list, entry);
	}
	list->n_claims = 0;
	list->total = (struct allow_count){ 0 };
	for (int slot = 0; slot < ALLOW_IMAGES_MAX; slot++)
		list->images[slot] = (struct allow_count){ 0 };
}

const struct allow_entry *allow_list_next(const struct allow_list *list,
					  uint8_t first_byte,
					  uint64_t *position)
{
	while (*position < list->n_entries) {
		const struct allow_entry *entry = &list->entries[*position];

		++*position;
		if (entry->used && entry->images &&
		    entry->digest.bytes[0] == first_byte)
			return entry;
	}
	return NULL;
}

struct allow_entry *allow_list_each(struct allow_list *list,
				    uint64_t *position)
{
	while (*position < list->n_entries) {
		struct allow_entry *entry = &list->entries[(*position)++];

		if (entry->used && entry->images)
			return entry;
	}
	return NULL;
}

const struct allow_count *allow_list_total(const struct allow_list *list)
{
	return &list->total;
}

const struct allow_count *allow_list_image(const struct allow_list *list,
					   int slot)
{
	return &list->images[slot];
}
