/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A thread that writes what others must not wait for.
 *
 *	log_writer_put() --> [buffer, bounded] --> thread --> descriptor
 *	       |                                     |
 *	       +-- it is full: lines are dropped     +-- refused: lines are dropped
 *
 * Whatever the descriptor is, a pipe that nothing reads, a full disk, a file server
 * that does not answer: only this thread waits.  Lines are dropped as a whole and
 * counted; of what goes on for long, a line in the service's own log says how many.
 *
 * Ownership: log_writer_new() gives the caller a writer to log_writer_free().
 * Any thread may put lines.
 */
#ifndef SERVER_LOG_WRITER_H
#define SERVER_LOG_WRITER_H

#include <stddef.h>
#include <stdint.h>

/* How many bytes wait for the thread at most. */
#define LOG_WRITER_BUFFER	((size_t)256 << 10)

struct log_writer;

/**
 * log_writer_new() - start a thread
 * @fd: where to write; borrowed, and may lead to something else meanwhile
 * @ret: the writer, owned by the caller; untouched on failure
 *
 * Return: 0 or -errno.
 */
int log_writer_new(int fd, struct log_writer **ret);

/** log_writer_put() - write these lines, or drop those that there is no room for */
void log_writer_put(struct log_writer *writer, const char *lines, size_t len);

/** log_writer_dropped() - how many lines were never written, up to now */
uint64_t log_writer_dropped(struct log_writer *writer);

/** log_writer_flush() - wait until all is written or dropped, at most @ms */
void log_writer_flush(struct log_writer *writer, unsigned int ms);

/**
 * log_writer_free() - end the thread; NULL is allowed
 *
 * What is still to be written gets a second.  A thread that hangs in the kernel is
 * left to itself with its memory: the process must be about to end.
 */
void log_writer_free(struct log_writer *writer);

#endif /* SERVER_LOG_WRITER_H */
