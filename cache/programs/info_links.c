// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Inodes with more than one name.  A first walk finds them, so that only their
 * paths have to be kept in the second.
 */
#include <errno.h>
#include <stdlib.h>

#include "cache/base/arena.h"
#include "cache/base/bitmap.h"
#include "cache/programs/info.h"

struct link {
	uint64_t nid;
	const char *path;	/* NULL until it was visited */
};

struct info_links {
	uint8_t *linked;	/* owned: one bit a slot, until they are counted */
	size_t slots;
	struct link *links;	/* owned: in the order of nids */
	size_t n_links;
	struct arena paths;
};

static int note_link(void *context, const struct cfs_walk_entry *entry)
{
	struct info_links *links = context;

	if (entry->again && !bitmap_set(links->linked, entry->inode->nid))
		links->n_links++;
	return 0;
}

static int make_table(struct info_links *links)
{
	size_t n = 0;

	links->links = calloc(links->n_links + 1, sizeof(*links->links));
	if (!links->links)
		return -ENOMEM;
	for (size_t nid = 0; nid < links->slots; nid++) {
		if (bitmap_test(links->linked, nid))
			links->links[n++].nid = nid;
	}
	return 0;
}

int info_links_find(const struct info *info, const char *path,
		    const struct cfs_image *image, struct info_links **ret)
{
	struct info_links *links = calloc(1, sizeof(*links));
	int err = -ENOMEM;

	if (!links)
		goto no_memory;
	links->slots = cfs_image_slots(image);
	links->linked = bitmap_new(links->slots);
	if (!links->linked)
		goto no_memory;
	err = info_walk(info, path, image, note_link, links);
	if (err) {
		info_links_free(links);
		return err;
	}
	err = make_table(links);
	if (err)
		goto no_memory;
	*ret = links;
	return 0;

no_memory:
	info_error(path, NULL, err);
	info_links_free(links);
	return err;
}

void info_links_free(struct info_links *links)
{
	if (!links)
		return;
	arena_release(&links->paths);
	free(links->links);
	free(links->linked);
	free(links);
}

static int compare_nid(const void *key, const void *item)
{
	const uint64_t *nid = key;
	const struct link *link = item;

	return *nid < link->nid ? -1 : *nid > link->nid;
}

static struct link *find(const struct info_links *links, uint64_t nid)
{
	return bsearch(&nid, links->links, links->n_links,
		       sizeof(*links->links), compare_nid);
}

int info_links_remember(struct info_links *links,
			const struct cfs_walk_entry *entry)
{
	struct link *link = find(links, entry->inode->nid);

	if (!link)
		return 0;
	link->path = arena_copy(&links->paths, entry->path, entry->path_len);
	return link->path ? 0 : -ENOMEM;
}

const char *info_links_path(const struct info_links *links, uint64_t nid)
{
	const struct link *link = find(links, nid);

	return link ? link->path : NULL;
}
