// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cfs-store du: what each image needs, has, shares and lacks.
 *
 *	own	here, and no other named image needs it: unpin + gc would free it
 *	shared	here, and another named image needs it too
 *	missing	not here yet: fetched on first use
 *
 * What can't be fetched, since the image reads it from a path that is not the name of
 * an object, is told apart.
 *
 * And what all the store takes on the disk, objects and the rest.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/bitmap.h"
#include "cache/base/cleanup.h"
#include "cache/base/errmsg.h"
#include "cache/base/units.h"
#include "cache/store/list.h"
#include "cache/programs/cfs_store.h"
#include "cache/store/store.h"
#include "cache/upkeep/refs.h"
#include "cache/upkeep/space.h"

struct usage {
	uint64_t objects;
	uint64_t bytes;		/* on disk; what the image says if missing */
};

struct image_usage {
	struct usage own;
	struct usage shared;
	struct usage missing;
};

struct du {
	struct cfs_store *store;
	struct cfs_store_refs *refs;
	struct image_usage *images;
	struct image_usage total;	/* each object once */
	struct usage unneeded;
	struct cfs_space space;
	uint8_t *present;		/* a bit for the first pair of each object */
};

static void add(struct usage *to, uint64_t bytes)
{
	to->objects++;
	to->bytes += bytes;
}

/* An object that is here and the @n images that need it. */
static void account(struct du *du, const struct cfs_ref *ref, size_t n,
		    uint64_t bytes)
{
	for (size_t i = 0; i < n; i++) {
		struct image_usage *image = &du->images[ref[i].image];

		add(n > 1 ? &image->shared : &image->own, bytes);
	}
	add(n > 1 ? &du->total.shared : &du->total.own, bytes);
}

static int account_present(void *context, const struct cfs_object_info *info)
{
	struct du *du = context;
	const struct cfs_ref *ref;
	size_t n;

	ref = cfs_store_refs_find(du->refs, &info->digest, &n);
	if (!ref) {
		add(&du->unneeded, info->disk_size);
	} else if (info->regular) {
		bitmap_set(du->present, (size_t)(ref - du->refs->refs));
		account(du, ref, n, info->disk_size);
	}
	return 0;
}

static void account_missing(struct du *du)
{
	const struct cfs_ref *refs = du->refs->refs;
	uint64_t size;
	size_t n;

	for (size_t i = 0; i < du->refs->n_refs; i += n) {
		cfs_store_refs_find(du->refs, &refs[i].digest, &n);
		bool missing = false;

		if (bitmap_test(du->present, i))
			continue;
		/* If images do not agree, one that exaggerates does not count. */
		size = UINT64_MAX;
		for (size_t k = i; k < i + n; k++) {
			if (!refs[k].read)
				continue;
			add(&du->images[refs[k].image].missing, refs[k].size);
			if (refs[k].size < size)
				size = refs[k].size;
			missing = true;
		}
		if (missing)
			add(&du->total.missing, size);
	}
}

static int measure(struct du *du)
{
	int err = 0;

	for (int folder = 0; folder < CFS_STORE_FOLDERS && err == 0; folder++)
		err = cfs_store_folder_each(du->store, (uint8_t)folder,
					    account_present, du);
	if (err == 0)
		account_missing(du);
	return err == 0 ? cfs_space_measure(du->store, NULL, NULL, &du->space) :
			  err;
}

/* Is image @i one of those asked for? */
static bool wanted(const struct du *du, size_t i,
		   const struct cfs_digest *only, size_t n_only)
{
	for (size_t k = 0; k < n_only; k++)
		if (cfs_digest_equal(&only[k], &du->refs->images[i].digest))
			return true;
	return n_only == 0;
}

static void print_usage(const struct usage *usage)
{
	char size[UNITS_SIZE_LEN];

	printf("%9" PRIu64 " %11s", usage->objects,
	       units_format_size(usage->bytes, size));
}

static void print_row(const struct image_usage *image, const char *name)
{
	print_usage(&image->own);
	print_usage(&image->shared);
	print_usage(&image->missing);
	printf("  %s\n", name);
}

/* What no mirror can give. */
static void print_no_object(const struct du *du, const struct cfs_digest *only,
			    size_t n_only)
{
	for (size_t i = 0; i < du->refs->n_images; i++) {
		const struct cfs_pinned_image *image = &du->refs->images[i];
		char size[UNITS_SIZE_LEN];

		if (wanted(du, i, only, n_only) && image->n_no_object)
			printf("%s: also missing, and not to be had from a mirror: %" PRIu64 " files, %s, read from paths that are not the names of objects\n",
			       image->names, image->n_no_object,
			       units_format_size(image->no_object_bytes, size));
	}
}

/* What the table above does not list, and all of it together. */
static void print_space(const struct cfs_space *space)
{
	static const char *const remarks[CFS_SPACE_KINDS] = {
		[CFS_SPACE_PARTIAL] = "partial: objects that are here in part",
		[CFS_SPACE_VERITY] = "verity: Merkle trees for clients",
		[CFS_SPACE_ZST] = "zst: compressed objects for clients",
		[CFS_SPACE_PACKS] = "packs: for clients",
		[CFS_SPACE_PROFILES] = "profiles",
		[CFS_SPACE_QUARANTINE] = "quarantine: damaged objects, to be looked at",
		[CFS_SPACE_TEMPORARY] = "temporary: being written, or left by a crash",
		[CFS_SPACE_OTHER] = "other: folders, names of images",
	};
	struct usage all = { .bytes = space->bytes };

	for (size_t i = 0; i < CFS_SPACE_KINDS; i++) {
		const struct cfs_space_count *count = &space->kinds[i];

		all.objects += count->files;
		if (!remarks[i] || !count->files)
			continue;
		print_usage(&(struct usage){ count->files, count->bytes });
		printf("%44s%s\n", "", remarks[i]);
	}
	print_usage(&all);
	printf("%44s%s\n", "", "the whole store on the disk");
}

