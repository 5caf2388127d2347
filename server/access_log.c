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
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/output_place.h"
#include "server/log_writer.h"

/* Longest part of a path that is logged; escapes may make it three times so. */
#define PATH_LOGGED_MAX		256
#define LINE_MAX_LEN		(3 * PATH_LOGGED_MAX + 256)

struct access_log {
	int fd;			/* stays the same number when reopened */
	char *path;		/* NULL: standard output, which is not reopened */
	struct log_writer *writer;
};

/* A FIFO keeps what it has until there is a reader, if we hold both its ends. */
static int open_log(const char *path)
{
	const int flags = O_APPEND | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
	struct output_place place;
	struct stat st;
	int fd, err;

	if (stat(path, &st) == 0 && S_ISFIFO(st.st_mode)) {
		fd = open(path, O_RDWR | flags);
		return fd < 0 ? -errno : fd;
	}
	err = output_place_find(path, false, &place);
	if (err)
		return err;
	fd = take_fd(&place.fd);
	if (fd < 0)
		fd = open(place.path, O_WRONLY | O_CREAT | flags, 0640);
	err = fd < 0 ? -errno : 0;
	output_place_release(&place);
	return err ? err : fd;
}

int access_log_open(const char *path, struct access_log **ret)
{
	const bool is_stdout = strcmp(path, "-") == 0;
	struct access_log *log = calloc(1, sizeof(*log));
	int err = 0;

	if (!log)
		return -ENOMEM;
	log->fd = is_stdout ? STDOUT_FILENO : open_log(path);
	if (log->fd < 0) {
		err = log->fd;
		free(log);
		return err;
	}
	if (!is_stdout) {
		log->path = strdup(path);
		err = log->path ? 0 : -ENOMEM;
	}
	if (err) {
		access_log_close(log);
		return err;
	}
	*ret = log;
	return 0;
}

int access_log_start(struct access_log *log)
{
	return log_writer_new(log->fd, &log->writer);
}

void access_log_close(struct access_log *log)
{
	if (!log)
		return;
	log_writer_free(log->writer);
	if (log->fd != STDOUT_FILENO)
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

void access_log_flush(struct access_log *log, struct access_log_lines *lines)
{
	if (log && lines->len)
		log_writer_put(log->writer, lines->text, lines->len);
	lines->len = 0;
}

uint64_t access_log_dropped(struct access_log *log)
{
	return log ? log_writer_dropped(log->writer) : 0;
}

void access_log_wait(struct access_log *log, unsigned int ms)
{
	log_writer_flush(log->writer, ms);
}
