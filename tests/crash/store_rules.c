// SPDX-License-Identifier: GPL-2.0-or-later
/* The rules of store_rules.h, one after the other. */
#include "tests/crash/store_rules.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/image/check.h"
#include "cache/image/file.h"
#include "cache/image/objects.h"
#include "cache/store/list.h"
#include "cache/verity/measure.h"
#include "cache/store/store.h"
#include "cache/verity/hash.h"

#define WHOLE_PREFIX	"whole"

struct check {
	struct cfs_store *store;
	struct store_rules *rules;
	const char *name;		/* of the image being looked at */
	bool lacks;
};

static void say(const char *what, const struct cfs_digest *digest,
		const char *name)
{
	char hex[CFS_DIGEST_HEX_LEN + 1] = "";

	if (digest)
		cfs_digest_format(digest, hex);
	fprintf(stderr, "rule broken: %s%s%s: %s\n", name ? name : "",
		name && digest ? " -> " : "", hex, what);
}

static int check_object(void *context, const struct cfs_object_info *info)
{
	struct check *check = context;
	struct cfs_digest found, measured;
	CLEANUP_CLOSE int fd = -1;
	int err;

	check->rules->objects++;
	if (!info->regular ||
	    cfs_store_get(check->store, &info->digest, &fd) != 0) {
		check->rules->wrong++;
		say("not a file that can be opened", &info->digest, NULL);
		return 0;
	}
	if (cfs_store_has_verity(check->store)) {
		err = cfs_object_measure(fd, &measured);
		if (err == -ENODATA) {
			check->rules->unsealed++;
			return 0;
		}
		if (err < 0 || !cfs_digest_equal(&measured, &info->digest)) {
			check->rules->wrong++;
			say("sealed with another digest", &info->digest, NULL);
			return 0;
		}
	}
	err = cfs_verity_hash_fd(fd, UINT64_MAX, &found, NULL);
	if (err == -ENOMEM)
		return err;
	if (err < 0 || !cfs_digest_equal(&found, &info->digest)) {
		check->rules->wrong++;
		say(err < 0 ? strerror(-err) : "wrong bytes", &info->digest,
		    NULL);
	}
	return 0;
}

static int need_object(void *context, const struct cfs_image_object *object)
{
	struct check *check = context;

	if (object->has_digest &&
	    cfs_store_check(check->store, &object->digest, object->size) != 0)
		check->lacks = true;
	return 0;
}

static int check_content(struct check *check, const struct cfs_image *image,
			 const struct cfs_digest *digest)
{
	int err;

	check->lacks = false;
	err = cfs_image_objects(image, need_object, check);
	if (err == 0 && check->lacks) {
		check->rules->incomplete++;
		say("lacks objects", digest, check->name);
	}
	return err == -ENOMEM ? err : 0;
}

static int check_image(void *context, const char *name,
		       const struct cfs_digest *digest)
{
	struct check *check = context;
	struct cfs_image_file *file;
	int fd, err;

	check->rules->images++;
	check->name = name;
	err = cfs_store_check(check->store, digest, UINT64_MAX);
	if (err == 0)
		err = cfs_store_get(check->store, digest, &fd);
	if (err == 0)
		err = cfs_image_file_open(fd, &file);
	if (err == -ENOMEM)
		return err;
	if (err) {
		check->rules->dangling++;
		say(err < 0 ? strerror(-err) : "no such object", digest, name);
		return 0;
	}
	err = cfs_image_check(cfs_image_file_image(file), NULL);
	if (err < 0) {
		check->rules->dangling++;
		say("not an image", digest, name);
		err = 0;
	} else if (strncmp(name, WHOLE_PREFIX, strlen(WHOLE_PREFIX)) == 0) {
		err = check_content(check, cfs_image_file_image(file), digest);
	}
	cfs_image_file_close(file);
	return err;
}

static void check_expected(struct check *check, const char *const *expected)
{
	struct cfs_digest digest;

	for (; expected && *expected; expected++) {
		if (cfs_store_image_get(check->store, *expected, &digest) == 0)
			continue;
		check->rules->absent++;
		say("was durable, and is not there", NULL, *expected);
	}
}

static int check_as_found(const char *path, const char *const *expected,
			  struct store_rules *rules)
{
	struct check check = { .rules = rules };
	int err = cfs_store_open(path, CFS_STORE_READ_ONLY, &check.store);

	if (err == -ENOENT && !(expected && *expected))
		return 0;
	if (err < 0)
		return err;
	for (int i = 0; err == 0 && i < CFS_STORE_FOLDERS; i++)
		err = cfs_store_folder_each(check.store, (uint8_t)i,
					    check_object, &check);
	if (err == 0)
		err = cfs_store_image_each(check.store, check_image, &check);
	check_expected(&check, expected);
	cfs_store_close(check.store);
	return err;
}

/* Folders beside objects/ and images/; what is in quarantine can have any name. */
static const char *const extras[] = { "partial/", "profiles/", "verity/",
				      "packs/", "quarantine/", NULL };

/* Relative to the store. */
static bool belongs(const char *path, const FTSENT *entry)
{
	struct cfs_digest digest;

	if (entry->fts_info == FTS_D || entry->fts_info == FTS_DP)
		return true;
	if (strcmp(path, ".lock") == 0 || strcmp(path, ".lock-images") == 0)
		return true;
	for (const char *const *extra = extras; *extra; extra++)
		if (strncmp(path, *extra, strlen(*extra)) == 0)
			return entry->fts_name[0] != '.';
	if (strncmp(path, "images/", strlen("images/")) == 0)
		return cfs_image_name_valid(path + strlen("images/"));
	if (strncmp(path, "objects/", strlen("objects/")) == 0)
		return cfs_object_name_parse(path + strlen("objects/"),
					     strlen(path + strlen("objects/")),
					     &digest) == 0;
	return false;
}

static int check_after_start(const char *path, struct store_rules *rules)
{
	char *const paths[] = { (char *)path, NULL };
	struct cfs_store *store;
	FTSENT *entry;
	FTS *walk;
	int err = cfs_store_open(path, 0, &store);

	if (err < 0)
		return err == -ENOENT ? 0 : err;
	cfs_store_close(store);
	walk = fts_open(paths, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	if (!walk)
		return -errno;
	while ((entry = fts_read(walk))) {
		if (entry->fts_level == 0 ||
		    belongs(entry->fts_path + strlen(path) + 1, entry))
			continue;
		rules->stray++;
		say("is no part of a store", NULL, entry->fts_path);
	}
	fts_close(walk);
	return 0;
}

int store_rules_check(const char *path, const char *const *expected,
		      struct store_rules *ret)
{
	int err = check_as_found(path, expected, ret);

	return err < 0 ? err : check_after_start(path, ret);
}

uint64_t store_rules_broken(const struct store_rules *rules)
{
	return rules->wrong + rules->dangling + rules->incomplete +
	       rules->absent + rules->stray;
}
