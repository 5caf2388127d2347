// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Write the access log.
 */
#include "server/access_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

/* Longest part of a path that is logged; escapes may make it three times so. */
#define PATH_LOGGED_MAX		256
#define LINE_MAX_LEN		(3 * PATH_LOGGED_MAX + 256)

struct access_log {
	int fd;			/* stays the same number when reopened */
	char *path;		/* NULL: standard output, which is not reopened */
};

static int open_log(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK |
			    O_NOCTTY | O_CLOEXEC, 0640);

	return fd < 0 ? -errno : fd;
}

int access_log_open(const char *path, struct access_log **ret)
{
	CLEANUP_FREE struct access_log *log = calloc(1, sizeof(*log));

	if (!log)
		return -ENOMEM;
	if (strcmp(path, "-") == 0) {
		log->fd = STDOUT_FILENO;
	} else {
		CLEANUP_FREE char *copy = strdup(path);

		if (!copy)
			return -ENOMEM;
		log->fd = open_log(path);
		if (log->fd < 0)
			return log->fd;
		log->path = take_ptr(copy);
	}
	*ret = take_ptr(log);
	return 0;
}

void access_log_close(struct access_log *log)
{
	if (!log)
		return;
	if (log->path)
		close(log->fd);
	free(log->path);
	free(log);
}

int access_log_reopen(struct access_log *log)
{
	CLEANUP_CLOSE int fd = -1;

	if (!log->path)
		return 0;
	fd = open_log(log->path);
	if (fd < 0)
		return fd;
	/* Atomic for the writers, who know only the number. */
	return dup3(fd, log->fd, O_CLOEXEC) < 0 ? -errno : 0;
}

/* Printable ASCII but blanks, quotes, '=' and '%'; the rest as %xx. */
static size_t escape(const char *text, size_t len, char *ret)
{
	static const char digits[] = "0123456789abcdef";
	char *p = ret;
	size_t i;

	for (i = 0; i < len && i < PATH_LOGGED_MAX; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c > ' ' && c < 127 && !strchr("\"'\\=%", c)) {
			*p++ = (char)c;
			continue;
		}
		*p++ = '%';
		*p++ = digits[c >> 4];
		*p++ = digits[c & 15];
	}
	return (size_t)(p - ret);
}

void access_log_add(struct access_log *log, struct access_log_lines *lines,
		    const struct access_log_entry *entry)
{
	char peer[PEER_TEXT_MAX];
	char path[3 * PATH_LOGGED_MAX + 1];
	char when[32];
	struct tm tm;
	size_t len;

	if (!log)
		return;
	if (lines->len + LINE_MAX_LEN > sizeof(lines->text))
		access_log_flush(log, lines);
	gmtime_r(&entry->time, &tm);
	strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &tm);
	peer_format(entry->peer, peer);
	len = escape(entry->path, entry->path ? entry->path_len : 0, path);
	lines->len += (size_t)snprintf(
		lines->text + lines->len, LINE_MAX_LEN,
		"time=%s peer=%s method=%s path=%.*s status=%d bytes=%llu ms=%lld\n",
		when, peer, entry->method, len ? (int)len : 1,
		len ? path : "-", entry->status,
		(unsigned long long)entry->bytes, (long long)entry->ms);
}

static uint64_t count_lines(const char *text, size_t len)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < len; i++)
		n += text[i] == '\n';
	return n;
}

void access_log_flush(struct access_log *log, struct access_log_lines *lines)
{
	size_t done = 0;

	if (!log)
		return;
	while (done < lines->len) {
		ssize_t n = write(log->fd, lines->text + done,
				  lines->len - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	lines->n_dropped += count_lines(lines->text + done, lines->len - done);
	lines->len = 0;
}
