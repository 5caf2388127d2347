// SPDX-License-Identifier: GPL-2.0-or-later
/* Packs: what is written can be read, and what lies about it is refused. */
#include <errno.h>
#include <string.h>
#include <zstd.h>

#include "cache/base/full_io.h"
#include "cache/mirror/pack_index.h"
#include "cache/mirror/pack_write.h"
#include "tests/unit/store_dir.h"
#include "tests/unit/test.h"

#define N	60

static const struct cfs_digest image = { { 1, 2, 3 } };
static const struct cfs_digest other_image = { { 1, 2, 4 } };

/* A store of N objects, and a table as of an image that names them. */
struct rig {
	struct store_dir dir;
	struct cfs_object_table table;
	struct cfs_pack_order order;
	uint8_t *pack;
	size_t len;
};

static uint8_t bytes[3 << 20];

static size_t size_of(size_t i)
{
	return i == 7 ? sizeof(bytes) : i == 9 ? 0 : i * 370 + 1;
}

/* Bytes that compress, and differ from object to object. */
static void fill(size_t i)
{
	for (size_t at = 0; at < size_of(i); at++)
		bytes[at] = (uint8_t)(i + at / 64 * (at % 7));
}

static int by_digest(const void *a, const void *b)
{
	return memcmp(a, b, CFS_DIGEST_LEN);
}

static void setup(struct rig *rig)
{
	struct cfs_digest digest;

	memset(rig, 0, sizeof(*rig));
	rig->dir = store_dir_new();
	rig->table.objects = calloc(N, sizeof(*rig->table.objects));
	CHECK(rig->table.objects);
	for (size_t i = 0; i < N; i++) {
		fill(i);
		CHECK(publish_bytes(rig->dir.store, bytes, size_of(i), &digest) >= 0);
		rig->table.objects[rig->table.n_objects++] =
			(struct cfs_object_entry){ digest, size_of(i) };
	}
	qsort(rig->table.objects, N, sizeof(*rig->table.objects), by_digest);
	CHECK_EQ(cfs_pack_order_init(&rig->order, rig->dir.store, &rig->table,
				     CFS_PACK_OBJECT_LIMIT), 0);
}

static void teardown(struct rig *rig)
{
	cfs_pack_order_free(&rig->order);
	cfs_object_table_free(&rig->table);
	store_dir_free(&rig->dir);
	free(rig->pack);
}

/* Every second object, last first. */
static void order_some(struct rig *rig)
{
	for (size_t i = N; i > 0; i -= 2)
		cfs_pack_order_add(&rig->order, &rig->table.objects[i - 1].digest);
	CHECK_EQ(rig->order.n, N / 2);
}

static int write_it(struct rig *rig, unsigned int n_threads)
{
	const struct cfs_pack_options options = {
		.level = 3,
		.frame_size = CFS_PACK_FRAME_SIZE,
		.n_threads = n_threads,
	};
	struct cfs_pack_report report = { 0 };
	FILE *file = tmpfile();
	int err;

	CHECK(file);
	err = cfs_pack_write(&image, &rig->order, &options, fileno(file), &report);
	free(rig->pack);
	rig->pack = NULL;
	CHECK_EQ(lseek(fileno(file), 0, SEEK_SET), 0);
	CHECK_EQ(full_read_file(fileno(file), (char **)&rig->pack, &rig->len), 0);
	if (err == 0)
		CHECK_EQ(rig->len, report.file_size);
	fclose(file);
	return err;
}

/* What comes out of a frame are its objects, one behind the other. */
static void check_part(struct rig *rig, const struct cfs_pack_index *index,
		       const struct cfs_pack_part *part)
{
	uint8_t *out = malloc(part->size + 1);
	ZSTD_DCtx *zstd = ZSTD_createDCtx();
	size_t at = 0;

	CHECK(out && zstd);
	ZSTD_DCtx_setParameter(zstd, ZSTD_d_windowLogMax, CFS_PACK_WINDOW_LOG);
	CHECK_EQ(ZSTD_decompressDCtx(zstd, out, part->size,
				     rig->pack + part->offset,
				     part->packed_size), part->size);
	for (uint32_t i = part->first; i < part->first + part->n; i++) {
		const struct cfs_object_entry *object = &index->objects[i];
		struct cfs_digest digest = digest_of(out + at, object->size);

		CHECK(cfs_digest_equal(&digest, &object->digest));
		at += object->size;
	}
	CHECK_EQ(at, part->size);
	ZSTD_freeDCtx(zstd);
	free(out);
}

