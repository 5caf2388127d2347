// SPDX-License-Identifier: GPL-2.0-or-later
/* An image in a file: pread() behind a direct-mapped cache of lines. */
#include "cache/image/file.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

#define LINE_BITS	15
#define LINE_SIZE	(1U << LINE_BITS)
#define LINES		32

struct line {
	uint64_t number_plus_1;		/* 0: nothing read yet */
	uint32_t len;			/* the last line of a file is shorter */
	uint8_t *bytes;
};

struct cfs_image_file {
	struct cfs_source source;
	struct cfs_image image;
	int fd;
	struct line lines[LINES];
	uint8_t *bytes;			/* of all lines */
};

static int fill(struct cfs_image_file *file, struct line *line,
		uint64_t number)
{
	uint64_t offset = number << LINE_BITS;
	uint64_t left = file->source.size - offset;
	uint32_t want = left < LINE_SIZE ? (uint32_t)left : LINE_SIZE;
	uint32_t got = 0;

	line->number_plus_1 = 0;
	while (got < want) {
		ssize_t n = pread(file->fd, line->bytes + got, want - got,
				  (off_t)(offset + got));

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
		got += (uint32_t)n;
	}
	line->number_plus_1 = number + 1;
	line->len = want;
	return 0;
}

static int read_cached(const struct cfs_source *source, u64 offset, void *buf,
		       size_t len)
{
	/* The source is the first member; the cache behind it is ours. */
	struct cfs_image_file *file = (struct cfs_image_file *)source;

	while (len > 0) {
		uint64_t number = offset >> LINE_BITS;
		uint32_t start = offset & (LINE_SIZE - 1);
		struct line *line = &file->lines[number % LINES];
		size_t part;

		if (line->number_plus_1 != number + 1) {
			int err = fill(file, line, number);

			if (err)
				return err;
		}
		part = line->len - start;
		if (part > len)
			part = len;
		memcpy(buf, line->bytes + start, part);
		buf = (uint8_t *)buf + part;
		offset += part;
		len -= part;
	}
	return 0;
}

int cfs_image_file_open(int fd, struct cfs_image_file **ret)
{
	struct cfs_image_file *file = calloc(1, sizeof(*file));
	struct stat st;
	int err;

	if (!file) {
		close(fd);
		return -ENOMEM;
	}
	file->fd = fd;
	file->bytes = malloc((size_t)LINES * LINE_SIZE);
	if (!file->bytes) {
		err = -ENOMEM;
		goto fail;
	}
	for (size_t i = 0; i < LINES; i++)
		file->lines[i].bytes = file->bytes + i * LINE_SIZE;
	if (fstat(fd, &st) < 0) {
		err = -errno;
		goto fail;
	}
	if (!S_ISREG(st.st_mode)) {
		err = -EINVAL;
		goto fail;
	}
	file->source.size = (u64)st.st_size;
	file->source.read = read_cached;
	err = cfs_image_open(&file->image, &file->source);
	if (err)
		goto fail;
	*ret = file;
	return 0;

fail:
	cfs_image_file_close(file);
	return err;
}

void cfs_image_file_close(struct cfs_image_file *file)
{
	if (!file)
		return;
	close(file->fd);
	free(file->bytes);
	free(file);
}

const struct cfs_image *cfs_image_file_image(const struct cfs_image_file *file)
{
	return &file->image;
}
