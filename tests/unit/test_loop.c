// SPDX-License-Identifier: GPL-2.0-or-later
/* Every test runs on io_uring and on the fallback. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cache/base/container_of.h"
#include "fetcher/loop/loop.h"
#include "tests/unit/test.h"

static unsigned int flags;
static struct loop *loop;

static void start(void)
{
	CHECK_EQ(loop_new(flags, 2, &loop), 0);
	if (flags & LOOP_NO_IO_URING)
		CHECK(!loop_uses_io_uring(loop));
}

static char order[16];

struct noted_timer {
	struct loop_timer timer;
	char name;
	bool stops;
};

static void note_timer(struct loop_timer *timer)
{
	struct noted_timer *t = container_of(timer, struct noted_timer, timer);

	order[strlen(order)] = t->name;
	if (t->stops)
		loop_stop(loop);
}

/* Timers go off by time, whatever the order they were started or moved in. */
static void timers_go_off_in_order(void)
{
	struct noted_timer a = { { .expired = note_timer }, 'a', false };
	struct noted_timer b = { { .expired = note_timer }, 'b', false };
	struct noted_timer c = { { .expired = note_timer }, 'c', true };
	struct noted_timer gone = { { .expired = note_timer }, 'x', false };
	uint64_t begin;

	start();
	memset(order, 0, sizeof(order));
	begin = loop_now_ms(loop);
	loop_timer_start(loop, &c.timer, 30);
	loop_timer_start(loop, &gone.timer, 5);
	loop_timer_start(loop, &b.timer, 1);
	loop_timer_start(loop, &a.timer, 10);
	loop_timer_start(loop, &b.timer, 20);
	loop_timer_stop(loop, &gone.timer);
	loop_timer_stop(loop, &gone.timer);
	CHECK_EQ(loop_run(loop), 0);
	CHECK(strcmp(order, "abc") == 0);
	CHECK(loop_now_ms(loop) - begin >= 30);
	CHECK(!loop_timer_running(&c.timer));
	loop_free(loop);
}

/* A program does long work of its own, and then starts a timer. */
static void time_goes_on_between_two_runs(void)
{
	struct noted_timer soon = { { .expired = note_timer }, 's', true };
	uint64_t begin;

	start();
	memset(order, 0, sizeof(order));
	begin = loop_now_ms(loop);
	usleep(100 * 1000);
	CHECK(loop_now_ms(loop) - begin >= 100);
	begin = loop_now_ms(loop);
	loop_timer_start(loop, &soon.timer, 50);
	CHECK_EQ(loop_run(loop), 0);
	CHECK(loop_now_ms(loop) - begin >= 50);
	loop_free(loop);
}

/* A heap of many is still a heap after many removals. */
static void many_timers_keep_their_order(void)
{
	static struct noted_timer t[500];
	size_t i;

	start();
	memset(order, 0, sizeof(order));
	for (i = 0; i < 500; i++) {
		t[i] = (struct noted_timer){ { .expired = note_timer }, '?', true };
		loop_timer_start(loop, &t[i].timer,
				 (i * 7919) % 500 * 1000 + 1);
	}
	for (i = 0; i < 500; i++)
		if ((i * 7919) % 500 != 0)
			loop_timer_stop(loop, &t[i].timer);
	t[0].name = 'f';
	CHECK_EQ(loop_run(loop), 0);
	CHECK(strcmp(order, "f") == 0);
	loop_free(loop);
}

struct reader {
	struct loop_fd lfd;
	int fd;
	int calls;
	bool leave_some;
};

static void read_one(struct loop_fd *lfd, uint32_t events)
{
	struct reader *r = container_of(lfd, struct reader, lfd);
	char c;

	CHECK(events & EPOLLIN);
	CHECK_EQ(read(r->fd, &c, 1), 1);
	r->calls++;
	if (c == 'q')
		loop_stop(loop);
}

