/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One event, one line on stderr: words of the form key=value.
 *
 * Ownership: everything is borrowed for the duration of the call.  Any thread:
 * a line is one write, so lines never mix.  Daemons log through this; libraries
 * return errors instead.
 */
#ifndef CACHE_BASE_LOG_H
#define CACHE_BASE_LOG_H

#include <stddef.h>
#include <syslog.h>	/* LOG_ERR, LOG_WARNING, LOG_INFO, LOG_DEBUG */

/* A longer line is cut and ends in "...". */
#define LOG_LINE_MAX	1024

/**
 * log_set_level() - what is logged from now on
 * @level: the least important level that is; LOG_INFO at start
 */
void log_set_level(int level);

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
