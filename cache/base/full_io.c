// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/base/full_io.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

#define READ_ROOM_MIN	((size_t)64 << 10)

int full_write(int fd, const void *data, size_t len)
{
	const char *bytes = data;

	while (len) {
		ssize_t n = write(fd, bytes, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		bytes += n;
		len -= n;
	}
	return 0;
}

int full_pwrite(int fd, const void *data, size_t len, off_t offset)
{
	const char *bytes = data;

	while (len) {
		ssize_t n = pwrite(fd, bytes, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		bytes += n;
		len -= n;
		offset += n;
	}
	return 0;
}

int full_pread(int fd, void *ret, size_t len, off_t offset)
{
	char *bytes = ret;

	while (len) {
		ssize_t n = pread(fd, bytes, len, offset);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		bytes += n;
		len -= n;
		offset += n;
	}
	return 0;
}

int full_read_file(int fd, char **ret, size_t *ret_len)
{
	CLEANUP_FREE char *bytes = NULL;
	size_t len = 0, room = 0;
	struct stat st;

	/* One more than a file has, so that its end is seen without growing. */
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0)
		room = (size_t)st.st_size + 1;
	if (room < READ_ROOM_MIN)
		room = READ_ROOM_MIN;
	for (;;) {
		char *bigger = bytes;
		ssize_t n;

		if (!bytes || len == room) {
			if (bytes)
				room *= 2;
			bigger = realloc(bytes, room);
			if (!bigger)
				return -ENOMEM;
			bytes = bigger;
		}
		n = read(fd, bytes + len, room - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += n;
	}
	*ret = take_ptr(bytes);
	*ret_len = len;
	return 0;
}
