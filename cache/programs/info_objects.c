// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * composefs-info objects, missing-objects: what the images need, each object
 * once, sorted.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/base/arena.h"
#include "cache/programs/info.h"

#define HEX_DIGITS	"0123456789abcdef"
#define SHA512_NAME_LEN	129

struct object {
	const char *path;
	uint64_t size;
	bool is_safe;		/* may be looked up below a basedir */
};

struct objects {
	struct arena paths;
	struct object *objects;	/* owned */
	size_t n_objects;
	size_t capacity;
	struct cfs_xattr scratch;
	struct cfs_backing backing;
	const struct cfs_image *image;
	size_t n_nameless;	/* files with content and without a path to it */
};

/* The name of a SHA-512 object: "aa/<126 hex>". */
static bool is_sha512_name(const char *path)
{
	return strlen(path) == SHA512_NAME_LEN && path[2] == '/' &&
	       strspn(path, HEX_DIGITS) == 2 &&
	       strspn(path + 3, HEX_DIGITS) == SHA512_NAME_LEN - 3;
}

static int collect_entry(void *context, const struct cfs_walk_entry *entry)
{
	struct objects *objects = context;
	struct object object = { .size = entry->inode->size };
	int err;

	if (entry->again || !cfs_inode_has_backing(entry->inode))
		return 0;
	err = cfs_backing_read(objects->image, entry->inode, &objects->scratch,
			       &objects->backing);
	object.is_safe = err == 0;
	if (err)
		err = cfs_backing_read_unchecked(objects->image, entry->inode,
						 &objects->scratch,
						 &objects->backing);
	if (err)
		return err;
	if (objects->backing.path_len == 0) {
		objects->n_nameless++;
		return 0;
	}
	object.is_safe |= is_sha512_name(objects->backing.path);
	if (objects->n_objects == objects->capacity) {
		size_t capacity = objects->capacity ? 2 * objects->capacity :
						      1024;
		struct object *bigger = reallocarray(objects->objects, capacity,
						     sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		objects->objects = bigger;
		objects->capacity = capacity;
	}
	object.path = arena_copy(&objects->paths, objects->backing.path,
				 objects->backing.path_len);
	if (!object.path)
		return -ENOMEM;
	objects->objects[objects->n_objects++] = object;
	return 0;
}

static int compare_objects(const void *a, const void *b)
{
	const struct object *x = a, *y = b;
	int order = strcmp(x->path, y->path);

	if (order)
		return order;
	return x->size < y->size ? -1 : x->size > y->size;
}

static int collect_file(const struct info *info, const char *path,
			struct objects *objects)
{
	struct cfs_image_file *file;
	int err = info_open(path, &file);

	if (err)
		return err;
	objects->image = cfs_image_file_image(file);
	err = info_walk(info, path, objects->image, collect_entry, objects);
	cfs_image_file_close(file);
	return err;
}

static int collect(const struct info *info, struct objects *objects)
{
	for (size_t i = 0; i < info->n_files; i++) {
		int err = collect_file(info, info->files[i], objects);

		if (err)
			return err;
	}
	if (objects->n_objects > 0)
		qsort(objects->objects, objects->n_objects,
		      sizeof(*objects->objects), compare_objects);
	return 0;
}

static void release(struct objects *objects)
{
	free(objects->objects);
	arena_release(&objects->paths);
}

/* A file of another size, or something that is no file, is not the object. */
static bool is_missing(int basedir_fd, const struct object *object)
{
	struct stat st;

	if (basedir_fd < 0 || !object->is_safe ||
	    fstatat(basedir_fd, object->path, &st, 0) < 0)
		return true;
	return !S_ISREG(st.st_mode) || (uint64_t)st.st_size != object->size;
}

static int print_object(struct info_json *json, const struct object *object)
{
	json_t *element;

	if (!json) {
		puts(object->path);
		return 0;
	}
	element = json_object();
	if (!element ||
	    info_json_bytes(element, "object", object->path,
			    strlen(object->path)) ||
	    json_object_set_new(element, "size",
				json_integer((json_int_t)object->size))) {
		json_decref(element);
		return -ENOMEM;
	}
	return info_json_add(json, element);
}

/* Print each path once, if it is missing under one of the sizes asked for. */
static int print_objects(const struct info *info, const struct objects *objects,
			 bool only_missing, size_t *ret_printed)
{
	struct info_json array, *json = info->json ? &array : NULL;
	const char *previous = NULL;
	int err = 0;

	*ret_printed = 0;
	if (json)
		info_json_begin(json, "");
	for (size_t i = 0; i < objects->n_objects && !err; i++) {
		const struct object *object = &objects->objects[i];

		if (previous && strcmp(previous, object->path) == 0)
			continue;
		if (only_missing && !is_missing(info->basedir_fd, object))
			continue;
		previous = object->path;
		(*ret_printed)++;
		err = print_object(json, object);
	}
	if (json)
		info_json_end(json, "\n");
	return err;
}

static int run(const struct info *info, bool only_missing)
{
	struct objects *objects = calloc(1, sizeof(*objects));
	size_t printed = 0;
	int err = -ENOMEM;

	if (!objects) {
		info_error(info->files[0], NULL, err);
		return EXIT_FAILURE;
	}
	err = collect(info, objects);
	if (!err) {
		err = print_objects(info, objects, only_missing, &printed);
		if (err)
			info_error(info->files[0], NULL, err);
	}
	if (!err && only_missing && objects->n_nameless) {
		fprintf(stderr, "composefs-info: %zu files have content, and no object is named that holds it\n",
			objects->n_nameless);
		printed += objects->n_nameless;
	}
	release(objects);
	free(objects);
	if (err)
		return EXIT_FAILURE;
	return only_missing && printed > 0 ? INFO_EXIT_MISSING : EXIT_SUCCESS;
}

int info_objects(const struct info *info)
{
	return run(info, false);
}

int info_missing_objects(const struct info *info)
{
	return run(info, true);
}
