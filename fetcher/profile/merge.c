// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/profile/merge.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/base/beneath.h"
#include "cache/base/cleanup.h"
#include "cache/base/full_io.h"
#include "cache/base/replace_file.h"
#include "cache/store/store.h"
#include "fetcher/profile/digest_list.h"
#include "fetcher/profile/find.h"
#include "cache/mirror/profile.h"

#define LINE_LEN	(CFS_DIGEST_HEX_LEN + 1)

static int append(void *context, const struct cfs_digest *digest)
{
	struct digest_list *list = context;

	return list->n == PROFILE_MERGE_MAX ? -EFBIG :
					      digest_list_add(list, digest);
}

/* Append to @list what is not in it; -EFBIG: no more will fit. */
static int append_new(struct digest_list *list, const struct cfs_digest *digests,
		      size_t n)
{
	struct digest_list known = { .n = 0 };
	int err = digest_list_copy(&known, list);

	digest_list_sort(&known);
	for (size_t i = 0; !err && i < n; i++)
		if (!digest_list_has(&known, &digests[i]))
			err = append(list, &digests[i]);
	digest_list_free(&known);
	return err;
}

static int read_old(int folder_fd, const char *name, struct digest_list *list)
{
	struct profile_reader reader = { .digest = append, .context = list };
	CLEANUP_CLOSE int fd = beneath_open(folder_fd, name,
					    O_RDONLY | O_NONBLOCK, 0);

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	return profile_read_file(&reader, fd);
}

static int write_lines(int fd, const struct digest_list *list)
{
	CLEANUP_FREE char *text = malloc(list->n * LINE_LEN + 1);

	if (!text)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++) {
		cfs_digest_format(&list->digests[i], text + i * LINE_LEN);
		text[i * LINE_LEN + CFS_DIGEST_HEX_LEN] = '\n';
	}
	return full_write(fd, text, list->n * LINE_LEN);
}

static int replace(int folder_fd, const char *name, const struct digest_list *list)
{
	struct replace_file file;
	int err = replace_file_begin_at(&file, folder_fd, name, 0644);

	if (err < 0)
		return err;
	err = write_lines(file.fd, list);
	if (err == 0)
		return replace_file_commit(&file);
	replace_file_abandon(&file);
	return err;
}

static int merge(struct cfs_store *store, const char *path, struct digest_list *list,
		 const struct cfs_digest *digests, size_t n)
{
	const char *name = strchr(path, '/') + 1;
	CLEANUP_CLOSE int folder_fd = -1;
	size_t n_old;
	int err = cfs_store_folder(store, "profiles", true, &folder_fd);

	if (err < 0)
		return err;
	err = read_old(folder_fd, name, list);
	if (err == 0) {
		n_old = list->n;
		err = append_new(list, digests, n);
		if (list->n > n_old && (err == 0 || err == -EFBIG))
			err = replace(folder_fd, name, list);
	}
	return err == -EFBIG ? 0 : err;
}

int profile_merge(struct cfs_store *store, const struct cfs_digest *image,
		  const struct cfs_digest *digests, size_t n)
{
	char path[PROFILE_PATH_MAX];
	struct digest_list list = { .n = 0 };
	int err = merge(store, profile_path(image, PROFILE_RECORDED, path),
			&list, digests, n);

	digest_list_free(&list);
	return err;
}
