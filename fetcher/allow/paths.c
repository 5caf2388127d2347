// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/allow/paths.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define FIRST_SLOTS	64

/* FNV-1a; never 0. */
static uint64_t add_bytes(uint64_t hash, const char *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++)
		hash = (hash ^ (unsigned char)bytes[i]) * 0x100000001b3ull;
	return hash ? hash : 1;
}

static uint64_t hash_of(const char *folder, size_t folder_len, const char *name,
			size_t name_len)
{
	uint64_t hash = add_bytes(0xcbf29ce484222325ull, folder, folder_len);

	return add_bytes(add_bytes(hash, "/", 1), name, name_len);
}

static size_t slot_of(const struct allow_paths *paths, uint64_t hash)
{
	size_t i = (hash * paths->secret >> 32) & (paths->n_slots - 1);

	while (paths->slots[i] && paths->slots[i] != hash)
		i = (i + 1) & (paths->n_slots - 1);
	return i;
}

/* At most half full. */
static int grow(struct allow_paths *paths)
{
	struct allow_paths grown = {
		.n_slots = paths->n_slots ? 2 * paths->n_slots : FIRST_SLOTS,
		.n = paths->n,
		.secret = paths->secret,
	};

	if (2 * paths->n < paths->n_slots)
		return 0;
	grown.slots = calloc(grown.n_slots, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	/* Without randomness the table is easier to slow down, not wrong. */
	if (!grown.secret &&
	    getrandom(&grown.secret, sizeof(grown.secret), GRND_NONBLOCK) < 0)
		grown.secret = (uintptr_t)grown.slots;
	grown.secret |= 1;
	for (size_t i = 0; i < paths->n_slots; i++)
		if (paths->slots[i])
			grown.slots[slot_of(&grown, paths->slots[i])] =
				paths->slots[i];
	free(paths->slots);
	*paths = grown;
	return 0;
}

static int add_hash(struct allow_paths *paths, uint64_t hash)
{
	size_t i;
	int err = grow(paths);

	if (err < 0)
		return err;
	i = slot_of(paths, hash);
	paths->n += !paths->slots[i];
	paths->slots[i] = hash;
	return 0;
}

int allow_paths_add(struct allow_paths *paths, const char *path)
{
	size_t first = strcspn(path, "/");
	const char *name = path + first + (path[first] == '/');
	int err = add_hash(paths, hash_of("", 0, path, first));

	if (err == 0 && *name)
		err = add_hash(paths, hash_of(path, first, name,
					      strcspn(name, "/")));
	return err;
}

bool allow_paths_has(const struct allow_paths *paths, const char *folder,
		     const char *name)
{
	uint64_t hash = hash_of(folder, strlen(folder), name, strlen(name));

	return paths->n && paths->slots[slot_of(paths, hash)];
}

void allow_paths_clear(struct allow_paths *paths)
{
	free(paths->slots);
	*paths = (struct allow_paths){ .slots = NULL };
}
