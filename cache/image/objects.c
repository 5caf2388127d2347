// SPDX-License-Identifier: GPL-2.0-or-later
/* Which objects does an image need? */
#include "cache/image/objects.h"

#include <stdlib.h>
#include <string.h>

#include "cache/image/walk.h"

struct visit {
	const struct cfs_image *image;
	cfs_image_object_fn fn;
	void *context;
	struct cfs_xattr xattr;
	struct cfs_backing backing;
};

/* How the content can be had; sets the digest if only the path says it. */
static enum cfs_need need_of(struct cfs_image_object *object)
{
	struct cfs_digest by_path;

	if (cfs_object_name_parse(object->path, strlen(object->path),
				  &by_path) < 0)
		return CFS_NEED_FILE;
	if (object->has_digest)
		return cfs_digest_equal(&by_path, &object->digest) ?
		       CFS_NEED_OBJECT : CFS_NEED_FILE;
	object->digest = by_path;
	return CFS_NEED_NAMED;
}

static int visit_entry(void *context, const struct cfs_walk_entry *entry)
{
	struct visit *visit = context;
	struct cfs_image_object object;
	int err;

	if (entry->again || !cfs_inode_has_backing(entry->inode))
		return 0;
	err = cfs_backing_read(visit->image, entry->inode, &visit->xattr,
			       &visit->backing);
	if (err)
		return err;
	object = (struct cfs_image_object){
		.file = entry->path,
		.size = entry->inode->size,
		.has_digest = visit->backing.has_digest,
		.path = visit->backing.path,
	};
	if (object.has_digest)
		memcpy(object.digest.bytes, visit->backing.digest,
		       sizeof(object.digest.bytes));
	object.need = need_of(&object);
	return visit->fn(visit->context, &object);
}

int cfs_image_objects(const struct cfs_image *image, cfs_image_object_fn fn,
		      void *context)
{
	struct visit *visit = malloc(sizeof(*visit));
	int err;

	if (!visit)
		return -ENOMEM;
	visit->image = image;
	visit->fn = fn;
	visit->context = context;
	err = cfs_image_walk(image, 0, visit_entry, visit, NULL);
	free(visit);
	return err;
}
