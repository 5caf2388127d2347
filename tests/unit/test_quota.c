// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Test fetcher/ingest/quota.c with the engine: all that the store takes stays within the
 * quota, who finds no room is told, and nothing goes in vain.
 */
#include "fetcher/ingest/quota.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/container_of.h"
#include "cache/store/publish.h"
#include "cache/upkeep/space.h"
#include "fetcher/engine/internal.h"
#include "fetcher/partial/partial.h"
#include "tests/unit/large_rig.h"
#include "tests/unit/store_dir.h"
#include "tests/unit/test.h"

#define MIB	((uint64_t)1 << 20)

struct part_reader {
	struct partial_reader reader;
	int calls, err;
};

static struct fetch_limits limits;

static void part_done(struct partial_reader *reader, int err)
{
	struct part_reader *r = container_of(reader, struct part_reader, reader);

	r->calls++;
	r->err = err;
}

static uint64_t taken(void)
{
	struct cfs_space space;

	CHECK_EQ(cfs_space_measure(rig.store, NULL, NULL, &space), 0);
	return space.bytes;
}

/* With a quota of so much more than the store takes. */
static void begin(uint64_t more, size_t n_bytes_beside)
{
	char path[128];
	int fd;

	make_large();
	start_large(1, TREES);
	rig.config.fill_percent = 100;
	/* Nothing that may go. */
	snprintf(path, sizeof(path), "%s/beside", rig.path);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	CHECK(fd >= 0);
	if (n_bytes_beside)
		CHECK_EQ(posix_fallocate(fd, 0, (off_t)n_bytes_beside), 0);
	close(fd);
	limits = (struct fetch_limits){ .max_size = taken() + more };
	limits.high_water = limits.low_water = limits.max_size;
	fetcher_limit(rig.fetcher, &limits, NULL, NULL);
}

static void end(void)
{
	CHECK(taken() <= limits.max_size);
	CHECK_EQ(rig.fetcher->room.booked, 0);
	finish_large();
}

static struct partial_handle *open_it(void)
{
	struct partial_handle *handle;

	CHECK_EQ(partial_open(rig.fetcher->partials, &large.digest, SIZE,
			      &handle), 0);
	return handle;
}

/* Read, and what came of it. */
static int read_part(struct partial_handle *handle, uint64_t offset,
		     uint64_t len)
{
	struct part_reader r = { .reader.done = part_done };
	int outcome = partial_read(handle, offset, len, &r.reader);

	if (outcome != PARTIAL_WAIT)
		return outcome;
	serve_until(&r.calls);
	return r.err;
}

static int n_parts(void)
{
	return count_entries(rig.path, "/partial");
}

/* An object that is not needed. */
static struct cfs_digest publish_spare(size_t len, uint32_t seed)
{
	struct object spare = make_object(len, seed);
	struct cfs_digest digest = spare.digest, published;

	CHECK_EQ(publish_bytes(rig.store, spare.data, len, &published), 0);
	free(spare.data);
	return digest;
}

/* Not begun, and at no one's cost. */
static void test_what_can_never_fit(void)
{
	struct partial_handle *handle;
	struct cfs_digest spare;
	struct reader r;

	begin(2 * MIB, 0);
	spare = publish_spare(MIB, 77);
	CHECK_EQ(partial_open(rig.fetcher->partials, &large.digest, SIZE,
			      &handle), -ENOSPC);
	ask(&r, &large, FETCH_DEMAND);
	serve_until(&r.calls);
	CHECK_EQ(r.err, -EFBIG);
	CHECK_EQ(cfs_store_check(rig.store, &spare, MIB), 0);
	CHECK_EQ(rig.n_started, 1);	/* of the file "mirror" */
	finish_large();
}

/* Sizes that an image made up. */
static void test_sizes_that_make_no_sense(void)
{
	static const uint64_t sizes[] = {
		(uint64_t)1 << 50, (uint64_t)1 << 62, INT64_MAX,
	};
	struct partial_handle *handle;
	struct object huge = large;
	struct reader r;

	make_large();
	start_large(1, TREES);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		CHECK_EQ(partial_open(rig.fetcher->partials, &large.digest,
				      sizes[i], &handle), -ENOSPC);
		huge.digest = large.digest;
		huge.digest.bytes[0] ^= i + 1;
		huge.len = sizes[i];
		ask(&r, &huge, FETCH_DEMAND);
		serve_until(&r.calls);
		CHECK_EQ(r.err, -EFBIG);
	}
	CHECK_EQ(rig.n_started, 1);	/* of the file "mirror" */
	finish_large();
}

