// SPDX-License-Identifier: GPL-2.0-or-later
/* cfs-store ls: the images that have a name. */
#include <errno.h>
#include <getopt.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/units.h"
#include "cache/programs/cfs_store.h"
#include "cache/store/store.h"

struct row {
	char name[CFS_IMAGE_NAME_MAX + 1];
	struct cfs_digest digest;
	bool present;
	uint64_t size;
};

struct listing {
	struct cfs_store *store;
	struct row *rows;
	size_t n_rows;
};

static int add_row(void *context, const char *name,
		   const struct cfs_digest *digest)
{
	struct listing *listing = context;
	struct row row = { .digest = *digest }, *grown;
	struct stat st;
	int fd;

	snprintf(row.name, sizeof(row.name), "%s", name);
	if (cfs_store_get(listing->store, digest, &fd) == 0) {
		row.present = fstat(fd, &st) == 0;
		row.size = row.present ? (uint64_t)st.st_size : 0;
		close(fd);
	}
	grown = reallocarray(listing->rows, listing->n_rows + 1, sizeof(row));
	if (!grown)
		return -ENOMEM;
	listing->rows = grown;
	listing->rows[listing->n_rows++] = row;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->name,
		      ((const struct row *)b)->name);
}

static void print_rows(const struct listing *listing)
{
	for (size_t i = 0; i < listing->n_rows; i++) {
		const struct row *row = &listing->rows[i];
		char hex[CFS_DIGEST_HEX_LEN + 1], size[UNITS_SIZE_LEN];

		cfs_digest_format(&row->digest, hex);
		printf("%s  %10s  %s\n", hex,
		       row->present ? units_format_size(row->size, size) :
				      "missing",
		       row->name);
	}
}

static int print_json(const struct listing *listing)
{
	json_t *images = json_array();
	int err;

	for (size_t i = 0; i < listing->n_rows; i++) {
		const struct row *row = &listing->rows[i];
		char hex[CFS_DIGEST_HEX_LEN + 1];

		cfs_digest_format(&row->digest, hex);
		json_array_append_new(images, json_pack(
			"{s:s, s:s, s:b, s:I}", "name", row->name, "digest",
			hex, "present", row->present, "size",
			(json_int_t)row->size));
	}
	images = json_pack("{s:i, s:o}", "v", 1, "images", images);
	err = json_dumpf(images, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(images);
	return err;
}

int store_ls(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct listing listing = { .store = NULL };
	bool json = false;
	int option, err;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'j')
			return STORE_EXIT_USAGE;
		json = true;
	}
	if (argc - optind != 1)
		return store_usage_error("ls takes a store");
	err = store_open_named(argv[optind], CFS_STORE_READ_ONLY,
			       &listing.store);
	if (err)
		return err;
	err = cfs_store_image_each(listing.store, add_row, &listing);
	if (err < 0) {
		err = store_complain_of(listing.store, argv[optind], err);
	} else {
		if (listing.n_rows)
			qsort(listing.rows, listing.n_rows,
			      sizeof(*listing.rows), by_name);
		if (json)
			print_json(&listing);
		else
			print_rows(&listing);
		err = fflush(stdout) ? store_complain("stdout: %m") : 0;
	}
	free(listing.rows);
	cfs_store_close(listing.store);
	return err;
}
