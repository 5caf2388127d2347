// SPDX-License-Identifier: GPL-2.0-or-later
/* Open the images of a command line, and walk what the filters let through. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/cleanup.h"
#include "cache/programs/info.h"

static const char *explain(int err)
{
	switch (err) {
	case -EINVAL:
		return "not a composefs image";
	case -EFSCORRUPTED:
		return "the image contradicts itself: it is damaged";
	case -EOPNOTSUPP:
		return "needs something that this version does not know, such as SHA-512 digests";
	default:
		return strerror(-err);
	}
}

void info_error(const char *file, const char *inside, int err)
{
	if (inside)
		fprintf(stderr, "composefs-info: %s: in %s: %s\n", file, inside,
			explain(err));
	else
		fprintf(stderr, "composefs-info: %s: %s\n", file, explain(err));
}

int info_open_fd(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		int err = -errno;

		fprintf(stderr, "composefs-info: can't open '%s': %s\n", path,
			strerror(-err));
		return err;
	}
	return fd;
}

int info_open(const char *path, struct cfs_image_file **ret)
{
	int fd = info_open_fd(path);
	int err;

	if (fd < 0)
		return fd;
	err = cfs_image_file_open(fd, ret);
	if (err)
		info_error(path, NULL, err);
	return err;
}

static int show_image(const struct info *info, const char *path,
		      info_image_fn fn, struct info_json *entries)
{
	struct cfs_image_file *file;
	int err = info_open(path, &file);

	if (err)
		return err;
	err = fn(info, path, cfs_image_file_image(file), entries);
	cfs_image_file_close(file);
	return err;
}

static int show_image_json(const struct info *info, const char *path,
			   info_image_fn fn)
{
	struct info_json entries;
	json_t *name = json_object();
	char *text;
	int err;

	if (!name || info_json_bytes(name, "image", path, strlen(path)) ||
	    !(text = json_dumps(name, JSON_COMPACT | JSON_EMBED))) {
		json_decref(name);
		info_error(path, NULL, -ENOMEM);
		return -ENOMEM;
	}
	printf("{%s,\"entries\":", text);
	free(text);
	json_decref(name);
	info_json_begin(&entries, "");
	err = show_image(info, path, fn, &entries);
	info_json_end(&entries, "}");
	return err;
}

int info_each_image(const struct info *info, info_image_fn fn)
{
	int err = 0;

	if (info->json)
		putchar('[');
	for (size_t i = 0; i < info->n_files && !err; i++) {
		if (!info->json) {
			err = show_image(info, info->files[i], fn, NULL);
			continue;
		}
		if (i > 0)
			fputs(",\n", stdout);
		err = show_image_json(info, info->files[i], fn);
	}
	if (info->json)
		fputs("]\n", stdout);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

struct filtered {
	const struct info *info;
	cfs_walk_fn fn;
	void *context;
};

static int filter_entry(void *context, const struct cfs_walk_entry *entry)
{
	struct filtered *filtered = context;
	const struct info *info = filtered->info;
	bool found = entry->depth != 1 || info->n_filters == 0;

	for (size_t i = 0; i < info->n_filters && !found; i++)
		found = strcmp(entry->name, info->filters[i]) == 0;
	if (!found)
		return CFS_WALK_PRUNE;
	return filtered->fn(filtered->context, entry);
}

int info_walk(const struct info *info, const char *path,
	      const struct cfs_image *image, cfs_walk_fn fn, void *context)
{
	struct filtered filtered = {
		.info = info,
		.fn = fn,
		.context = context,
	};
	CLEANUP_FREE char *inside = NULL;
	int err = cfs_image_walk(image, 0, filter_entry, &filtered, &inside);

	if (err)
		info_error(path, inside, err);
	return err;
}
