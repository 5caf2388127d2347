// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mutate-image SEED IN OUT: a broken copy of an image, for tests that mount
 * one. The same seed and image give the same copy.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/full_io.h"
#include "kmod/cfs_format.h"
#include "tests/fuzz/image_mutate.h"

/* Few mutations get past a reader's first checks, many try their combination. */
#define MUTATIONS_MAX	6

static int fail(const char *path, int err)
{
	fprintf(stderr, "mutate-image: %s: %s\n", path, strerror(-err));
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	CLEANUP_FREE char *in = NULL;
	CLEANUP_FREE uint8_t *bytes = NULL;
	size_t size, capacity;
	unsigned long seed;
	int err;

	if (argc != 4) {
		fputs("usage: mutate-image SEED IN OUT\n", stderr);
		return 2;
	}
	seed = strtoul(argv[1], NULL, 0);

	CLEANUP_CLOSE int in_fd = open(argv[2], O_RDONLY | O_CLOEXEC);

	if (in_fd < 0)
		return fail(argv[2], -errno);
	err = full_read_file(in_fd, &in, &size);
	if (err)
		return fail(argv[2], err);
	capacity = size + CFS_BLOCK_SIZE;
	bytes = malloc(capacity);
	if (!bytes)
		return fail(argv[2], -ENOMEM);
	if (size > 0)
		memcpy(bytes, in, size);
	for (unsigned long i = 0; i <= seed % MUTATIONS_MAX; i++)
		size = image_mutate(bytes, size, capacity,
				    seed * MUTATIONS_MAX + i);

	CLEANUP_CLOSE int out_fd = open(argv[3],
					O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC,
					0644);

	if (out_fd < 0)
		return fail(argv[3], -errno);
	err = full_write(out_fd, bytes, size);
	return err ? fail(argv[3], err) : EXIT_SUCCESS;
}
