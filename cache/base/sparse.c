// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/base/sparse.h"

#include <errno.h>
#include <unistd.h>

struct reading {
	int fd;
	bool holes;			/* ask where they are */
	uint64_t end;			/* of the file, when it was opened, or @max */
	uint64_t data_end;		/* no hole is before this */
};

/* Return: how long the hole at @offset is; 0 if there is data. */
static uint64_t hole_at(struct reading *reading, uint64_t offset)
{
	off_t data, end;

	if (!reading->holes || offset < reading->data_end ||
	    offset >= reading->end)
		return 0;
	data = lseek(reading->fd, (off_t)offset, SEEK_DATA);
	if (data < 0 && errno != ENXIO) {
		reading->holes = false;	/* it does not tell */
		return 0;
	}
	if (data < 0 || (uint64_t)data >= reading->end)
		return reading->end - offset;
	end = lseek(reading->fd, data, SEEK_HOLE);
	reading->data_end = end < 0 ? reading->end : (uint64_t)end;
	return (uint64_t)data - offset;
}

static ssize_t read_at(const struct reading *reading, void *buffer, size_t len,
		       uint64_t offset)
{
	ssize_t n;

	do {
		n = pread(reading->fd, buffer, len, (off_t)offset);
	} while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

int sparse_read(int fd, uint64_t max, void *buffer, size_t buffer_len,
		sparse_fn fn, void *context, uint64_t *ret_size)
{
	struct reading reading = { .fd = fd };
	uint64_t offset = 0, len;
	off_t position = -1;
	struct stat st;
	int err = 0;

	if (fstat(fd, &st) < 0)
		return -errno;
	reading.holes = S_ISREG(st.st_mode) && sparse_has_holes(&st);
	reading.end = (uint64_t)st.st_size < max ? (uint64_t)st.st_size : max;
	if (reading.holes)
		position = lseek(fd, 0, SEEK_CUR);
	while (!err && offset < max) {
		len = hole_at(&reading, offset);
		if (len) {
			err = fn(context, NULL, len, offset);
		} else {
			ssize_t n;

			len = buffer_len < max - offset ? buffer_len : max - offset;
			if (reading.holes && offset < reading.data_end &&
			    len > reading.data_end - offset)
				len = reading.data_end - offset;
			n = read_at(&reading, buffer, len, offset);
			if (n <= 0) {
				err = (int)n;
				break;
			}
			len = (uint64_t)n;
			err = fn(context, buffer, len, offset);
		}
		if (!err)
			offset += len;
	}
	if (position >= 0)
		lseek(fd, position, SEEK_SET);
	if (ret_size)
		*ret_size = offset;
	return err;
}