/* Read in part what would not fit whole; then what does not fit is ENOSPC, and goes. */
static void test_parts_are_booked(void)
{
	struct partial_handle *handle;

	begin(5 * MIB / 2, 2 * MIB);
	handle = open_it();
	CHECK_EQ(read_part(handle, 0, MIB), 0);
	CHECK_EQ(read_part(handle, 2 * MIB, MIB / 2), 0);
	CHECK(taken() <= limits.max_size);
	CHECK_EQ(n_parts(), 2);
	CHECK_EQ(read_part(handle, MIB, 2 * MIB), -ENOSPC);
	spin(20);
	CHECK_EQ(n_parts(), 0);
	CHECK(taken() <= limits.max_size);
	/* It is told so for a while; who opens it anew begins anew. */
	CHECK_EQ(read_part(handle, 2 * MIB, 4096), -ENOSPC);
	partial_close(handle);
	handle = open_it();
	CHECK_EQ(read_part(handle, 2 * MIB, 4096), 0);
	partial_close(handle);
	spin(20);
	end();
}

/* The whole is booked before it is begun. */
static void test_the_whole_is_booked(void)
{
	struct partial_handle *handle;
	struct reader r;

	begin(5 * MIB / 2, 2 * MIB);
	handle = open_it();
	CHECK_EQ(read_part(handle, 0, MIB), 0);
	ask(&r, &large, FETCH_PREFETCH);
	serve_until(&r.calls);
	CHECK_EQ(r.err, -ENOSPC);
	/* Who reads some of it is not disturbed. */
	CHECK_EQ(read_part(handle, 2 * MIB, 4096), 0);
	CHECK_EQ(read_part(handle, 0, MIB), 0);
	partial_close(handle);
	spin(20);
	end();

	/* It fits to the block: what is here is not booked twice. */
	begin(SIZE + 7 * 4096 + 6 * 4096 + SIZE / 100, 0);
	handle = open_it();
	CHECK_EQ(read_part(handle, 0, 2 * MIB), 0);
	partial_close(handle);
	spin(20);
	ask(&r, &large, FETCH_DEMAND);
	serve_until(&r.calls);
	CHECK_EQ(r.err, 0);
	check_stored(&large, true);
	end();
}

/* What is not needed goes for it, but no more than that. */
static void test_spare_objects_give_way(void)
{
	struct cfs_digest old, new;
	struct timespec times[2] = { { .tv_sec = 1000 }, { .tv_sec = 1000 } };
	char name[CFS_OBJECT_NAME_LEN + 1];
	struct reader r;

	make_large();
	start_large(1, TREES);
	old = publish_spare(2 * MIB, 5);
	new = publish_spare(MIB, 6);
	cfs_object_name_format(&old, name);
	CHECK_EQ(utimensat(cfs_store_objects_fd(rig.store), name, times, 0), 0);
	limits = (struct fetch_limits){ .max_size = taken() + 2 * MIB };
	limits.high_water = limits.low_water = limits.max_size;
	fetcher_limit(rig.fetcher, &limits, NULL, NULL);
	ask(&r, &large, FETCH_DEMAND);
	serve_until(&r.calls);
	CHECK_EQ(r.err, 0);
	check_stored(&large, true);
	CHECK_EQ(cfs_store_check(rig.store, &old, 2 * MIB), CFS_STORE_MISS);
	CHECK_EQ(cfs_store_check(rig.store, &new, MIB), 0);
	end();
}

/* What is open and not waited for gives way to an object that is. */
static void test_open_parts_give_way(void)
{
	struct object small = make_object(MIB - 4096, 8);
	struct partial_handle *handle;
	struct reader r;

	begin(5 * MIB / 2, 2 * MIB);
	handle = open_it();
	CHECK_EQ(read_part(handle, 0, 2 * MIB), 0);
	ask(&r, &small, FETCH_DEMAND);
	for (int i = 0; i < 2000 && !rig.n_gets; i++)
		spin(1);
	CHECK_EQ(rig.n_gets, 1);
	send_bytes(rig.gets[0], &small, 0, small.len);
	end_get(rig.gets[0], FETCH_RESULT_OK);
	spin_until_sealed();
	CHECK_EQ(r.err, 0);
	check_stored(&small, true);
	CHECK_EQ(n_parts(), 0);
	CHECK(taken() <= limits.max_size);
	/* It is read on. */
	CHECK_EQ(read_part(handle, 0, MIB), 0);
	partial_close(handle);
	spin(20);
	free(small.data);
	end();
}

