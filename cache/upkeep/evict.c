// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/upkeep/evict.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/timespec.h"
#include "cache/store/layout.h"
#include "cache/store/partial.h"

static int add(struct evict_list *list, const struct evict_entry *entry)
{
	if (list->n == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 1024;
		struct evict_entry *grown = reallocarray(list->entries, capacity,
							 sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		list->entries = grown;
		list->capacity = capacity;
	}
	list->entries[list->n++] = *entry;
	list->bytes += entry->bytes;
	return 0;
}

int evict_list_add_object(struct evict_list *list,
			  const struct cfs_object_info *info)
{
	const struct evict_entry entry = {
		.used = info->used,
		.bytes = info->disk_size,
		.class = EVICT_OBJECT,
		.digest = info->digest,
	};

	return add(list, &entry);
}

int evict_list_add_file(struct evict_list *list, struct cfs_store *store,
			enum cfs_space_kind kind, const char *path,
			const struct stat *st)
{
	struct evict_entry entry = {
		.used = timespec_compare(&st->st_atim, &st->st_mtim) > 0 ?
				st->st_atim : st->st_mtim,
		.bytes = (uint64_t)st->st_blocks * 512,
	};
	int err;

	switch (kind) {
	case CFS_SPACE_QUARANTINE:
		entry.class = EVICT_QUARANTINE;
		break;
	case CFS_SPACE_PARTIAL:
		entry.class = EVICT_PARTIAL;
		if (!cfs_partial_parse(path, &entry.digest) ||
		    cfs_partial_in_use(store, &entry.digest))
			return 0;
		return add(list, &entry);
	case CFS_SPACE_VERITY:
	case CFS_SPACE_ZST:
	case CFS_SPACE_PACKS:
		entry.class = EVICT_EXTRA;
		break;
	default:
		return 0;
	}
	entry.path = strdup(path);
	if (!entry.path)
		return -ENOMEM;
	err = add(list, &entry);
	if (err < 0)
		free(entry.path);
	return err;
}

static int in_order(const void *a, const void *b)
{
	const struct evict_entry *x = a, *y = b;
	int order = (x->class > y->class) - (x->class < y->class);

	if (order == 0)
		order = timespec_compare(&x->used, &y->used);
	if (order == 0 && x->path && y->path)
		order = strcmp(x->path, y->path);
	return order ? order :
		       memcmp(x->digest.bytes, y->digest.bytes, CFS_DIGEST_LEN);
}

void evict_list_sort(struct evict_list *list)
{
	if (list->n)
		qsort(list->entries, list->n, sizeof(*list->entries), in_order);
}

/* The folder that a path below the store is in; @path becomes the name in it. */
static int open_folder_of(const struct cfs_store *store, const char **path)
{
	const char *slash = strrchr(*path, '/');
	char folder[256];
	int parent_fd = store->root_fd >= 0 ? store->root_fd : store->objects_fd;

	if (!slash || (size_t)(slash - *path) >= sizeof(folder))
		return -EINVAL;
	snprintf(folder, sizeof(folder), "%.*s", (int)(slash - *path), *path);
	*path = slash + 1;
	return store_folder_open(parent_fd, folder, FOLDER_CHANGE, 0);
}

int evict_file(struct cfs_store *store, const struct evict_entry *entry,
	       uint64_t *ret_bytes)
{
	const char *name = entry->path;

	if (entry->class == EVICT_PARTIAL)
		return cfs_partial_evict(store, &entry->digest, ret_bytes);

	CLEANUP_CLOSE int fd = open_folder_of(store, &name);

	if (fd < 0 || unlinkat(fd, name, 0) < 0) {
		int err = fd < 0 ? fd : -errno;

		return err == -ENOENT || err == -EISDIR ? 0 : err;
	}
	*ret_bytes += entry->bytes;
	return 0;
}

void evict_list_free(struct evict_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->entries[i].path);
	free(list->entries);
	*list = (struct evict_list){ .n = 0 };
}
