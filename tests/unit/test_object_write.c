// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Test fetcher/ingest/write.c.
 *
 * Most tests drive the state machine by hand, with results no kernel would give
 * on demand.  One runs it on a real ring and a real store.
 */
#include "fetcher/ingest/write.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>

#include "tests/unit/store_dir.h"

static struct {
	int n_submit, n_done, err;
	const void *data;		/* of the first piece */
	size_t len;
	unsigned int n_pieces;
	uint64_t offset;
} seen;

static void note_submit(struct cfs_object_write *w, const struct iovec *pieces,
			unsigned int n, uint64_t offset)
{
	(void)w;
	seen.n_submit++;
	seen.data = pieces->iov_base;
	seen.len = pieces->iov_len;
	seen.n_pieces = n;
	seen.offset = offset;
}

static void add(struct cfs_object_write *w, const char *data, size_t len)
{
	const struct iovec chunk = { (void *)data, len };

	cfs_object_write_add(w, &chunk, 1);
}

static void note_done(struct cfs_object_write *w, int err)
{
	(void)w;
	seen.n_done++;
	seen.err = err;
}

static struct cfs_object_write new_write(void)
{
	memset(&seen, 0, sizeof(seen));
	return (struct cfs_object_write){ .submit = note_submit,
					  .done = note_done };
}

/* A short write is continued from where it stopped, not started again. */
static void test_a_short_write_resumes(void)
{
	static const char data[] = "hello, world";
	struct cfs_object_write w = new_write();

	add(&w, data, 12);
	CHECK_EQ(seen.n_done, 0);
	CHECK(seen.data == data && seen.len == 12 && seen.offset == 0);
	cfs_object_write_step(&w, 5);
	CHECK(seen.data == data + 5 && seen.len == 7 && seen.offset == 5);
	cfs_object_write_step(&w, -EINTR);
	cfs_object_write_step(&w, -EAGAIN);
	CHECK(seen.data == data + 5 && seen.len == 7 && seen.offset == 5);
	CHECK_EQ(seen.n_submit, 4);
	cfs_object_write_step(&w, 7);
	CHECK_EQ(seen.n_done, 1);
	CHECK_EQ(seen.err, 0);
	CHECK_EQ(w.state, CFS_OBJECT_WRITE_IDLE);

	add(&w, data, 3);
	CHECK(seen.data == data && seen.len == 3 && seen.offset == 12);
	cfs_object_write_step(&w, 3);
	CHECK_EQ(seen.n_done, 2);
	CHECK_EQ(w.offset, 15);
}

static void test_an_error_is_reported_once_and_final(void)
{
	static const struct {
		const char *what;
		int res, expected;
	} cases[] = {
		{ "full", -ENOSPC, -ENOSPC },
		{ "broken", -EIO, -EIO },
		{ "nothing written", 0, -EIO },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cfs_object_write w = new_write();

		fprintf(stderr, "  %s\n", cases[i].what);
		add(&w, "xy", 2);
		cfs_object_write_step(&w, 1);
		cfs_object_write_step(&w, cases[i].res);
		CHECK_EQ(seen.n_done, 1);
		CHECK_EQ(seen.err, cases[i].expected);
		CHECK_EQ(seen.n_submit, 2);
		CHECK_EQ(w.state, CFS_OBJECT_WRITE_FAILED);
		CHECK_EQ(w.offset, 1);
	}
}

/* Wherever a short write stops, what comes next is what was not written. */
static void test_a_short_write_among_chunks(void)
{
	char data[] = "hello, world";
	const struct iovec chunks[] = { { data, 5 }, { data + 5, 2 }, { data + 7, 5 } };
	struct cfs_object_write w = new_write();

	cfs_object_write_add(&w, chunks, 3);
	CHECK(seen.data == data && seen.n_pieces == 3);
	cfs_object_write_step(&w, 6);
	CHECK(seen.data == data + 6 && seen.len == 1 && seen.n_pieces == 2);
	CHECK_EQ(seen.offset, 6);
	cfs_object_write_step(&w, 1);
	CHECK(seen.data == data + 7 && seen.len == 5 && seen.n_pieces == 1);
	CHECK_EQ(seen.n_done, 0);
	cfs_object_write_step(&w, 5);
	CHECK_EQ(seen.n_done, 1);
	CHECK_EQ(w.offset, 12);
	CHECK_EQ(w.state, CFS_OBJECT_WRITE_IDLE);
}

struct ring_write {
	struct cfs_object_write write;
	struct io_uring *ring;
	int fd;
	bool done;
};

static void submit_to_ring(struct cfs_object_write *w, const struct iovec *pieces,
			   unsigned int n, uint64_t offset)
{
	struct ring_write *rw = (struct ring_write *)w;
	struct io_uring_sqe *sqe = io_uring_get_sqe(rw->ring);

	CHECK(sqe);
	io_uring_prep_writev(sqe, rw->fd, pieces, n, offset);
}

static void ring_done(struct cfs_object_write *w, int err)
{
	CHECK_EQ(err, 0);
	((struct ring_write *)w)->done = true;
}

static void test_a_real_ring_fills_a_real_object(void)
{
	static const char data[] = "a first chunk, and a second";
	struct ring_write rw = { .write = { .submit = submit_to_ring,
					    .done = ring_done } };
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest = digest_of(data, sizeof(data));
	struct io_uring ring;
	int err = io_uring_queue_init(8, &ring, 0);

	if (err == -ENOSYS || err == -EPERM) {
		store_dir_free(&dir);
		SKIP("io_uring is not available");
	}
	CHECK_EQ(err, 0);
	rw.ring = &ring;
	CHECK_EQ(cfs_object_stage(dir.store, sizeof(data), &rw.fd), 0);
	add(&rw.write, data, 13);
	for (;;) {
		struct io_uring_cqe *cqe;
		int res;

		CHECK(io_uring_submit_and_wait(&ring, 1) >= 0);
		CHECK_EQ(io_uring_peek_cqe(&ring, &cqe), 0);
		res = cqe->res;
		io_uring_cqe_seen(&ring, cqe);
		cfs_object_write_step(&rw.write, res);
		if (!rw.done)
			continue;
		if (rw.write.offset == sizeof(data))
			break;
		rw.done = false;
		add(&rw.write, data + 13, sizeof(data) - 13);
	}
	CHECK_EQ(cfs_object_publish(dir.store, rw.fd, &digest), 0);
	CHECK_EQ(cfs_store_check(dir.store, &digest, sizeof(data)), 0);
	io_uring_queue_exit(&ring);
	store_dir_free(&dir);
}

RUN_TESTS(T(test_a_short_write_resumes),
	  T(test_an_error_is_reported_once_and_final),
	  T(test_a_short_write_among_chunks),
	  T(test_a_real_ring_fills_a_real_object))