static void print_table(const struct du *du, const struct cfs_digest *only,
			size_t n_only)
{
	printf("%21s%21s%21s\n", "own", "shared", "missing");
	for (size_t i = 0; i < du->refs->n_images; i++)
		if (wanted(du, i, only, n_only))
			print_row(&du->images[i], du->refs->images[i].names);
	if (n_only)
		return;
	print_row(&du->total, "total, each object once");
	if (du->unneeded.objects) {
		print_usage(&du->unneeded);
		printf("%44s%s\n", "", "needed by no image: cfs-store gc frees it");
	}
	print_space(&du->space);
}

static json_t *usage_json(const struct usage *usage)
{
	return json_pack("{s:I, s:I}", "objects", (json_int_t)usage->objects,
			 "bytes", (json_int_t)usage->bytes);
}

static json_t *image_json(const struct image_usage *image)
{
	return json_pack("{s:o, s:o, s:o}", "own", usage_json(&image->own),
			 "shared", usage_json(&image->shared), "missing",
			 usage_json(&image->missing));
}

static json_t *space_json(const struct cfs_space *space)
{
	json_t *root = json_object();

	for (size_t i = 0; i < CFS_SPACE_KINDS; i++)
		json_object_set_new(root, cfs_space_name((enum cfs_space_kind)i),
				    json_pack("{s:I, s:I}", "files",
					      (json_int_t)space->kinds[i].files,
					      "bytes",
					      (json_int_t)space->kinds[i].bytes));
	json_object_set_new(root, "bytes", json_integer((json_int_t)space->bytes));
	return root;
}

static void print_json(const struct du *du, const struct cfs_digest *only,
		       size_t n_only)
{
	json_t *root, *images = json_array();

	for (size_t i = 0; i < du->refs->n_images; i++) {
		const struct cfs_pinned_image *pinned = &du->refs->images[i];
		char hex[CFS_DIGEST_HEX_LEN + 1];
		json_t *image;

		if (!wanted(du, i, only, n_only))
			continue;
		cfs_digest_format(&pinned->digest, hex);
		image = image_json(&du->images[i]);
		json_object_set_new(image, "digest", json_string(hex));
		json_object_set_new(image, "no_object", json_pack(
			"{s:I, s:I}", "objects",
			(json_int_t)pinned->n_no_object, "bytes",
			(json_int_t)pinned->no_object_bytes));
		json_object_set_new(image, "names", json_string(pinned->names));
		json_array_append_new(images, image);
	}
	root = json_pack("{s:i, s:o, s:o, s:o, s:o}", "v", 1, "images", images,
			 "total", image_json(&du->total), "unneeded",
			 usage_json(&du->unneeded), "space",
			 space_json(&du->space));
	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

/* The images named on the command line; 0 or an exit status. */
static int resolve_all(struct cfs_store *store, char **names, size_t n,
		       struct cfs_digest *ret)
{
	for (size_t i = 0; i < n; i++) {
		int err = store_resolve(store, names[i], &ret[i]);

		if (err)
			return err;
	}
	return 0;
}

static int run(struct du *du, const char *path, char **names, size_t n_names,
	       bool json)
{
	CLEANUP_FREE struct cfs_digest *only =
		calloc(n_names + 1, sizeof(*only));
	struct errmsg msg = { .text = "" };
	int err;

	if (!only)
		return store_complain("out of memory");
	err = resolve_all(du->store, names, n_names, only);
	if (err)
		return err;
	err = cfs_store_refs_new(du->store, NULL, 0, &du->refs, &msg);
	if (err == 0) {
		du->images = calloc(du->refs->n_images + 1,
				    sizeof(*du->images));
		du->present = bitmap_new(du->refs->n_refs);
		err = du->images && du->present ? measure(du) : -ENOMEM;
	}
	if (err < 0)
		return msg.text[0] ? store_complain("%s: %s", path, msg.text) :
				     store_complain_of(du->store, path, err);
	if (json) {
		print_json(du, only, n_names);
	} else {
		print_table(du, only, n_names);
		print_no_object(du, only, n_names);
	}
	return fflush(stdout) ? store_complain("stdout: %m") : 0;
}

int store_du(int argc, char **argv)
{
	static const struct option options[] = {
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	struct du du = { .store = NULL };
	bool json = false;
	int option, err;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'j')
			return STORE_EXIT_USAGE;
		json = true;
	}
	if (optind == argc)
		return store_usage_error("du takes a store");
	err = store_open_named(argv[optind], 0, &du.store);
	if (err)
		return err;
	err = run(&du, argv[optind], argv + optind + 1,
		  (size_t)(argc - optind - 1), json);
	cfs_store_refs_free(du.refs);
	free(du.images);
	free(du.present);
	cfs_store_close(du.store);
	return err;
}
