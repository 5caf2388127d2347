// SPDX-License-Identifier: GPL-2.0-or-later
/* The loop's time is that in which it could run; on io_uring and on the fallback. */
#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "fetcher/loop/loop.h"
#include "tests/unit/test.h"

static unsigned int flags;
static struct loop *loop;

static void start(void)
{
	CHECK_EQ(loop_new(flags, 1, &loop), 0);
}

static void stop_loop(struct loop_timer *timer)
{
	(void)timer;
	loop_stop(loop);
}

static void nap(struct loop_timer *timer)
{
	(void)timer;
	usleep(1200 * 1000);
}

static uint64_t real_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A deadline does not pass while nothing can be done to meet it. */
static void time_stands_still_while_kept_busy(void)
{
	struct loop_timer end = { .expired = stop_loop };
	struct loop_timer napping = { .expired = nap };
	uint64_t begin, real;

	start();
	begin = loop_now_ms(loop);
	real = real_ms();
	loop_timer_start(loop, &napping, 0);
	loop_timer_start(loop, &end, 700);
	CHECK_EQ(loop_run(loop), 0);
	CHECK(real_ms() - real >= 1800);
	CHECK(loop_now_ms(loop) - begin >= 700);
	CHECK(loop_now_ms(loop) - begin < real_ms() - real - 1000);

	/* Outside, where other work is done, it goes on. */
	begin = loop_now_ms(loop);
	usleep(600 * 1000);
	CHECK(loop_now_ms(loop) - begin >= 600);
	loop_timer_start(loop, &end, 0);
	CHECK_EQ(loop_run(loop), 0);
	CHECK(loop_now_ms(loop) - begin >= 600);
	loop_free(loop);
}

static pid_t stop_for_a_while(unsigned int before_ms, unsigned int ms)
{
	pid_t parent = getpid(), pid = fork();

	CHECK(pid >= 0);
	if (pid)
		return pid;
	usleep(before_ms * 1000);
	kill(parent, SIGSTOP);
	usleep(ms * 1000);
	kill(parent, SIGCONT);
	_exit(0);
}

/* SIGSTOP in the middle of a long sleep, with its end before that of the sleep. */
static void time_stands_still_while_stopped(void)
{
	struct loop_timer end = { .expired = stop_loop };
	uint64_t real;
	pid_t pid;

	start();
	real = real_ms();
	pid = stop_for_a_while(100, 1800);
	loop_timer_start(loop, &end, 1800);
	CHECK_EQ(loop_run(loop), 0);
	CHECK(loop_pauses(loop) >= 1);
	/* All but what it takes to notice the pause, which is a second. */
	CHECK(real_ms() - real >= 1800 + 700);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	loop_free(loop);
}

static void test_on_io_uring(void)
{
	flags = 0;
	time_stands_still_while_kept_busy();
	time_stands_still_while_stopped();
}

static void test_on_epoll(void)
{
	flags = LOOP_NO_IO_URING;
	time_stands_still_while_kept_busy();
	time_stands_still_while_stopped();
}

RUN_TESTS(T(test_on_io_uring), T(test_on_epoll))
