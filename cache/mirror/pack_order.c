// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/mirror/pack_order.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>

#include "cache/base/bitmap.h"
#include "cache/base/cleanup.h"
#include "cache/image/file.h"
#include "cache/image/objects.h"
#include "cache/mirror/profile.h"
#include "cache/store/store.h"

int cfs_pack_order_init(struct cfs_pack_order *order, struct cfs_store *store,
			const struct cfs_object_table *table, uint64_t max_size)
{
	*order = (struct cfs_pack_order){
		.store = store,
		.table = table,
		.max_size = max_size,
	};
	if (table->n_objects >= UINT32_MAX)
		return -E2BIG;
	order->seen = bitmap_new(table->n_objects);
	order->positions = calloc(table->n_objects + 1,
				  sizeof(*order->positions));
	if (order->seen && order->positions)
		return 0;
	cfs_pack_order_free(order);
	return -ENOMEM;
}

void cfs_pack_order_free(struct cfs_pack_order *order)
{
	free(order->positions);
	free(order->seen);
	order->positions = NULL;
	order->seen = NULL;
}

void cfs_pack_order_add(struct cfs_pack_order *order,
			const struct cfs_digest *digest)
{
	const struct cfs_object_entry *object;
	size_t position;

	if (cfs_object_table_find(order->table, digest, &position) ==
	    CFS_OBJECT_TABLE_MISS) {
		order->strange++;
		return;
	}
	object = &order->table->objects[position];
	if (bitmap_set(order->seen, position)) {
		order->repeated++;
	} else if (object->size > order->max_size) {
		order->large++;
	} else if (cfs_store_check(order->store, digest, object->size) != 0) {
		order->missing++;
	} else {
		order->positions[order->n++] = (uint32_t)position;
		order->bytes += object->size;
	}
}

static int add_listed(void *context, const struct cfs_digest *digest)
{
	cfs_pack_order_add(context, digest);
	return 0;
}

int cfs_pack_order_profile(struct cfs_pack_order *order, int fd)
{
	struct profile_reader reader = {
		.digest = add_listed,
		.context = order,
	};
	int err = profile_read_file(&reader, fd);

	order->bad_lines = reader.n_bad;
	order->too_long = reader.too_long;
	return err;
}

static int add_object(void *context, const struct cfs_image_object *object)
{
	struct cfs_pack_order *order = context;

	if (object->has_digest)
		cfs_pack_order_add(order, &object->digest);
	return 0;
}

int cfs_pack_order_image(struct cfs_pack_order *order,
			 const struct cfs_digest *image)
{
	struct cfs_image_file *file;
	int err, fd;

	err = cfs_store_get(order->store, image, &fd);
	if (err == 0)
		err = cfs_image_file_open(fd, &file);
	if (err)
		return err;
	err = cfs_image_objects(cfs_image_file_image(file), add_object, order);
	cfs_image_file_close(file);
	return err;
}
