/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The objects of one image, each once, sorted by digest: whoever has the image can
 * name one of them by its position here.
 *
 * Ownership: cfs_object_table_new() gives the caller a table to
 * cfs_object_table_free().  40 bytes an object.  Once made it is only read, by any
 * thread.
 */
#ifndef CACHE_STORE_TABLE_H
#define CACHE_STORE_TABLE_H

#include <stddef.h>
#include <stdint.h>

#include "cache/verity/digest.h"
#include "kmod/cfs_image.h"

struct cfs_store;

enum {
	CFS_OBJECT_TABLE_MISS = 1,	/* no object of the image */
};

struct cfs_object_entry {
	struct cfs_digest digest;
	uint64_t size;
};

struct cfs_object_table {
	struct cfs_object_entry *objects;
	size_t n_objects;
	size_t capacity;
};

/**
 * cfs_object_table_new() - list the objects of an image
 * @image: borrowed for the duration of the call
 * @ret: the table; undefined on failure
 *
 * Files without a digest are no objects.
 *
 * Return: 0, -EFSCORRUPTED (one object with two sizes), or as cfs_image_objects().
 */
int cfs_object_table_new(const struct cfs_image *image,
			 struct cfs_object_table *ret);

/**
 * cfs_object_table_of() - the same for an image of a store
 *
 * Return: as above, as cfs_store_get() or as cfs_image_file_open().
 */
int cfs_object_table_of(struct cfs_store *store, const struct cfs_digest *image,
			struct cfs_object_table *ret);

/** cfs_object_table_free() - release what it holds */
void cfs_object_table_free(struct cfs_object_table *table);

/**
 * cfs_object_table_find() - where is a digest?
 * @ret: its position; untouched unless 0
 *
 * Return: 0 or CFS_OBJECT_TABLE_MISS.
 */
int cfs_object_table_find(const struct cfs_object_table *table,
			  const struct cfs_digest *digest, size_t *ret);

#endif /* CACHE_STORE_TABLE_H */