/* A size that only the mirror knows is booked when it says so. */
static void test_an_unknown_size(void)
{
	struct object small = make_object(MIB, 9);
	struct reader r = { .waiter.done = read_done };

	begin(MIB / 2, 0);
	CHECK_EQ(fetch_object(rig.fetcher, &small.digest, FETCH_SIZE_UNKNOWN,
			      FETCH_DEMAND, &r.waiter), 0);
	for (int i = 0; i < 2000 && !rig.n_gets; i++)
		spin(1);
	CHECK_EQ(rig.n_gets, 1);
	rig.gets[0]->announced = small.len;
	CHECK_EQ(rig.gets[0]->data(rig.gets[0], small.data, 1000), -ENOSPC);
	end_get(rig.gets[0], FETCH_RESULT_LOCAL);
	for (int i = 0; i < 2000 && !r.calls; i++)
		spin(1);
	CHECK_EQ(r.err, -ENOSPC);
	free(small.data);
	end();
}

/* Something else made room, and the count does not know: it is made anew. */
static void test_a_count_that_is_too_high(void)
{
	char path[128];
	struct reader r;

	begin(3 * MIB, 2 * MIB);
	for (int i = 0; i < 2000 && !rig.fetcher->room.known; i++)
		spin(1);
	snprintf(path, sizeof(path), "%s/beside", rig.path);
	CHECK_EQ(unlink(path), 0);
	ask(&r, &large, FETCH_DEMAND);
	serve_until(&r.calls);
	CHECK_EQ(r.err, 0);
	check_stored(&large, true);
	end();
}

/* Each knows what the others have on its way, and have added since it measured. */
static void test_others_are_counted(void)
{
	struct store_dir dir = store_dir_new();
	struct quota_share a = { .open = false }, b = { .open = false };
	int fd = cfs_store_objects_fd(dir.store);

	CHECK_EQ(quota_share_others(&a), 0);
	CHECK_EQ(quota_share_open(&a, fd), 0);
	CHECK_EQ(quota_share_open(&b, fd), 0);
	CHECK(a.slot != b.slot);
	quota_share_publish(&a, 1000, 0);
	CHECK_EQ(quota_share_others(&b), 1000);
	CHECK_EQ(quota_share_others(&a), 0);
	quota_share_publish(&a, 400, 600);
	CHECK_EQ(quota_share_others(&b), 1000);
	quota_share_measure(&b);
	CHECK_EQ(quota_share_others(&b), 400);
	quota_share_publish(&b, 7, 0);
	CHECK_EQ(quota_share_others(&a), 7);

	/* Killed: what had landed has; what had not does not come. */
	close(a.fd);
	CHECK_EQ(quota_share_others(&b), 400);
	quota_share_measure(&b);
	CHECK_EQ(quota_share_others(&b), 0);
	a.open = false;
	CHECK_EQ(quota_share_open(&a, fd), 0);
	quota_share_publish(&a, 0, 50);
	CHECK_EQ(quota_share_others(&b), 50);
	quota_share_close(&a);
	quota_share_close(&b);
	quota_share_close(&b);
	store_dir_free(&dir);
}

/* There is a slot for so many; the next one knows of itself only. */
static void test_more_than_there_are_slots(void)
{
	struct store_dir dir = store_dir_new();
	struct quota_share shares[QUOTA_SHARE_SLOTS], late = { .open = false };
	int fd = cfs_store_objects_fd(dir.store);

	for (size_t i = 0; i < QUOTA_SHARE_SLOTS; i++)
		CHECK_EQ(quota_share_open(&shares[i], fd), 0);
	CHECK_EQ(quota_share_open(&late, fd), -EBUSY);
	CHECK(!late.open);
	quota_share_publish(&late, 5, 5);
	CHECK_EQ(quota_share_others(&shares[3]), 0);
	for (size_t i = 0; i < QUOTA_SHARE_SLOTS; i++)
		quota_share_close(&shares[i]);
	store_dir_free(&dir);
}

RUN_TESTS(
	T(test_others_are_counted),
	T(test_more_than_there_are_slots),
	T(test_what_can_never_fit),
	T(test_sizes_that_make_no_sense),
	T(test_parts_are_booked),
	T(test_the_whole_is_booked),
	T(test_spare_objects_give_way),
	T(test_open_parts_give_way),
	T(test_an_unknown_size),
	T(test_a_count_that_is_too_high))
