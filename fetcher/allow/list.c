// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A dense array of entries, and an open-addressed index of positions in it.
 *
 * Digests are uniform, but whoever writes an image can choose among them, so
 * the index multiplies by a secret odd number before it takes bits.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>

#include "fetcher/allow/list.h"

#define NO_ENTRY	UINT32_MAX
#define FIRST_INDEX	1024		/* a power of two */
#define FIRST_ENTRIES	512
#define LOOKUPS_MAX	((1u << 28) - 1)

struct allow_list {
	struct allow_entry *entries;
	uint32_t n_entries;		/* ever handed out, free ones included */
	uint32_t n_used;
	uint32_t capacity;
	uint32_t first_free;		/* chained through ->size */
	uint32_t *index;		/* NO_ENTRY or a position in entries */
	uint32_t index_bits;
	uint64_t secret;
	struct allow_count total;
	struct allow_count images[ALLOW_IMAGES_MAX];
};

int allow_list_new(struct allow_list **ret)
{
	struct allow_list *list = calloc(1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	/* Without randomness the list is slower to attack, not wrong. */
	if (getrandom(&list->secret, sizeof(list->secret), GRND_NONBLOCK) < 0)
		list->secret = (uintptr_t)list;
	list->secret |= 1;
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
	free(list);
}

uint64_t allow_list_node(const struct cfs_digest *digest)
{
	uint64_t node = 0;

	for (int i = 0; i < 8; i++)
		node = node << 8 | digest->bytes[i];
	return node >> 2;
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
	       allow_list_node(&list->entries[list->index[at]].digest) != node)
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
			index[probe(list, allow_list_node(&entry->digest))] = i;
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
		uint32_t home = home_of(list, allow_list_node(&entry->digest));

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
	remove_from_index(list, probe(list, allow_list_node(&entry->digest)));
	entry->used = 0;
	entry->size = list->first_free;
	list->first_free = entry - list->entries;
	list->n_used--;
}

static void count_one(struct allow_count *count,
		      const struct allow_entry *entry)
{
	count->objects++;
	count->bytes += entry->size;
}

static void count_fetched(struct allow_count *count,
			  const struct allow_entry *entry)
{
	count->fetched_objects++;
	count->fetched_bytes += entry->size;
}

static void count_present(struct allow_count *count,
			  const struct allow_entry *entry)
{
	count->present_objects += entry->present ? 1 : -1;
	count->present_bytes += entry->present ? entry->size : -entry->size;
}

/* Everything that counts this entry: the images that name it, and the total. */
static void count_everywhere(struct allow_list *list,
			     const struct allow_entry *entry,
			     void (*count)(struct allow_count *count,
					   const struct allow_entry *entry))
{
	if (entry->images)
		count(&list->total, entry);
	for (int slot = 0; slot < ALLOW_IMAGES_MAX; slot++)
		if (entry->images & 1u << slot)
			count(&list->images[slot], entry);
}

/* Something begins to count this entry. */
static void count_all(struct allow_count *count,
		      const struct allow_entry *entry)
{
	count_one(count, entry);
	if (entry->fetched)
		count_fetched(count, entry);
	if (entry->present)
		count_present(count, entry);
}

static void name_by_image(struct allow_list *list, struct allow_entry *entry,
			  int slot)
{
	if (entry->images & 1u << slot)
		return;
	if (!entry->images)
		count_all(&list->total, entry);
	entry->images |= 1u << slot;
	count_all(&list->images[slot], entry);
}

int allow_list_add(struct allow_list *list, const struct cfs_digest *digest,
		   uint64_t size, int slot, struct allow_entry **ret)
{
	uint64_t node = allow_list_node(digest);
	struct allow_entry *entry = allow_list_find_node(list, node);

	if (entry) {
		if (!cfs_digest_equal(&entry->digest, digest))
			return ALLOW_LIST_CLASH;
		/* The kernel held it without a size; an image knows better. */
		if (!entry->images && slot >= 0)
			entry->size = size;
		if (entry->size != size && size != ALLOW_SIZE_UNKNOWN)
			return ALLOW_LIST_CLASH;
	} else {
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
			.used = 1,
		};
		list->index[probe(list, node)] = at;
		list->n_used++;
	}
	if (slot >= 0)
		name_by_image(list, entry, slot);
	if (ret)
		*ret = entry;
	return 0;
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
	if (entry->fetched)
		return;
	entry->fetched = 1;
	count_everywhere(list, entry, count_fetched);
}

void allow_list_set_present(struct allow_list *list, struct allow_entry *entry,
			    bool present)
{
	if (entry->present == present)
		return;
	entry->present = present;
	count_everywhere(list, entry, count_present);
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
		release_if_unused(list, entry);
	}
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
