// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Objects, with all that a mirror may have of them.  They are made once: hashing is
 * most of the time that a world takes.  Each world picks some.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <zstd.h>

#include "cache/base/full_io.h"
#include "cache/mirror/zstd.h"
#include "cache/verity/hash.h"
#include "cache/verity/tree.h"
#include "tests/sim/sim.h"

#define N_OBJECTS	96
/* Larger than several parts of it (fetcher/partial/schedule.c). */
#define HUGE_SIZE	((uint64_t)18 << 20 | 77)
#define READ_LEN	(64 * 1024)

static struct sim_object objects[N_OBJECTS];

/* Every size at which something changes, and some between. */
static uint64_t size_of(unsigned int i)
{
	static const uint64_t sizes[] = {
		0, 1, 4095, 4096, 4097, 32767, 32768, 32769, 65536, 65537,
		262143, 262144, 262145, 1 << 20, (1 << 20) + 4096,
	};
	const unsigned int n = sizeof(sizes) / sizeof(sizes[0]);

	if (i < n)
		return sizes[i];
	if (i == N_OBJECTS - 1)
		return HUGE_SIZE;
	if (i % 8 == 0)
		return sim_between(256 << 10, 3 << 20);
	return sim_between(0, i % 3 ? 20000 : 200000);
}

static void fill(struct sim_object *object, bool compresses)
{
	uint64_t x = 0;

	for (uint64_t at = 0; at < object->size; at++) {
		if (at % 8 == 0)
			x = compresses ? at / 512 * object->size : sim_random();
		object->data[at] = (uint8_t)(x >> (at % 8 * 8));
	}
}

static void make_tree(struct sim_object *object)
{
	int fd = memfd_create("object", MFD_CLOEXEC);
	int tree_fd = memfd_create("tree", MFD_CLOEXEC);

	if (object->size > VERITY_BLOCK_LEN) {
		SIM_CHECK(full_pwrite(fd, object->data, object->size, 0) == 0);
		SIM_CHECK(cfs_verity_tree_write(fd, object->size,
						&object->digest, tree_fd) == 0);
		object->tree_len = (uint64_t)lseek(tree_fd, 0, SEEK_END);
		object->tree = malloc(object->tree_len);
		SIM_CHECK(full_pread(tree_fd, object->tree, object->tree_len,
				     0) == 0);
	}
	close(fd);
	close(tree_fd);
}

static void make_zst(struct sim_object *object)
{
	size_t room = ZSTD_compressBound(object->size);
	ZSTD_CCtx *zstd = ZSTD_createCCtx();

	object->zst = malloc(room);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, 1);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, CFS_ZST_WINDOW_LOG);
	object->zst_len = ZSTD_compress2(zstd, object->zst, room, object->data,
					 object->size);
	SIM_CHECK(!ZSTD_isError(object->zst_len));
	ZSTD_freeCCtx(zstd);
	if (object->zst_len < object->size)
		return;
	free(object->zst);
	object->zst = NULL;
	object->zst_len = 0;
}

void sim_objects_make(void)
{
	sim.random = 1;
	for (unsigned int i = 0; i < N_OBJECTS; i++) {
		struct sim_object *object = &objects[i];

		object->size = size_of(i);
		object->data = malloc(object->size + 1);
		SIM_CHECK(object->data);
		fill(object, i % 2);
		SIM_CHECK(cfs_verity_hash_buffer(object->data, object->size,
						 &object->digest) == 0);
		make_tree(object);
		if (object->size >= CFS_ZST_MIN_SIZE)
			make_zst(object);
	}
}

void sim_objects_free(void)
{
	for (unsigned int i = 0; i < N_OBJECTS; i++) {
		free(objects[i].data);
		free(objects[i].tree);
		free(objects[i].zst);
	}
}

const struct sim_object *sim_object_any(void)
{
	/* The last one costs as much as all others. */
	return &objects[sim_below(N_OBJECTS - !sim_chance(20))];
}

static void pick(const struct sim_object *object)
{
	if (sim_object_find(&object->digest) < 0)
		sim.objects[sim.n_objects++] = object;
}

void sim_objects_pick(void)
{
	int n = (int)sim_between(1, sim_chance(4) ? SIM_OBJECTS_MAX : 8);

	if (!sim_chance(3)) {
		sim.image = sim_image_any();
		pick(&sim.image->self);
		for (unsigned int i = 0; i < sim.image->n; i++)
			pick(sim.image->objects[i]);
	}
	while (sim.n_objects < n)
		pick(sim_object_any());
}

int sim_object_find(const struct cfs_digest *digest)
{
	for (int i = 0; i < sim.n_objects; i++)
		if (cfs_digest_equal(&sim.objects[i]->digest, digest))
			return i;
	return -1;
}

bool sim_object_same(int fd, int i, uint64_t offset, uint64_t len)
{
	const struct sim_object *object = sim.objects[i];
	static uint8_t bytes[READ_LEN];
	bool whole = len > object->size - offset;
	uint64_t end = whole ? object->size : offset + len;

	while (offset < end) {
		size_t n = end - offset < READ_LEN ? end - offset : READ_LEN;

		if (full_pread(fd, bytes, n, (off_t)offset) < 0 ||
		    memcmp(bytes, object->data + offset, n) != 0)
			return false;
		offset += n;
	}
	return !whole || pread(fd, bytes, 1, (off_t)end) == 0;
}
