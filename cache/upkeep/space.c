// SPDX-License-Identifier: GPL-2.0-or-later
/* Walking everything that a store has on the disk. */
#include "cache/upkeep/space.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/store/layout.h"
#include "cache/store/store.h"

/* What is deeper is nothing of ours. */
#define DEPTH_MAX	8
#define PATH_LEN	1024

struct measuring {
	cfs_space_fn fn;
	void *context;
	struct cfs_space *space;
	dev_t dev;
	char path[PATH_LEN];		/* of the entry that is looked at */
};

static const struct {
	const char *name;
	const char *folder;		/* NULL: not one of its own */
} kinds[CFS_SPACE_KINDS] = {
	[CFS_SPACE_OBJECTS] = { "objects", "objects" },
	[CFS_SPACE_PARTIAL] = { "partial", "partial" },
	[CFS_SPACE_VERITY] = { "verity", "verity" },
	[CFS_SPACE_ZST] = { "zst", "zst" },
	[CFS_SPACE_PACKS] = { "packs", "packs" },
	[CFS_SPACE_PROFILES] = { "profiles", "profiles" },
	[CFS_SPACE_QUARANTINE] = { "quarantine", "quarantine" },
	[CFS_SPACE_TEMPORARY] = { "temporary", NULL },
	[CFS_SPACE_OTHER] = { "other", NULL },
};

const char *cfs_space_name(enum cfs_space_kind kind)
{
	return kinds[kind].name;
}

/* Of what is in a folder of this name in the store's own folder. */
static enum cfs_space_kind kind_of_folder(const char *name)
{
	for (size_t i = 0; i < CFS_SPACE_KINDS; i++)
		if (kinds[i].folder && strcmp(kinds[i].folder, name) == 0)
			return (enum cfs_space_kind)i;
	return CFS_SPACE_OTHER;
}

static int count(struct measuring *m, enum cfs_space_kind kind,
		 const struct stat *st)
{
	uint64_t bytes = (uint64_t)st->st_blocks * 512;

	m->space->kinds[kind].files++;
	m->space->kinds[kind].bytes += bytes;
	m->space->bytes += bytes;
	return m->fn ? m->fn(m->context, kind, m->path, st) : 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int walk(struct measuring *m, int parent_fd, const char *name,
		enum cfs_space_kind kind, unsigned int depth, size_t path_len);

/* One entry of a folder, whose path is m->path. */
static int look(struct measuring *m, int folder_fd, const char *name,
		enum cfs_space_kind kind, unsigned int depth, size_t path_len)
{
	struct stat st;

	if (fstatat(folder_fd, name, &st,
		    AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (st.st_dev != m->dev)
		return 0;
	if (S_ISDIR(st.st_mode)) {
		if (depth == 0)
			kind = kind_of_folder(name);
		else if (strcmp(name, ".quarantine") == 0)
			kind = CFS_SPACE_QUARANTINE;
		return depth < DEPTH_MAX ? walk(m, folder_fd, name, kind,
						depth + 1, path_len) : 0;
	}
	/* It is about to lose this name: the other one is an object's. */
	if (kind == CFS_SPACE_PARTIAL && st.st_nlink > 1)
		return 0;
	if (strncmp(name, ".tmp-", 5) == 0)
		kind = CFS_SPACE_TEMPORARY;
	return count(m, kind, &st);
}

static int walk_entries(struct measuring *m, DIR *dir, enum cfs_space_kind kind,
			unsigned int depth, size_t path_len)
{
	int err = 0;

	while (err == 0) {
		const struct dirent *entry;
		int len;

		errno = 0;
		entry = readdir(dir);
		if (!entry)
			return -errno;
		if (strcmp(entry->d_name, ".") == 0 ||
		    strcmp(entry->d_name, "..") == 0)
			continue;
		len = snprintf(m->path + path_len, sizeof(m->path) - path_len,
			       "%s%s", path_len ? "/" : "", entry->d_name);
		if (path_len + (size_t)len >= sizeof(m->path))
			return -ENAMETOOLONG;
		err = look(m, dirfd(dir), entry->d_name, kind, depth,
			   path_len + (size_t)len);
	}
	return err;
}

static int walk(struct measuring *m, int parent_fd, const char *name,
		enum cfs_space_kind kind, unsigned int depth, size_t path_len)
{
	CLEANUP_CLOSE int fd = openat(parent_fd, name,
				      O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
				      O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return errno == ENOENT || errno == EACCES ? 0 : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	m->space->kinds[CFS_SPACE_OTHER].files++;
	m->space->kinds[CFS_SPACE_OTHER].bytes += (uint64_t)st.st_blocks * 512;
	m->space->bytes += (uint64_t)st.st_blocks * 512;

	CLEANUP(close_dir) DIR *dir = fdopendir(fd);

	if (!dir)
		return -errno;
	take_fd(&fd);	/* the stream's from here on */
	return walk_entries(m, dir, kind, depth, path_len);
}

int cfs_space_measure(struct cfs_store *store, cfs_space_fn fn, void *context,
		      struct cfs_space *ret)
{
	struct cfs_space space = { .bytes = 0 };
	struct measuring m = {
		.fn = fn,
		.context = context,
		.space = &space,
	};
	bool whole = store->root_fd >= 0;
	struct stat st;
	int err;

	if (fstat(store->objects_fd, &st) < 0)
		return -errno;
	m.dev = st.st_dev;
	err = whole ? walk(&m, store->root_fd, ".", CFS_SPACE_OTHER, 0, 0) :
		      walk(&m, store->objects_fd, ".", CFS_SPACE_OBJECTS, 1, 0);
	if (err == 0)
		*ret = space;
	return err;
}
