// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fill_store STORE OBJECTS IMAGES FILES [BYTES]: a store of a given shape, quickly.
 *
 * Objects are sparse files of 5,000 bytes whose names are made up: good for whatever
 * looks at names, inodes and images, and for nothing that reads bytes.  BYTES (0) of each
 * are written, so that it takes room.  Each image has
 * FILES files and shares half of them with the image before it; they are real images,
 * pinned as image-0, image-1, ...  What no image names is garbage.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/full_io.h"
#include "cache/build/dump_parse.h"
#include "cache/build/tree.h"
#include "cache/build/write.h"
#include "cache/store/publish.h"
#include "cache/store/store.h"
#include "cache/verity/hash.h"

#define OBJECT_SIZE	5000
#define DUMP_LINE_MAX	256

static void die(const char *what, int err)
{
	fprintf(stderr, "fill_store: %s: %s\n", what, strerror(-err));
	exit(1);
}

/* The name of object @i: evenly spread, as digests are. */
static struct cfs_digest made_up(unsigned long i)
{
	struct cfs_digest digest;
	int err = cfs_verity_hash_buffer(&i, sizeof(i), &digest);

	if (err < 0)
		die("hashing", err);
	return digest;
}

static void make_folders(int objects_fd)
{
	char name[3];

	for (int i = 0; i < 256; i++) {
		snprintf(name, sizeof(name), "%02x", i);
		if (mkdirat(objects_fd, name, 0755) < 0 && errno != EEXIST)
			die(name, -errno);
	}
}

static void make_object(int objects_fd, unsigned long i, size_t n_bytes)
{
	struct cfs_digest digest = made_up(i);
	static const char bytes[OBJECT_SIZE] = "object";
	char name[CFS_OBJECT_NAME_LEN + 1];
	int fd;

	cfs_object_name_format(&digest, name);
	fd = openat(objects_fd, name, O_CREAT | O_WRONLY | O_CLOEXEC, 0444);
	if (fd < 0 || ftruncate(fd, OBJECT_SIZE) < 0 ||
	    write(fd, bytes, n_bytes) != (ssize_t)n_bytes)
		die(name, -errno);
	close(fd);
}

/* The dump of an image whose files are objects @first and up. */
static char *write_dump(unsigned long first, unsigned long n_files,
			unsigned long n_objects, size_t *ret_len)
{
	char *dump = malloc((n_files + 1) * DUMP_LINE_MAX), *at = dump;

	if (!dump)
		die("a dump", -ENOMEM);
	at += sprintf(at, "/ 0 40755 2 0 0 0 0.0 - - -\n");
	for (unsigned long i = 0; i < n_files; i++) {
		struct cfs_digest digest = made_up((first + i) % n_objects);
		char name[CFS_OBJECT_NAME_LEN + 1], hex[CFS_DIGEST_HEX_LEN + 1];

		cfs_object_name_format(&digest, name);
		cfs_digest_format(&digest, hex);
		at += sprintf(at, "/f%lu %d 100644 1 0 0 0 0.0 %s - %s\n", i,
			      OBJECT_SIZE, name, hex);
	}
	*ret_len = (size_t)(at - dump);
	return dump;
}

struct output {
	int fd;
	struct cfs_verity_hash *hash;
};

static int append(void *context, const void *data, size_t len)
{
	struct output *output = context;
	int err = cfs_verity_hash_add(output->hash, data, len);

	return err < 0 ? err : full_write(output->fd, data, len);
}

static void make_image(struct cfs_store *store, unsigned long number,
		       unsigned long n_files, unsigned long n_objects)
{
	struct output output = { .fd = -1 };
	struct cfs_tree tree = { 0 };
	struct cfs_digest digest;
	char name[32], *dump;
	size_t len;
	int err;

	dump = write_dump(number * (n_files / 2), n_files, n_objects, &len);
	err = cfs_dump_parse(dump, len, 0, &tree, NULL);
	if (err == 0)
		err = cfs_verity_hash_new(&output.hash);
	if (err == 0)
		err = cfs_object_stage(store, 0, &output.fd);
	if (err == 0)
		err = cfs_image_write(&tree, 0, 1, append, &output, NULL);
	if (err == 0)
		err = cfs_verity_hash_finish(output.hash, &digest);
	if (err == 0)
		err = cfs_object_publish(store, output.fd, &digest);
	snprintf(name, sizeof(name), "image-%lu", number);
	if (err >= 0)
		err = cfs_store_image_set(store, name, &digest);
	if (err < 0)
		die(name, err);
	cfs_verity_hash_free(output.hash);
	cfs_tree_release(&tree);
	free(dump);
}

int main(int argc, char **argv)
{
	unsigned long n_objects, n_images, n_files, n_bytes;
	struct cfs_store *store;
	int err;

	n_bytes = argc == 6 ? strtoul(argv[5], NULL, 10) : 0;
	if (argc < 5 || argc > 6 || n_bytes > OBJECT_SIZE) {
		fputs("usage: fill_store STORE OBJECTS IMAGES FILES [BYTES]\n", stderr);
		return 2;
	}
	n_objects = strtoul(argv[2], NULL, 10);
	n_images = strtoul(argv[3], NULL, 10);
	n_files = strtoul(argv[4], NULL, 10);
	err = cfs_store_open(argv[1], CFS_STORE_CREATE, &store);
	if (err < 0)
		die(argv[1], err);
	make_folders(cfs_store_objects_fd(store));
	for (unsigned long i = 0; i < n_objects; i++)
		make_object(cfs_store_objects_fd(store), i, n_bytes);
	for (unsigned long i = 0; i < n_images; i++)
		make_image(store, i, n_files, n_objects);
	cfs_store_close(store);
	return 0;
}
