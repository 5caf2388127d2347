// SPDX-License-Identifier: GPL-2.0-or-later
/* Removing what processes that were killed left in a store. */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/replace_file.h"
#include "cache/store/layout.h"
#include "cache/store/list.h"

/* Names that begin with a dot are of no use once they are so old. */
#define STALE_S		(60 * 60)

/* The folders in which files are replaced, see layout.h. */
static const struct {
	const char *path;
	bool by_object;		/* in its folders aa/ */
} places[] = {
	{ ".", false },
	{ "packs", false },
	{ "profiles", false },
	{ "verity", true },
	{ "zst", true },
};

static int open_place(const struct cfs_store *store, const char *path)
{
	if (strcmp(path, ".") == 0)
		return openat(store->root_fd, ".",
			      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return store_folder_open(store->root_fd, path,
				 FOLDER_LIST | FOLDER_CHANGE, 0);
}

static uint64_t sweep_place(const struct cfs_store *store, const char *path)
{
	CLEANUP_CLOSE int fd = open_place(store, path);

	return fd < 0 ? 0 : replace_file_sweep(fd);
}

static uint64_t sweep_by_object(const struct cfs_store *store, const char *folder)
{
	uint64_t bytes = 0;
	char path[16];

	for (unsigned int byte = 0; byte < CFS_STORE_FOLDERS; byte++) {
		snprintf(path, sizeof(path), "%.8s/%02x", folder, byte & 0xff);
		bytes += sweep_place(store, path);
	}
	return bytes;
}

/* Earlier versions wrote profiles under ".<digest>.recorded.<pid>". */
static uint64_t sweep_stale_profiles(const struct cfs_store *store)
{
	int fd = open_place(store, "profiles");
	time_t now = time(NULL);
	const struct dirent *entry;
	uint64_t bytes = 0;
	struct stat st;
	DIR *dir;

	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return 0;
	}
	while ((entry = readdir(dir)))
		if (entry->d_name[0] == '.' &&
		    fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(st.st_mode) && now - st.st_mtime > STALE_S &&
		    unlinkat(fd, entry->d_name, 0) == 0)
			bytes += (uint64_t)st.st_blocks * 512;
	closedir(dir);
	return bytes;
}

uint64_t cfs_store_sweep(struct cfs_store *store, bool all)
{
	uint64_t bytes = 0;

	if (store->root_fd < 0)
		return 0;
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (!places[i].by_object)
			bytes += sweep_place(store, places[i].path);
		else if (all)
			bytes += sweep_by_object(store, places[i].path);
	}
	if (all)
		bytes += sweep_stale_profiles(store);
	return bytes;
}
