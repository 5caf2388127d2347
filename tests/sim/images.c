// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Images that name some of the objects, and the pack and the profile that a mirror may
 * have of each; made once, by the code that makes real ones.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cache/base/errmsg.h"
#include "cache/base/full_io.h"
#include "cache/build/dump_parse.h"
#include "cache/build/tree.h"
#include "cache/build/write.h"
#include "cache/mirror/pack_write.h"
#include "cache/store/publish.h"
#include "cache/verity/hash.h"
#include "tests/sim/sim.h"

/* Larger ones are fetched in parts by whoever reads them. */
#define OBJECT_MAX	((uint64_t)1200 << 10)

static struct sim_image images[SIM_IMAGES];

static int append(void *context, const void *data, size_t len)
{
	struct sim_object *object = context;

	object->data = realloc(object->data, object->size + len);
	SIM_CHECK(object->data);
	memcpy(object->data + object->size, data, len);
	object->size += len;
	return 0;
}

static void hex_of(const struct sim_object *object, char hex[CFS_DIGEST_HEX_LEN + 1])
{
	cfs_digest_format(&object->digest, hex);
}

static void write_image(struct sim_image *image)
{
	char *text = NULL, hex[CFS_DIGEST_HEX_LEN + 1];
	struct cfs_tree tree = { 0 };
	struct errmsg msg = { "" };
	size_t len = 0;
	FILE *dump = open_memstream(&text, &len);

	SIM_CHECK(dump);
	fprintf(dump, "/ 4096 40755 2 0 0 0 0.0 - - -\n");
	for (unsigned int i = 0; i < image->n; i++) {
		const struct sim_object *object = image->objects[i];

		hex_of(object, hex);
		fprintf(dump, "/f%02u %" PRIu64 " 100644 1 0 0 0 0.0 %.2s/%s - %s\n",
			i, object->size, hex, hex + 2, hex);
	}
	fclose(dump);
	SIM_CHECK(cfs_dump_parse(text, len, 0, &tree, &msg) == 0);
	SIM_CHECK(cfs_image_write(&tree, 0, 1, append, &image->self, &msg) == 0);
	SIM_CHECK(cfs_verity_hash_buffer(image->self.data, image->self.size,
					 &image->self.digest) == 0);
	cfs_tree_release(&tree);
	free(text);
}

void sim_store_put(struct cfs_store *store, const struct sim_object *object)
{
	int fd;

	SIM_CHECK(cfs_object_stage(store, object->size, &fd) == 0);
	SIM_CHECK(full_pwrite(fd, object->data, object->size, 0) == 0);
	SIM_CHECK(cfs_object_publish(store, fd, &object->digest) >= 0);
}

/* Some of the image's objects, in an order of their own. */
static void write_pack(struct sim_image *image, struct cfs_store *store)
{
	const struct cfs_pack_options options = {
		.level = 1,
		.frame_size = 64 << 10,
		.n_threads = 1,
	};
	struct cfs_pack_report report = { 0 };
	int fd = memfd_create("pack", MFD_CLOEXEC);
	struct cfs_object_table table;
	struct cfs_pack_order order;

	for (unsigned int i = 0; i < image->n; i++)
		sim_store_put(store, image->objects[i]);
	sim_store_put(store, &image->self);
	SIM_CHECK(cfs_object_table_of(store, &image->self.digest, &table) == 0);
	SIM_CHECK(cfs_pack_order_init(&order, store, &table, OBJECT_MAX) == 0);
	for (unsigned int i = image->n; i-- > 0;)
		if (i == 0 || !sim_chance(4))
			cfs_pack_order_add(&order, &image->objects[i]->digest);
	SIM_CHECK(cfs_pack_write(&image->self.digest, &order, &options, fd,
				 &report) == 0);
	image->pack_len = (uint64_t)lseek(fd, 0, SEEK_END);
	image->pack = malloc(image->pack_len);
	SIM_CHECK(full_pread(fd, image->pack, image->pack_len, 0) == 0);
	cfs_pack_order_free(&order);
	cfs_object_table_free(&table);
	close(fd);
}

static void write_profile(struct sim_image *image)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];
	size_t len = 0;
	FILE *file = open_memstream(&image->profile, &len);

	SIM_CHECK(file);
	fprintf(file, "# a profile\n");
	for (unsigned int i = 0; i < image->n; i++) {
		hex_of(image->objects[image->n - 1 - i], hex);
		/* Lines that are none, too, and objects of other images. */
		fprintf(file, "%s%s\n", sim_chance(10) ? "x" : "", hex);
	}
	hex_of(&image->self, hex);
	fprintf(file, "%s\n", hex);
	fclose(file);
	image->profile_len = len;
}

void sim_images_make(void)
{
	char path[SIM_PATH_MAX];
	struct cfs_store *store;

	sim_path_make(path);
	SIM_CHECK(cfs_store_open(path, CFS_STORE_CREATE, &store) == 0);
	for (unsigned int i = 0; i < SIM_IMAGES; i++) {
		struct sim_image *image = &images[i];
		unsigned int n = (unsigned int)sim_between(1, SIM_IMAGE_OBJECTS);

		while (image->n < n) {
			const struct sim_object *object = sim_object_any();
			bool known = object->size > OBJECT_MAX;

			for (unsigned int j = 0; j < image->n; j++)
				known |= image->objects[j] == object;
			if (!known)
				image->objects[image->n++] = object;
		}
		write_image(image);
		write_pack(image, store);
		write_profile(image);
	}
	cfs_store_close(store);
	sim_path_remove(path);
}

void sim_images_free(void)
{
	for (unsigned int i = 0; i < SIM_IMAGES; i++) {
		free(images[i].self.data);
		free(images[i].pack);
		free(images[i].profile);
	}
}

const struct sim_image *sim_image_any(void)
{
	return &images[sim_below(SIM_IMAGES)];
}