static void test_written_and_read(void)
{
	struct cfs_pack_index *index;
	struct rig rig;
	uint64_t size;

	setup(&rig);
	order_some(&rig);
	CHECK_EQ(write_it(&rig, 3), 0);
	CHECK_EQ(cfs_pack_index_size(rig.pack, 63, &image, &rig.table, &size),
		 CFS_PACK_MORE);
	CHECK_EQ(cfs_pack_index_size(rig.pack, 64, &image, &rig.table, &size), 0);
	CHECK_EQ(cfs_pack_index_new(rig.pack, size - 1, &image, &rig.table,
				    &index), CFS_PACK_MORE);
	CHECK_EQ(cfs_pack_index_new(rig.pack, size, &image, &rig.table, &index),
		 0);
	CHECK_EQ(index->n_objects, N / 2);
	CHECK_EQ(index->file_size, rig.len);
	CHECK(index->parts[0].size <= CFS_PACK_FIRST_FRAME);
	for (uint32_t i = 0; i < N / 2; i++)
		CHECK(cfs_digest_equal(&index->objects[i].digest,
				       &rig.table.objects[N - 1 - 2 * i].digest));
	for (uint32_t i = 0; i < index->n_parts; i++)
		check_part(&rig, index, &index->parts[i]);
	cfs_pack_index_free(index);
	teardown(&rig);
}

/* Threads change nothing in it. */
static void test_same_input_same_bytes(void)
{
	struct rig rig;
	uint8_t *first;
	size_t len;

	setup(&rig);
	order_some(&rig);
	CHECK_EQ(write_it(&rig, 1), 0);
	first = rig.pack;
	len = rig.len;
	rig.pack = NULL;
	CHECK_EQ(write_it(&rig, 4), 0);
	CHECK_EQ(rig.len, len);
	CHECK(memcmp(first, rig.pack, len) == 0);
	free(first);
	teardown(&rig);
}

static void test_what_stays_out(void)
{
	struct rig rig;

	setup(&rig);
	rig.order.max_size = 1 << 20;
	for (size_t i = 0; i < N; i++)
		cfs_pack_order_add(&rig.order, &rig.table.objects[i].digest);
	cfs_pack_order_add(&rig.order, &rig.table.objects[5].digest);
	cfs_pack_order_add(&rig.order, &image);
	CHECK_EQ(rig.order.large, 1);
	CHECK_EQ(rig.order.repeated, 1);
	CHECK_EQ(rig.order.strange, 1);
	CHECK_EQ(rig.order.n, N - 1);
	teardown(&rig);
}

/* An object whose bytes are not its own gets into no pack. */
static void test_damaged_object(void)
{
	struct rig rig;
	char path[512];
	int fd;

	setup(&rig);
	order_some(&rig);
	object_path(&rig.dir, &rig.table.objects[N - 1].digest, path);
	CHECK_EQ(chmod(path, 0644), 0);
	fd = open(path, O_WRONLY);
	if (fd < 0) {
		teardown(&rig);
		SKIP("objects are sealed here");
	}
	CHECK_EQ(write(fd, "?", 1), 1);
	close(fd);
	CHECK_EQ(write_it(&rig, 2), -EBADMSG);
	teardown(&rig);
}

static void put32(uint8_t *to, uint32_t value)
{
	cfs_pack_le32 field = cfs_pack_put32(value);

	memcpy(to, &field, sizeof(field));
}

static int parse(struct rig *rig, const struct cfs_digest *of)
{
	struct cfs_pack_index *index;
	int err = cfs_pack_index_new(rig->pack, rig->len, of, &rig->table, &index);

	if (err == 0)
		cfs_pack_index_free(index);
	return err;
}

/* One thing is wrong with each, and each is refused. */
static void test_lies_are_refused(void)
{
	static const struct {
		const char *name;
		size_t at;
		uint32_t value;
	} lies[] = {
		{ "magic", 0, 0 },
		{ "more frames than objects", 8, N / 2 + 1 },
		{ "more objects than the image has", 12, N + 1 },
		{ "no objects", 12, 0 },
		{ "another number of objects in the image", 16, N - 1 },
		{ "reserved bytes", 20, 1 },
		{ "shorter than its frames", 56, 1000 },
		{ "much longer", 60, 1 },
		{ "an empty frame", 64, 0 },
		{ "a frame without objects", 68, 0 },
		{ "a frame with all objects", 68, N / 2 },
		{ "a frame with more than there are", 68, UINT32_MAX },
	};
	struct rig rig;
	uint8_t old[4];
	size_t positions;

	setup(&rig);
	order_some(&rig);
	CHECK_EQ(write_it(&rig, 1), 0);
	CHECK_EQ(parse(&rig, &image), 0);
	CHECK_EQ(parse(&rig, &other_image), -EBADMSG);
	for (size_t i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		fprintf(stderr, "  %s\n", lies[i].name);
		memcpy(old, rig.pack + lies[i].at, 4);
		put32(rig.pack + lies[i].at, lies[i].value);
		CHECK_EQ(parse(&rig, &image), -EBADMSG);
		memcpy(rig.pack + lies[i].at, old, 4);
	}
	positions = 64 + 8 * (size_t)rig.pack[8];
	memcpy(old, rig.pack + positions, 4);
	put32(rig.pack + positions, N);
	CHECK_EQ(parse(&rig, &image), -EBADMSG);
	memcpy(rig.pack + positions, rig.pack + positions + 4, 4);
	CHECK_EQ(parse(&rig, &image), -EBADMSG);
	memcpy(rig.pack + positions, old, 4);
	CHECK_EQ(parse(&rig, &image), 0);
	teardown(&rig);
}

RUN_TESTS(T(test_written_and_read), T(test_same_input_same_bytes),
	  T(test_what_stays_out), T(test_damaged_object),
	  T(test_lies_are_refused))
