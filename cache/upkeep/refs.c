// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading what every pinned image needs. */
#include "cache/upkeep/refs.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/cleanup.h"
#include "cache/base/errmsg.h"
#include "cache/image/file.h"
#include "cache/image/objects.h"

/* Passed to callbacks that add references of one image. */
struct adding {
	struct cfs_store *store;
	struct cfs_store_refs *refs;
	uint32_t image;
};

static int add_ref(const struct adding *adding, const struct cfs_digest *digest,
		   uint64_t size, bool read)
{
	struct cfs_store_refs *refs = adding->refs;

	if (refs->n_refs == refs->capacity) {
		size_t capacity = refs->capacity ? refs->capacity * 2 : 4096;
		struct cfs_ref *grown = reallocarray(refs->refs, capacity,
						     sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		refs->refs = grown;
		refs->capacity = capacity;
	}
	refs->refs[refs->n_refs++] = (struct cfs_ref){
		.digest = *digest,
		.size = size,
		.image = adding->image,
		.read = read,
	};
	return 0;
}

/*
 * The content is read from a path that is not the object's name.  What the path
 * and the digest name is kept all the same: the path may be another object's name.
 */
static int add_file(struct adding *adding, const struct cfs_image_object *object)
{
	struct cfs_pinned_image *image = &adding->refs->images[adding->image];
	struct cfs_digest by_path;
	int err = 0;

	if (object->has_digest)
		err = add_ref(adding, &object->digest, object->size, false);
	if (err == 0 &&
	    cfs_object_name_parse(object->path, strlen(object->path),
				  &by_path) == 0)
		err = add_ref(adding, &by_path, object->size, false);
	if (err == 0 && !cfs_store_has_file(adding->store, object->path,
					    object->size)) {
		image->n_no_object++;
		image->no_object_bytes += object->size;
	}
	return err;
}

static int add_object(void *context, const struct cfs_image_object *object)
{
	return object->need == CFS_NEED_FILE ?
		       add_file(context, object) :
		       add_ref(context, &object->digest, object->size, true);
}

static int add_name(struct cfs_pinned_image *image, const char *name)
{
	bool more = image->names && *image->names && *name;
	char *names;

	if (asprintf(&names, "%s%s%s", image->names ? image->names : "",
		     more ? " " : "", name) < 0)
		return -ENOMEM;
	free(image->names);
	image->names = names;
	return 0;
}

static int collect_name(void *context, const char *name,
			const struct cfs_digest *digest)
{
	struct cfs_store_refs *refs = context;
	struct cfs_pinned_image *grown;

	for (size_t i = 0; i < refs->n_images; i++)
		if (cfs_digest_equal(&refs->images[i].digest, digest))
			return add_name(&refs->images[i], name);
	grown = reallocarray(refs->images, refs->n_images + 1, sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	refs->images = grown;
	grown[refs->n_images] = (struct cfs_pinned_image){ .digest = *digest };
	return add_name(&grown[refs->n_images++], name);
}

static int read_image(struct cfs_store *store, struct adding *adding)
{
	struct cfs_pinned_image *image = &adding->refs->images[adding->image];
	struct cfs_image_file *file;
	int fd, err = cfs_store_get(store, &image->digest, &fd);

	if (err)
		return err == CFS_STORE_MISS ? -ENOENT :
		       err == CFS_STORE_DAMAGED ? -EUCLEAN : err;
	err = cfs_image_file_open(fd, &file);
	if (err < 0)
		return err == -EINVAL ? -EUCLEAN : err;
	image->size = cfs_image_file_image(file)->size;
	err = add_ref(adding, &image->digest, image->size, true);
	if (err == 0)
		err = cfs_image_objects(cfs_image_file_image(file), add_object,
					adding);
	cfs_image_file_close(file);
	return err;
}

static int by_digest_and_image(const void *a, const void *b)
{
	const struct cfs_ref *x = a, *y = b;
	int order = memcmp(x->digest.bytes, y->digest.bytes, CFS_DIGEST_LEN);

	if (order == 0)
		order = (x->image > y->image) - (x->image < y->image);
	return order;
}

static void sort_and_merge(struct cfs_store_refs *refs)
{
	size_t kept = 0;

	if (!refs->n_refs)
		return;
	qsort(refs->refs, refs->n_refs, sizeof(*refs->refs),
	      by_digest_and_image);
	for (size_t i = 1; i < refs->n_refs; i++)
		if (by_digest_and_image(&refs->refs[kept], &refs->refs[i]) != 0)
			refs->refs[++kept] = refs->refs[i];
		else
			refs->refs[kept].read |= refs->refs[i].read;
	refs->n_refs = kept + 1;
}

static const char *label(const struct cfs_pinned_image *image,
			 char hex[CFS_DIGEST_HEX_LEN + 1])
{
	cfs_digest_format(&image->digest, hex);
	return *image->names ? image->names : hex;
}

static int build(struct cfs_store *store, const struct cfs_digest *pins,
		 size_t n_pins, struct cfs_store_refs *refs, struct errmsg *msg)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];
	int err = cfs_store_image_each(store, collect_name, refs);

	for (size_t i = 0; i < n_pins && err == 0; i++)
		err = collect_name(refs, "", &pins[i]);
	if (err < 0)
		return errmsg_set(msg, err, "reading images/: %s",
				  strerror(-err));
	for (size_t i = 0; i < refs->n_images; i++) {
		struct adding adding = {
			.store = store,
			.refs = refs,
			.image = (uint32_t)i,
		};

		err = read_image(store, &adding);
		if (err < 0)
			return errmsg_set(msg, err, "image %s: %s",
					  label(&refs->images[i], hex),
					  err == -ENOENT ?
					  "the store does not have it" :
					  strerror(-err));
	}
	sort_and_merge(refs);
	return 0;
}

int cfs_store_refs_new(struct cfs_store *store, const struct cfs_digest *pins,
		       size_t n_pins, struct cfs_store_refs **ret,
		       struct errmsg *msg)
{
	struct cfs_store_refs *refs = calloc(1, sizeof(*refs));
	int err;

	if (!refs)
		return -ENOMEM;
	err = build(store, pins, n_pins, refs, msg);
	if (err < 0)
		cfs_store_refs_free(refs);
	else
		*ret = refs;
	return err;
}

void cfs_store_refs_free(struct cfs_store_refs *refs)
{
	if (!refs)
		return;
	for (size_t i = 0; i < refs->n_images; i++)
		free(refs->images[i].names);
	free(refs->images);
	free(refs->refs);
	free(refs);
}

const struct cfs_ref *cfs_store_refs_find(const struct cfs_store_refs *refs,
					  const struct cfs_digest *digest,
					  size_t *ret_n)
{
	size_t low = 0, high = refs->n_refs, n = 0;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (memcmp(refs->refs[middle].digest.bytes, digest->bytes,
			   CFS_DIGEST_LEN) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	while (low + n < refs->n_refs &&
	       cfs_digest_equal(&refs->refs[low + n].digest, digest))
		n++;
	*ret_n = n;
	return n ? &refs->refs[low] : NULL;
}
