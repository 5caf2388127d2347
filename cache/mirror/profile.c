// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/mirror/profile.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static int end_line(struct profile_reader *reader)
{
	char *text = reader->line, *end = text + reader->len;
	struct cfs_digest digest;
	bool cut = reader->cut;

	reader->len = 0;
	reader->cut = false;
	while (text < end && is_blank(*text))
		text++;
	while (end > text && is_blank(end[-1]))
		end--;
	if (text == end && !cut)
		return 0;
	*end = '\0';
	if (*text == '#')
		return reader->comment ? reader->comment(reader->context,
							 text + 1) : 0;
	if (cut || cfs_digest_parse(text, (size_t)(end - text), &digest) < 0) {
		reader->n_bad++;
		return 0;
	}
	reader->n_digests++;
	return reader->digest(reader->context, &digest);
}

/* Bytes of one line, without its end. */
static void add_to_line(struct profile_reader *reader, const char *text,
			size_t len)
{
	size_t room = sizeof(reader->line) - 1 - reader->len;

	if (len > room) {
		reader->cut = true;
		len = room;
	}
	memcpy(reader->line + reader->len, text, len);
	reader->len += len;
}

int profile_read(struct profile_reader *reader, const void *data, size_t len)
{
	const char *text = data, *end;

	if (len > PROFILE_MAX - reader->n_bytes) {
		len = (size_t)(PROFILE_MAX - reader->n_bytes);
		reader->too_long = true;
	}
	reader->n_bytes += len;
	end = text + len;
	while (text < end) {
		const char *newline = memchr(text, '\n', (size_t)(end - text));
		int err;

		add_to_line(reader, text,
			    (size_t)((newline ? newline : end) - text));
		if (!newline)
			break;
		err = end_line(reader);
		if (err < 0)
			return err;
		text = newline + 1;
	}
	return reader->too_long ? -EFBIG : 0;
}

int profile_read_end(struct profile_reader *reader)
{
	return reader->too_long ? 0 : end_line(reader);
}

int profile_read_file(struct profile_reader *reader, int fd)
{
	char buf[16384];
	ssize_t n;
	int err;

	while ((n = read(fd, buf, sizeof(buf))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		err = profile_read(reader, buf, (size_t)n);
		if (err < 0)
			return reader->too_long && err == -EFBIG ? 0 : err;
	}
	return profile_read_end(reader);
}
