/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One event, one line on stderr or to syslog: words of the form key=value.
 *
 * Never waits: whoever reads the lines may be waiting for this very process.
 * What can't be written at once is dropped and counted.
 *
 * Ownership: everything is borrowed for the duration of the call.  Any thread:
 * a line is one write, so lines never mix.  Daemons log through this; libraries
 * return errors instead.
 */
#ifndef CACHE_BASE_LOG_H
#define CACHE_BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <syslog.h>	/* LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG */

/* A longer line is cut and ends in "...". */
#define LOG_LINE_MAX	1024

/**
 * log_set_level() - what is logged from now on
 * @level: the least important level that is; LOG_INFO at start
 */
void log_set_level(int level);

/**
 * log_to_syslog() - send lines to /dev/log from now on; before there are threads
 * @program: the name they carry there; borrowed for ever
 *
 * Return: 0, or -errno if nobody listens there: stderr stays in use then.
 */
int log_to_syslog(const char *program);

/** log_with_time() - begin each line on stderr with the time, in UTC, from now on */
void log_with_time(void);

/** log_dropped() - lines that could not be written; any thread */
uint64_t log_dropped(void);

/**
 * struct log_limit - at most so many lines of a kind in ten seconds
 * @lines: how many; 0 for ten
 * @suppressed: lines held back before one that was let through
 */
struct log_limit {
	unsigned int lines;
	uint64_t suppressed;
	/* private: */
	uint64_t window_ms, held_back;
	unsigned int n;
};

/**
 * log_limit_pass() - may a line of this kind be written now?
 * @limit: zeroed but for @lines before its first use; one thread's at a time
 * @now_ms: any steady clock
 */
bool log_limit_pass(struct log_limit *limit, uint64_t now_ms);

/**
 * log_line() - write a line
 * @level: LOG_ERR to LOG_DEBUG; as "<N>" before the line where stderr is the
 *	journal, which understands it
 * @format: without a newline at the end; control characters in the result are
 *	written as \xNN, so no value can forge a line
 */
void log_line(int level, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/**
 * log_quote() - make any text one value of a key=value line
 * @text: any bytes
 * @ret: @text as it is if it has no spaces, quotes or control characters, else
 *	in double quotes with \ escapes; cut if it does not fit
 * @size: of @ret, at least 4
 *
 * Return: @ret.
 */
const char *log_quote(const char *text, char *ret, size_t size);

#endif /* CACHE_BASE_LOG_H */
