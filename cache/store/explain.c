// SPDX-License-Identifier: GPL-2.0-or-later
/* Why a store could not be opened or used, in words for people. */
#include "cache/store/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/store/foreign.h"
#include "cache/store/layout.h"
#include "cache/store/list.h"

/* Folders beside objects/; some hold one folder more for each first byte. */
static const struct {
	const char *name;
	bool two_levels;
} folders[] = {
	{ "objects", true }, { "images", false }, { "quarantine", false },
	{ "partial", false }, { "profiles", false }, { "packs", false },
	{ "verity", true }, { "zst", true },
};

static bool is_another_users(int parent_fd, const struct stat *st)
{
	struct stat parent;

	return geteuid() == 0 && fstat(parent_fd, &parent) == 0 &&
	       parent.st_uid != 0 && st->st_uid != parent.st_uid;
}

/* Does this folder explain the error?  Then it is named, with what to do. */
static bool explains(int parent_fd, const char *name, const char *prefix, int err,
		     struct errmsg *msg)
{
	struct stat st;
	int fd;

	if (fstatat(parent_fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	if (S_ISLNK(st.st_mode)) {
		errmsg_set(msg, err, "%s%s: a symbolic link; a store's folders must be folders (mount --bind lets one lie elsewhere: objects/ or images/)",
			   prefix, name);
		return true;
	}
	if (!S_ISDIR(st.st_mode)) {
		errmsg_set(msg, err, "%s%s: not a folder", prefix, name);
		return true;
	}
	fd = store_folder_open(parent_fd, name, *prefix ? 0 : FOLDER_MOUNT, 0);
	if (fd >= 0)
		close(fd);
	if (fd == -EXDEV) {
		errmsg_set(msg, err, "%s%s: another file system is mounted there; unmount it: only objects/ and images/ may be mounts",
			   prefix, name);
		return true;
	}
	if (err == -EPERM && is_another_users(parent_fd, &st)) {
		errmsg_set(msg, err, "%s%s: belongs to user %u, and the folder it is in to another; chown it, or move it away, if it does not belong to the store",
			   prefix, name, st.st_uid);
		return true;
	}
	return false;
}

static bool find_strange(int root_fd, int err, struct errmsg *msg)
{
	char prefix[32], byte[3];

	for (size_t i = 0; i < sizeof(folders) / sizeof(*folders); i++) {
		CLEANUP_CLOSE int fd = -1;

		if (explains(root_fd, folders[i].name, "", err, msg))
			return true;
		if (!folders[i].two_levels)
			continue;
		fd = store_folder_open(root_fd, folders[i].name, FOLDER_MOUNT, 0);
		snprintf(prefix, sizeof(prefix), "%s/", folders[i].name);
		for (int k = 0; fd >= 0 && k < CFS_STORE_FOLDERS; k++) {
			snprintf(byte, sizeof(byte), "%02x", k);
			if (explains(fd, byte, prefix, err, msg))
				return true;
		}
	}
	return false;
}

static bool is_about_folders(int err)
{
	return err == -ELOOP || err == -EXDEV || err == -ENOTDIR || err == -EPERM;
}

int cfs_store_explain(const struct cfs_store *store, int err,
		      struct errmsg *msg)
{
	char byte[3];

	if (is_about_folders(err) && store->root_fd >= 0 &&
	    find_strange(store->root_fd, err, msg))
		return err;
	for (int k = 0; is_about_folders(err) && store->root_fd < 0 &&
			k < CFS_STORE_FOLDERS; k++) {
		snprintf(byte, sizeof(byte), "%02x", k);
		if (explains(store->objects_fd, byte, "./", err, msg))
			return err;
	}
	return errmsg_set(msg, err, "%s", strerror(-err));
}

int cfs_store_explain_open(const char *path, int err, struct errmsg *msg)
{
	CLEANUP_CLOSE int root_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *what, *mark = "";
	struct errmsg why;

	if (root_fd >= 0 && err == -EMEDIUMTYPE) {
		what = store_foreign(root_fd, &mark);
		return errmsg_set(msg, err, "%s: not a store but %s (it has %s): what needs its objects only that program knows; nothing was changed",
				  path, what ? what : "a repository of another program",
				  mark);
	}
	if (root_fd >= 0 && err == -ENOENT)
		return errmsg_set(msg, err, "%s: no store here: it has no objects/", path);
	if (err == -ENOENT)
		return errmsg_set(msg, err, "%s: no store here: there is no such folder", path);
	if (root_fd >= 0 && is_about_folders(err) &&
	    find_strange(root_fd, err, &why))
		return errmsg_set(msg, err, "%.*s/%s",
				  ERRMSG_MAX / 2, path, why.text);
	return errmsg_set(msg, err, "%s: %s", path, strerror(-err));
}
