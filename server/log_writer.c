// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/log_writer.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/log.h"

#define LAST_MS		1000
/* How long a reader is waited for before the thread looks whether it shall end. */
#define POLL_MS		100
#define REPORT_MS	10000

struct log_writer {
	int fd;
	pthread_t thread;
	pthread_mutex_t lock;		/* protects what follows */
	pthread_cond_t changed;
	char *filling, *writing;	/* the second is the thread's alone */
	size_t len;			/* of ->filling */
	bool busy;			/* the thread has something */
	bool stopping;
	struct timespec stop_by;
	uint64_t n_dropped, n_reported;
	int64_t reported_ms;		/* 0: never */
};

static int64_t clock_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static struct timespec in_ms(unsigned int ms)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	ts.tv_sec += ms / 1000;
	ts.tv_nsec += (long)(ms % 1000) * 1000000;
	if (ts.tv_nsec >= 1000000000) {
		ts.tv_sec++;
		ts.tv_nsec -= 1000000000;
	}
	return ts;
}

static uint64_t count_lines(const char *text, size_t len)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

/* The most whole lines in @max bytes. */
static size_t whole_lines(const char *text, size_t len, size_t max)
{
	const char *end;

	if (len <= max)
		return len;
	end = memrchr(text, '\n', max);
	return end ? (size_t)(end - text) + 1 : 0;
}

/* With the lock held. */
static void drop(struct log_writer *writer, uint64_t n, const char *why)
{
	int64_t now = clock_ms();

	writer->n_dropped += n;
	if (!n || (writer->reported_ms &&
		   now - writer->reported_ms < REPORT_MS))
		return;
	log_line(LOG_WARNING, "event=access-log-dropped lines=%llu reason=\"%s\"",
		 (unsigned long long)(writer->n_dropped - writer->n_reported),
		 why);
	writer->n_reported = writer->n_dropped;
	writer->reported_ms = now;
}

static bool is_late(struct log_writer *writer)
{
	struct timespec now;
	bool late;

	clock_gettime(CLOCK_REALTIME, &now);
	pthread_mutex_lock(&writer->lock);
	late = writer->stopping &&
	       (now.tv_sec > writer->stop_by.tv_sec ||
		(now.tv_sec == writer->stop_by.tv_sec &&
		 now.tv_nsec >= writer->stop_by.tv_nsec));
	pthread_mutex_unlock(&writer->lock);
	return late;
}

/* Wait until something can be written; false if it is time to give up. */
static bool wait_for_room(struct log_writer *writer)
{
	struct pollfd pfd = { .fd = writer->fd, .events = POLLOUT };

	while (poll(&pfd, 1, POLL_MS) <= 0)
		if (is_late(writer))
			return false;
	return true;
}

/* Return: how many bytes were written; @err says why not all. */
static size_t write_lines(struct log_writer *writer, size_t len, int *err)
{
	size_t done = 0;
	struct stat st;
	/* A pipe that has room has room for so much, and then takes it as a whole. */
	const size_t step = fstat(writer->fd, &st) == 0 &&
			    S_ISREG(st.st_mode) ? len : PIPE_BUF;

	while (done < len) {
		size_t n_bytes = whole_lines(writer->writing + done, len - done,
					     step);
		ssize_t n;

		if (!wait_for_room(writer)) {
			*err = EAGAIN;
			return done;
		}
		n = write(writer->fd, writer->writing + done, n_bytes);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0) {
			*err = errno;
			return done;
		}
		done += (size_t)n;
	}
	return done;
}

static void *thread_main(void *context)
{
	struct log_writer *writer = context;

	pthread_mutex_lock(&writer->lock);
	for (;;) {
		size_t len = writer->len, done;
		char *lines = writer->filling;
		int err = 0;

		if (!len) {
			if (writer->stopping)
				break;
			pthread_cond_wait(&writer->changed, &writer->lock);
			continue;
		}
		writer->filling = writer->writing;
		writer->writing = lines;
		writer->len = 0;
		writer->busy = true;
		pthread_mutex_unlock(&writer->lock);
		done = write_lines(writer, len, &err);
		pthread_mutex_lock(&writer->lock);
		writer->busy = false;
		drop(writer, count_lines(lines + done, len - done),
		     strerror(err));
		pthread_cond_broadcast(&writer->changed);
	}
	pthread_mutex_unlock(&writer->lock);
	return NULL;
}

static void release(struct log_writer *writer)
{
	pthread_cond_destroy(&writer->changed);
	pthread_mutex_destroy(&writer->lock);
	free(writer->filling);
	free(writer->writing);
	free(writer);
}

int log_writer_new(int fd, struct log_writer **ret)
{
	struct log_writer *writer = calloc(1, sizeof(*writer));
	int err;

	if (!writer)
		return -ENOMEM;
	writer->fd = fd;
	writer->filling = malloc(LOG_WRITER_BUFFER);
	writer->writing = malloc(LOG_WRITER_BUFFER);
	pthread_mutex_init(&writer->lock, NULL);
	pthread_cond_init(&writer->changed, NULL);
	err = writer->filling && writer->writing ?
		      -pthread_create(&writer->thread, NULL, thread_main,
				      writer) : -ENOMEM;
	if (err) {
		release(writer);
		return err;
	}
	*ret = writer;
	return 0;
}

void log_writer_put(struct log_writer *writer, const char *lines, size_t len)
{
	size_t fits;

	pthread_mutex_lock(&writer->lock);
	fits = whole_lines(lines, len, LOG_WRITER_BUFFER - writer->len);
	memcpy(writer->filling + writer->len, lines, fits);
	writer->len += fits;
	drop(writer, count_lines(lines + fits, len - fits),
	     "what reads it does not keep up");
	pthread_cond_broadcast(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
}

uint64_t log_writer_dropped(struct log_writer *writer)
{
	uint64_t n;

	pthread_mutex_lock(&writer->lock);
	n = writer->n_dropped;
	pthread_mutex_unlock(&writer->lock);
	return n;
}

void log_writer_flush(struct log_writer *writer, unsigned int ms)
{
	const struct timespec by = in_ms(ms);

	pthread_mutex_lock(&writer->lock);
	while (writer->len || writer->busy)
		if (pthread_cond_timedwait(&writer->changed, &writer->lock,
					   &by))
			break;
	pthread_mutex_unlock(&writer->lock);
}

void log_writer_free(struct log_writer *writer)
{
	struct timespec by = in_ms(2 * LAST_MS);

	if (!writer)
		return;
	pthread_mutex_lock(&writer->lock);
	writer->stopping = true;
	writer->stop_by = in_ms(LAST_MS);
	pthread_cond_broadcast(&writer->changed);
	pthread_mutex_unlock(&writer->lock);
	if (pthread_timedjoin_np(writer->thread, NULL, &by) == 0)
		release(writer);
}