/* Bytes that a callback leaves in the pipe bring it back. */
static void readiness_is_level_triggered(void)
{
	struct reader r = { .lfd.ready = read_one };
	int fds[2];

	start();
	CHECK_EQ(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	CHECK_EQ(write(fds[1], "abcq", 4), 4);
	r.fd = fds[0];
	CHECK_EQ(loop_fd_start(loop, &r.lfd, fds[0], EPOLLIN), 0);
	CHECK_EQ(loop_run(loop), 0);
	CHECK_EQ(r.calls, 4);
	loop_fd_stop(loop, &r.lfd);
	loop_fd_stop(loop, &r.lfd);
	close(fds[0]);
	close(fds[1]);
	loop_free(loop);
}

struct closer {
	struct loop_timer timer;
	struct loop_fd lfd;
	int fd;
};

static void never(struct loop_fd *lfd, uint32_t events)
{
	(void)lfd;
	(void)events;
	CHECK(!"called");
}

static void close_watched(struct loop_timer *timer)
{
	struct closer *c = container_of(timer, struct closer, timer);

	loop_fd_stop(loop, &c->lfd);
	close(c->fd);
}

static void see_eof(struct loop_fd *lfd, uint32_t events)
{
	struct reader *r = container_of(lfd, struct reader, lfd);
	char c;

	CHECK(events & (EPOLLIN | EPOLLHUP));
	CHECK_EQ(read(r->fd, &c, 1), 0);
	r->calls++;
	loop_stop(loop);
}

/* The peer of a socket that was closed while watched sees its end. */
static void closing_a_watched_socket_reaches_the_peer(void)
{
	struct closer c = { .timer.expired = close_watched, .lfd.ready = never };
	struct reader r = { .lfd.ready = see_eof };
	int fds[2];

	start();
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	r.fd = fds[0];
	c.fd = fds[1];
	CHECK_EQ(loop_fd_start(loop, &r.lfd, fds[0], EPOLLIN), 0);
	CHECK_EQ(loop_fd_start(loop, &c.lfd, fds[1], EPOLLIN), 0);
	loop_timer_start(loop, &c.timer, 10);
	CHECK_EQ(loop_run(loop), 0);
	CHECK_EQ(r.calls, 1);
	loop_fd_stop(loop, &r.lfd);
	close(fds[0]);
	loop_free(loop);
}

struct pair {
	struct loop_fd lfd;
	struct loop_fd *other;
};

static void stop_other(struct loop_fd *lfd, uint32_t events)
{
	struct pair *p = container_of(lfd, struct pair, lfd);

	(void)events;
	order[strlen(order)] = 'x';
	loop_fd_stop(loop, p->other);
	loop_fd_stop(loop, lfd);
	loop_stop(loop);
}

/* Of two descriptors that are ready at once, one may stop the other. */
static void a_stopped_descriptor_is_not_called(void)
{
	struct pair a = { .lfd.ready = stop_other };
	struct pair b = { .lfd.ready = stop_other };
	struct noted_timer end = { { .expired = note_timer }, '.', true };
	int fds[2];

	start();
	memset(order, 0, sizeof(order));
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	a.other = &b.lfd;
	b.other = &a.lfd;
	CHECK_EQ(loop_fd_start(loop, &a.lfd, fds[0], EPOLLOUT), 0);
	CHECK_EQ(loop_fd_start(loop, &b.lfd, fds[1], EPOLLOUT), 0);
	CHECK_EQ(loop_run(loop), 0);
	loop_timer_start(loop, &end.timer, 10);
	CHECK_EQ(loop_run(loop), 0);
	CHECK(strcmp(order, "x.") == 0);
	close(fds[0]);
	close(fds[1]);
	loop_free(loop);
}

struct switcher {
	struct loop_fd lfd;
	int fd;
	int writes;
};

static void write_then_read(struct loop_fd *lfd, uint32_t events)
{
	struct switcher *s = container_of(lfd, struct switcher, lfd);
	char c;

	if (events & EPOLLOUT) {
		s->writes++;
		CHECK_EQ(loop_fd_modify(loop, lfd, EPOLLIN), 0);
	} else {
		CHECK_EQ(read(s->fd, &c, 1), 1);
		loop_stop(loop);
	}
}

struct poke {
	struct loop_timer timer;
	struct switcher *switcher;
	int fd;
};

static void poke(struct loop_timer *timer)
{
	struct poke *p = container_of(timer, struct poke, timer);

	/* Not inside its callback: off, on, and then a byte. */
	CHECK_EQ(loop_fd_modify(loop, &p->switcher->lfd, 0), 0);
	CHECK_EQ(loop_fd_modify(loop, &p->switcher->lfd, EPOLLIN), 0);
	CHECK_EQ(write(p->fd, "x", 1), 1);
}

/* Events can be changed inside the callback and outside of it. */
static void events_can_be_modified(void)
{
	struct switcher s = { .lfd.ready = write_then_read };
	struct poke p = { .timer.expired = poke, .switcher = &s };
	int fds[2];

	start();
	CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	s.fd = fds[0];
	p.fd = fds[1];
	CHECK_EQ(loop_fd_start(loop, &s.lfd, fds[0], EPOLLOUT), 0);
	loop_timer_start(loop, &p.timer, 10);
	CHECK_EQ(loop_run(loop), 0);
	CHECK_EQ(s.writes, 1);
	loop_fd_stop(loop, &s.lfd);
	close(fds[0]);
	close(fds[1]);
	loop_free(loop);
}

struct job {
	struct loop_work work;
	pthread_t ran_on;
	int done;
};

static atomic_int jobs_left;

static void job_run(struct loop_work *work)
{
	container_of(work, struct job, work)->ran_on = pthread_self();
}

static void job_done(struct loop_work *work)
{
	struct job *job = container_of(work, struct job, work);

	CHECK(!pthread_equal(job->ran_on, pthread_self()));
	job->done++;
	if (--jobs_left == 0)
		loop_stop(loop);
}

/* Work runs elsewhere, and is done here. */
static void work_is_done_on_the_loop(void)
{
	static struct job jobs[1000];
	size_t i;

	start();
	jobs_left = 1000;
	for (i = 0; i < 1000; i++) {
		jobs[i] = (struct job){ .work = { .run = job_run, .done = job_done } };
		loop_work_submit(loop, &jobs[i].work);
	}
	CHECK_EQ(loop_run(loop), 0);
	for (i = 0; i < 1000; i++)
		CHECK_EQ(jobs[i].done, 1);
	loop_free(loop);
}

/* What was submitted is done before the loop is gone. */
static void freeing_the_loop_waits_for_work(void)
{
	static struct job jobs[100];
	size_t i;

	start();
	jobs_left = 1000;
	for (i = 0; i < 100; i++) {
		jobs[i] = (struct job){ .work = { .run = job_run, .done = job_done } };
		loop_work_submit(loop, &jobs[i].work);
	}
	loop_free(loop);
	for (i = 0; i < 100; i++)
		CHECK_EQ(jobs[i].done, 1);
}

static sem_t gate;
static struct job *ran[8];
static size_t n_ran;

static void gated_run(struct loop_work *work)
{
	while (sem_wait(&gate) < 0)
		;
	job_run(work);
}

static void noted_run(struct loop_work *work)
{
	ran[n_ran++] = container_of(work, struct job, work);
	job_run(work);
}

/* With one thread: what somebody waits for goes before what was there earlier. */
static void first_work_goes_first(void)
{
	static struct job jobs[7];

	CHECK_EQ(loop_new(flags, 1, &loop), 0);
	CHECK_EQ(sem_init(&gate, 0, 0), 0);
	n_ran = 0;
	jobs_left = 7;
	for (size_t i = 0; i < 7; i++) {
		jobs[i] = (struct job){
			.work = {
				.run = i ? noted_run : gated_run,
				.done = job_done,
				.first = i >= 5,
			},
		};
		loop_work_submit(loop, &jobs[i].work);
	}
	CHECK_EQ(sem_post(&gate), 0);
	CHECK_EQ(loop_run(loop), 0);
	CHECK_EQ(n_ran, 6);
	/* The thread was held up by the gate until all were there. */
	for (size_t i = 0; i < 6; i++)
		if (ran[i] == &jobs[5] || ran[i] == &jobs[6])
			CHECK(i < 2);
	loop_free(loop);
	sem_destroy(&gate);
}

struct io {
	struct loop_op op;
	int res;
};

static void io_complete(struct loop_op *op, int res)
{
	container_of(op, struct io, op)->res = res;
	loop_stop(loop);
}

/* In one piece at its offset; an error arrives as -errno. */
static void files_are_written(void)
{
	struct io io = { .op.complete = io_complete };
	char path[] = "/tmp/test_loop.XXXXXX", buf[8] = "", text[] = "abcdef";
	const struct iovec pieces[] = { { text, 2 }, { text + 2, 4 } };
	int fd;

	start();
	fd = mkostemp(path, O_CLOEXEC);
	CHECK(fd >= 0);
	unlink(path);
	loop_write(loop, &io.op, fd, pieces, 2, 3);
	CHECK_EQ(loop_run(loop), 0);
	CHECK_EQ(io.res, 6);
	CHECK_EQ(pread(fd, buf, 8, 4), 5);
	CHECK(memcmp(buf, "bcdef", 5) == 0);
	close(fd);
	fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	loop_write(loop, &io.op, fd, pieces, 1, 0);
	CHECK_EQ(loop_run(loop), 0);
	CHECK_EQ(io.res, -EBADF);
	close(fd);
	loop_free(loop);
}

struct again {
	struct loop_deferred deferred;
	int calls;
};

static void call_again(struct loop_deferred *deferred)
{
	struct again *a = container_of(deferred, struct again, deferred);

	if (++a->calls == 3)
		loop_stop(loop);
	else
		loop_defer(loop, deferred);
}

/* A deferred call may defer itself, and be called off. */
static void deferred_calls_are_made_once(void)
{
	struct again a = { .deferred.call = call_again };
	struct again off = { .deferred.call = call_again };

	start();
	loop_defer(loop, &a.deferred);
	loop_defer(loop, &a.deferred);
	loop_defer(loop, &off.deferred);
	loop_undefer(loop, &off.deferred);
	CHECK_EQ(loop_run(loop), 0);
	CHECK_EQ(a.calls, 3);
	CHECK_EQ(off.calls, 0);
	loop_free(loop);
}

static void on_both(void)
{
	static void (*const tests[])(void) = {
		timers_go_off_in_order, time_goes_on_between_two_runs,
		many_timers_keep_their_order,
		readiness_is_level_triggered,
		closing_a_watched_socket_reaches_the_peer,
		a_stopped_descriptor_is_not_called, events_can_be_modified,
		work_is_done_on_the_loop, first_work_goes_first,
		freeing_the_loop_waits_for_work,
		files_are_written, deferred_calls_are_made_once,
	};
	size_t i;

	for (i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		tests[i]();
}

static void test_on_io_uring(void)
{
	flags = 0;
	CHECK_EQ(loop_new(flags, 1, &loop), 0);
	if (!loop_uses_io_uring(loop))
		fprintf(stderr, "  io_uring is not available here\n");
	loop_free(loop);
	on_both();
}

static void test_on_epoll(void)
{
	flags = LOOP_NO_IO_URING;
	on_both();
}

RUN_TESTS(T(test_on_io_uring), T(test_on_epoll))
