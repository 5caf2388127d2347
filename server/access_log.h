/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One line for each request, key=value:
 *
 *	time=2026-01-31T12:00:00Z peer=192.0.2.1 method=GET path=/mirror
 *	status=200 bytes=4096 ms=0
 *
 * (on one line).  What clients sent is escaped: no line can be forged.
 *
 * Ownership: access_log_open() gives the caller a log to access_log_close().
 * Each thread writes through a struct access_log_lines of its own, in its own
 * memory, zero at first; whole lines of threads mix.  What is logged is copied.
 *
 * The log never holds up the server: lines are collected and given to a thread
 * that writes them (log_writer.h); what it can't get rid of is dropped and counted.
 */
#ifndef SERVER_ACCESS_LOG_H
#define SERVER_ACCESS_LOG_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "server/peer_limit.h"

#define ACCESS_LOG_BUFFER	16384

struct access_log;

struct access_log_lines {
	size_t len;
	char text[ACCESS_LOG_BUFFER];
};

struct access_log_entry {
	time_t time;
	const struct peer *peer;
	const char *method;		/* "-" if it was not understood */
	const char *path;		/* as sent; may be NULL */
	size_t path_len;
	int status;
	uint64_t bytes;			/* of the body, that were sent */
	int64_t ms;
};

/**
 * access_log_open() - open a log for appending
 * @path: its file, or "-" for standard output; of a FIFO no reader is waited for
 * @ret: the log, owned by the caller; untouched on failure
 *
 * Return: 0 or -errno.
 */
int access_log_open(const char *path, struct access_log **ret);

/**
 * access_log_start() - start the thread that writes; once, before anything is logged
 *
 * Return: 0 or -errno.
 */
int access_log_start(struct access_log *log);

/** access_log_close() - NULL is allowed */
void access_log_close(struct access_log *log);

/**
 * access_log_reopen() - open the path again, for log rotation; any thread
 *
 * Return: 0, or -errno, in which case the old file stays in use.
 */
int access_log_reopen(struct access_log *log);

/** access_log_add() - add a line; @log may be NULL for none */
void access_log_add(struct access_log *log, struct access_log_lines *lines,
		    const struct access_log_entry *entry);

/** access_log_flush() - let what was collected be written; @log may be NULL */
void access_log_flush(struct access_log *log, struct access_log_lines *lines);

/** access_log_dropped() - lines that were never written; @log may be NULL */
uint64_t access_log_dropped(struct access_log *log);

/** access_log_wait() - until all that was flushed is written, at most @ms */
void access_log_wait(struct access_log *log, unsigned int ms);

#endif /* SERVER_ACCESS_LOG_H */
