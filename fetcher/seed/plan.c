// SPDX-License-Identifier: GPL-2.0-or-later
/* What a seeding run has to bring in. */
#include "fetcher/seed/plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/errmsg.h"
#include "cache/image/file.h"
#include "cache/image/objects.h"
#include "cache/store/heal.h"
#include "cache/store/store.h"
#include "fetcher/allow/list.h"

void seed_plan_init(struct seed_plan *plan)
{
	*plan = (struct seed_plan){ .objects = NULL };
}

void seed_plan_free(struct seed_plan *plan)
{
	free(plan->objects);
	free(plan->example);
	seed_plan_init(plan);
}

int seed_plan_add(struct seed_plan *plan, const struct cfs_digest *digest,
		  uint64_t size)
{
	if (plan->n_objects == UINT32_MAX)
		return -E2BIG;
	if (plan->n_objects == plan->capacity) {
		size_t capacity = plan->capacity ? plan->capacity * 2 : 4096;
		struct seed_object *grown = reallocarray(plan->objects,
							 capacity,
							 sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		plan->objects = grown;
		plan->capacity = capacity;
	}
	plan->objects[plan->n_objects] = (struct seed_object){
		.digest = *digest,
		.size = size,
		.fetch_size = size,
		.sequence = (uint32_t)plan->n_objects,
		.outcome = SEED_WANTED,
	};
	plan->n_objects++;
	return 0;
}

struct adding {
	struct seed_plan *plan;
	struct cfs_store *store;
};

/* Nothing to ask a mirror for: the file is here, or a mount will lack it. */
static int add_file(struct adding *adding, const struct cfs_image_object *object)
{
	struct seed_plan *plan = adding->plan;

	if (cfs_store_has_file(adding->store, object->path, object->size))
		return 0;
	if (plan->no_object.objects == 0) {
		plan->example = strdup(object->file);
		if (!plan->example)
			return -ENOMEM;
	}
	plan->no_object.objects++;
	plan->no_object.bytes += object->size;
	return 0;
}

static int add_object(void *context, const struct cfs_image_object *object)
{
	struct adding *adding = context;

	return object->need == CFS_NEED_FILE ?
		       add_file(adding, object) :
		       seed_plan_add(adding->plan, &object->digest, object->size);
}

int seed_plan_add_image(struct seed_plan *plan, struct cfs_store *store,
			const struct cfs_digest *digest, struct errmsg *msg)
{
	struct adding adding = { .plan = plan, .store = store };
	char hex[CFS_DIGEST_HEX_LEN + 1];
	struct cfs_image_file *file;
	int fd, err = cfs_store_get(store, digest, &fd);

	cfs_digest_format(digest, hex);
	if (err == CFS_STORE_MISS)
		return errmsg_set(msg, -ENOENT, "image %s: not in the store",
				  hex);
	if (err == CFS_STORE_DAMAGED)
		err = -EUCLEAN;
	if (err == 0)
		err = cfs_image_file_open(fd, &file);
	if (err < 0)
		return errmsg_set(msg, err, "image %s: %s", hex,
				  err == -EINVAL ? "not a composefs image" :
						   strerror(-err));
	err = cfs_image_objects(cfs_image_file_image(file), add_object,
				&adding);
	cfs_image_file_close(file);
	if (err < 0)
		errmsg_set(msg, err, "image %s: %s", hex, strerror(-err));
	return err;
}

static int by_digest(const void *a, const void *b)
{
	const struct seed_object *x = a, *y = b;
	int order = memcmp(x->digest.bytes, y->digest.bytes, CFS_DIGEST_LEN);

	if (order == 0)
		order = (x->sequence > y->sequence) -
			(x->sequence < y->sequence);
	return order;
}

static int by_sequence(const void *a, const void *b)
{
	const struct seed_object *x = a, *y = b;

	return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

/* Of equal wishes the first stays. */
static void merge(struct seed_plan *plan)
{
	size_t kept = 0;

	if (!plan->n_objects)
		return;
	qsort(plan->objects, plan->n_objects, sizeof(*plan->objects),
	      by_digest);
	for (size_t i = 1; i < plan->n_objects; i++) {
		struct seed_object *first = &plan->objects[kept];
		const struct seed_object *next = &plan->objects[i];

		if (!cfs_digest_equal(&first->digest, &next->digest))
			plan->objects[++kept] = *next;
		else if (first->size != next->size)
			first->fetch_size = allow_size_contest(first->fetch_size,
							       next->size);
	}
	plan->n_objects = kept + 1;
}

static int is_here(struct cfs_store *store, const struct seed_object *object,
		   bool full)
{
	bool known = allow_size_known(object->fetch_size);
	int err;

	/* Without fs-verity it is the size that tells, or else only the bytes. */
	if (!full && (known || cfs_store_has_verity(store))) {
		err = cfs_store_check(store, &object->digest,
				      known ? object->size : UINT64_MAX);
		return err < 0 ? err : err == 0;
	}
	err = cfs_object_heal(store, &object->digest,
			      known ? object->size : UINT64_MAX);
	return err < 0 ? err : err == CFS_HEAL_SOUND;
}

int seed_plan_settle(struct seed_plan *plan, struct cfs_store *store, bool full)
{
	merge(plan);
	/* Still in the order of digests, so that each folder is read once. */
	for (size_t i = 0; i < plan->n_objects; i++) {
		int here = is_here(store, &plan->objects[i], full);

		if (here < 0)
			return here;
		if (here)
			plan->objects[i].outcome = SEED_PRESENT;
	}
	if (plan->n_objects)
		qsort(plan->objects, plan->n_objects, sizeof(*plan->objects),
		      by_sequence);
	return 0;
}

struct seed_count seed_plan_count(const struct seed_plan *plan,
				  enum seed_outcome outcome)
{
	struct seed_count count = { .objects = 0 };

	for (size_t i = 0; i < plan->n_objects; i++) {
		if (plan->objects[i].outcome != outcome)
			continue;
		count.objects++;
		count.bytes += plan->objects[i].size;
	}
	return count;
}
