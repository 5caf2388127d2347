// SPDX-License-Identifier: GPL-2.0-or-later
/* One event, one line on stderr or to syslog. */
#include "cache/base/log.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

#define LIMIT_WINDOW_MS	10000
#define LIMIT_LINES	10

static atomic_int max_level = LOG_INFO;
static atomic_uint_least64_t n_dropped;

/* Set once, before there are threads. */
static int syslog_fd = -1;
static const char *syslog_program;
static bool with_time;

void log_set_level(int level)
{
	atomic_store(&max_level, level);
}

int log_to_syslog(const char *program)
{
	static const struct sockaddr_un address = {
		.sun_family = AF_UNIX,
		.sun_path = "/dev/log",
	};
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (syslog_fd >= 0)
		close(syslog_fd);
	syslog_fd = take_fd(&fd);
	syslog_program = program;
	return 0;
}

void log_with_time(void)
{
	with_time = true;
}

static size_t append_time(char *line, size_t at)
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	return at + strftime(line + at, LOG_LINE_MAX / 2,
			     "%Y-%m-%dT%H:%M:%SZ ", &tm);
}

uint64_t log_dropped(void)
{
	return atomic_load(&n_dropped);
}

bool log_limit_pass(struct log_limit *limit, uint64_t now_ms)
{
	if (!limit->n || now_ms - limit->window_ms >= LIMIT_WINDOW_MS) {
		limit->window_ms = now_ms;
		limit->n = 0;
	}
	if (limit->n >= (limit->lines ? limit->lines : LIMIT_LINES)) {
		limit->held_back++;
		return false;
	}
	limit->n++;
	limit->suppressed = limit->held_back;
	limit->held_back = 0;
	return true;
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

/* In an initramfs there is nothing else; the line's level decides about the console. */
static bool stderr_is_kmsg(void)
{
	struct stat st;

	return fstat(STDERR_FILENO, &st) == 0 && S_ISCHR(st.st_mode) &&
	       st.st_rdev == makedev(1, 11);
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

/* Of a pipe, socket or terminal poll() knows whether a write would wait. */
static bool write_now(const char *line, size_t len)
{
	struct pollfd pfd = { .fd = STDERR_FILENO, .events = POLLOUT };
	ssize_t n;

	if (syslog_fd >= 0)
		return send(syslog_fd, line, len,
			    MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
	if (poll(&pfd, 1, 0) != 1 || !(pfd.revents & POLLOUT))
		return false;
	do {
		n = write(STDERR_FILENO, line, len);
	} while (n < 0 && errno == EINTR);
	return n >= 0;
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
	if (syslog_fd >= 0)
		at = snprintf(line, LOG_LINE_MAX / 2, "<%d>%s[%d]: ",
			      LOG_DAEMON | level, syslog_program, (int)getpid());
	else if (stderr_is_journal())
		at = sprintf(line, "<%d>", level);
	else if (stderr_is_kmsg())
		at = snprintf(line, LOG_LINE_MAX / 2, "<%d>%s: ",
			      LOG_DAEMON | level, program_invocation_short_name);
	else if (with_time)
		at = append_time(line, at);
	at = append_escaped(line, at, text);
	if (syslog_fd < 0)
		line[at++] = '\n';
	if (!write_now(line, at))
		atomic_fetch_add(&n_dropped, 1);
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
