// SPDX-License-Identifier: GPL-2.0-or-later
/* One event, one line on stderr. */
#include "cache/base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_int max_level = LOG_INFO;

void log_set_level(int level)
{
	atomic_store(&max_level, level);
}

/* JOURNAL_STREAM names the journal's socket; stderr may have been redirected. */
static bool stderr_is_journal(void)
{
	const char *stream = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;

	return stream && sscanf(stream, "%llu:%llu", &dev, &ino) == 2 &&
	       fstat(STDERR_FILENO, &st) == 0 && st.st_dev == dev &&
	       st.st_ino == ino;
}

static bool is_control(unsigned char c)
{
	return c < 0x20 || c == 0x7f;
}

/*
 * Append to a line as much as fits, escaping what could forge another line.  The
 * last bytes are kept free for the dots and the newline.
 */
static size_t append_escaped(char *line, size_t at, const char *text)
{
	for (; *text; text++) {
		unsigned char c = *text;

		if (at + 8 > LOG_LINE_MAX)
			return at + sprintf(line + at, "...");
		if (is_control(c))
			at += sprintf(line + at, "\\x%02x", c);
		else
			line[at++] = c;
	}
	return at;
}

void log_line(int level, const char *format, ...)
{
	char text[LOG_LINE_MAX + 1], line[LOG_LINE_MAX];
	int saved_errno = errno;
	va_list args;
	size_t at = 0;

	if (level > atomic_load(&max_level))
		return;
	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (stderr_is_journal())
		at = sprintf(line, "<%d>", level);
	at = append_escaped(line, at, text);
	line[at++] = '\n';
	/* There is nobody to tell if stderr is gone. */
	while (write(STDERR_FILENO, line, at) < 0 && errno == EINTR)
		;
	errno = saved_errno;
}

static bool needs_quotes(const char *text)
{
	if (!*text)
		return true;
	for (; *text; text++)
		if (*text == ' ' || *text == '"' || *text == '\\' ||
		    is_control(*text))
			return true;
	return false;
}

const char *log_quote(const char *text, char *ret, size_t size)
{
	size_t at = 0;

	if (!needs_quotes(text)) {
		snprintf(ret, size, "%s", text);
		return ret;
	}
	ret[at++] = '"';
	for (; *text; text++) {
		unsigned char c = *text;
		size_t need = is_control(c) ? 4 : c == '"' || c == '\\' ? 2 : 1;

		if (at + need + 2 > size)	/* the quote and the NUL */
			break;
		if (need == 4) {
			at += sprintf(ret + at, "\\x%02x", c);
			continue;
		}
		if (need == 2)
			ret[at++] = '\\';
		ret[at++] = c;
	}
	ret[at++] = '"';
	ret[at] = '\0';
	return ret;
}
