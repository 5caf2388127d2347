// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * walk_hostile IMAGE BASEDIR SEED SECONDS: from SEED on mount broken copies with
 * composefs.ko, do to them what programs do to a tree, and unmount them.  One copy of
 * eight is of IMAGE, the others of the tiny image, because they take little time.
 *
 * Any error of any call is fine; a crash or a hang of the kernel is what is looked
 * for.  Prints how many copies could be mounted.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/full_io.h"
#include "tests/fuzz/image_mutate.h"
#include "tests/unit/tiny_image.h"
#include "tests/vm/walk_tree.h"

#define MUTATIONS_MAX	6

/* What copies are made of. */
struct original {
	const uint8_t *bytes;
	size_t size;
	unsigned int every;	/* of its names are touched */
};

static uint8_t *copy;		/* of one of them, with room for a block more */

/*
 * Written over the last copy: a file system may write a file out at once that has
 * been cut to nothing before.
 */
static void write_copy(size_t size)
{
	CLEANUP_CLOSE int fd = open("hostile.img", O_WRONLY | O_CREAT |
				    O_CLOEXEC, 0600);

	if (fd < 0 || full_write(fd, copy, size) || ftruncate(fd, (off_t)size)) {
		perror("hostile.img");
		exit(1);
	}
}

static bool try_copy(const struct original *original, const char *basedir,
		     unsigned long seed)
{
	size_t size = original->size;
	char options[4200];

	memcpy(copy, original->bytes, size);
	for (unsigned long i = 0; i <= seed % MUTATIONS_MAX; i++)
		size = image_mutate(copy, size,
				    original->size + CFS_BLOCK_SIZE,
				    seed * MUTATIONS_MAX + i);
	write_copy(size);
	snprintf(options, sizeof(options), "basedir=%s,verity_check=%lu",
		 basedir, seed / 8 % 3);
	if (mount("hostile.img", "hostile", "composefs", MS_NODEV, options))
		return false;
	walk_tree("hostile", original->every);
	if (umount2("hostile", 0)) {
		perror("umount");
		exit(1);
	}
	return true;
}

int main(int argc, char **argv)
{
	CLEANUP_FREE char *bytes = NULL;
	unsigned long seed, n_mounted = 0, n = 0;
	struct tiny_image *tiny = tiny_make();
	struct original small = { tiny->bytes, TINY_SIZE, 16 }, large = { .every = 1 };
	time_t end;

	if (argc != 5) {
		fputs("usage: walk_hostile IMAGE BASEDIR SEED SECONDS\n", stderr);
		return 2;
	}
	CLEANUP_CLOSE int fd = open(argv[1], O_RDONLY | O_CLOEXEC);

	if (fd < 0 || full_read_file(fd, &bytes, &large.size)) {
		perror(argv[1]);
		return 1;
	}
	large.bytes = (const uint8_t *)bytes;
	copy = malloc(large.size + TINY_SIZE + CFS_BLOCK_SIZE);
	if (!copy)
		return 1;
	(void)mkdir("hostile", 0700);
	end = time(NULL) + (time_t)strtoul(argv[4], NULL, 0);
	for (seed = strtoul(argv[3], NULL, 0); time(NULL) < end; seed++, n++)
		n_mounted += try_copy(seed % 8 ? &small : &large, argv[2], seed);
	printf("%lu copies, %lu could be mounted\n", n, n_mounted);
	free(copy);
	tiny_free(tiny);
	return 0;
}
