// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/store/table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/cleanup.h"
#include "cache/image/file.h"
#include "cache/image/objects.h"
#include "cache/store/store.h"

static int add(void *context, const struct cfs_image_object *object)
{
	struct cfs_object_table *table = context;

	if (object->need == CFS_NEED_FILE)
		return 0;
	if (table->n_objects == table->capacity) {
		size_t capacity = table->capacity ? table->capacity * 2 : 1024;
		struct cfs_object_entry *grown =
			reallocarray(table->objects, capacity, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		table->objects = grown;
		table->capacity = capacity;
	}
	table->objects[table->n_objects++] = (struct cfs_object_entry){
		.digest = object->digest,
		.size = object->size,
	};
	return 0;
}

static int compare(const void *a, const void *b)
{
	const struct cfs_object_entry *x = a, *y = b;

	return memcmp(x->digest.bytes, y->digest.bytes, CFS_DIGEST_LEN);
}

/* Sorted, and each once. */
static int settle(struct cfs_object_table *table)
{
	size_t n = 0;

	if (table->n_objects == 0)
		return 0;
	qsort(table->objects, table->n_objects, sizeof(*table->objects), compare);
	for (size_t i = 1; i < table->n_objects; i++) {
		const struct cfs_object_entry *next = &table->objects[i];

		if (!cfs_digest_equal(&next->digest, &table->objects[n].digest))
			table->objects[++n] = *next;
		else if (next->size != table->objects[n].size)
			return -EFSCORRUPTED;
	}
	table->n_objects = n + 1;
	return 0;
}

int cfs_object_table_new(const struct cfs_image *image,
			 struct cfs_object_table *ret)
{
	int err;

	*ret = (struct cfs_object_table){ .objects = NULL };
	err = cfs_image_objects(image, add, ret);
	if (err == 0)
		err = settle(ret);
	if (err < 0)
		cfs_object_table_free(ret);
	return err;
}

int cfs_object_table_of(struct cfs_store *store, const struct cfs_digest *image,
			struct cfs_object_table *ret)
{
	struct cfs_image_file *file;
	int err, fd;

	err = cfs_store_get(store, image, &fd);
	if (err == 0)
		err = cfs_image_file_open(fd, &file);
	if (err)
		return err;
	err = cfs_object_table_new(cfs_image_file_image(file), ret);
	cfs_image_file_close(file);
	return err;
}

void cfs_object_table_free(struct cfs_object_table *table)
{
	free(table->objects);
	*table = (struct cfs_object_table){ .objects = NULL };
}

int cfs_object_table_find(const struct cfs_object_table *table,
			  const struct cfs_digest *digest, size_t *ret)
{
	const struct cfs_object_entry key = { .digest = *digest };
	const struct cfs_object_entry *found = NULL;

	if (table->n_objects)
		found = bsearch(&key, table->objects, table->n_objects,
				sizeof(key), compare);
	if (!found)
		return CFS_OBJECT_TABLE_MISS;
	*ret = (size_t)(found - table->objects);
	return 0;
}
