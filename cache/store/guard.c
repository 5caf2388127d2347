// SPDX-License-Identifier: GPL-2.0-or-later
/* Who may look into a store. */
#include "cache/store/guard.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

/* What stands in a store's folder; beside that, what begins with a dot. */
static const char *const entries[] = {
	"objects", "images", "quarantine", "partial", "profiles", "packs", "verity",
	"zst", "mirror", "lost+found",
};

static bool is_ours(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(entries) / sizeof(entries[0]); i++)
		if (strcmp(name, entries[i]) == 0)
			return true;
	return name[0] == '.';
}

static bool is_object_folder(const char *name)
{
	return strlen(name) == 2;
}

/* 1 if @wanted is true of any entry of a folder, 0 if of none, or -errno. */
static int any_entry(int parent_fd, const char *name,
		     bool (*wanted)(const char *name))
{
	int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW |
			O_CLOEXEC);
	const struct dirent *entry;
	int found = 0;
	DIR *dir;

	if (fd < 0)
		return -errno;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (!found && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 &&
		    strcmp(entry->d_name, "..") != 0)
			found = wanted(entry->d_name);
	closedir(dir);
	return found;
}

static bool is_strange(const char *name)
{
	return !is_ours(name);
}

int cfs_store_guard(const char *path, struct errmsg *msg)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int has_objects, is_shared;
	struct stat st;
	mode_t mode;

	/* Who may not list the folder has no say in who else may. */
	if (fd < 0 && errno == EACCES)
		return 0;
	if (fd < 0 || fstat(fd, &st) < 0)
		return errmsg_set(msg, -errno, "%s: %s", path, strerror(errno));
	mode = st.st_mode & 07777;
	if (!(mode & S_IRWXO))
		return 0;
	has_objects = any_entry(fd, "objects", is_object_folder);
	is_shared = any_entry(fd, ".", is_strange);
	if (has_objects < 0 || is_shared < 0)
		return 0;
	if (is_shared && !has_objects)
		return errmsg_set(msg, -EPERM,
				  "%s: every user can look into this folder (mode %04o), and it has other things in it: objects hold the bytes of files that not every user may read, so give the store a folder of its own",
				  path, mode);
	if (!is_shared && (!has_objects || (mode & S_IWOTH)) &&
	    fchmod(fd, mode & ~(mode_t)S_IRWXO) == 0) {
		errmsg_set(msg, 0, "%s: was open to every user (mode %04o), and objects hold the bytes of files that not every user may read: its mode is %04o now; chmod o+rx makes it a public one",
			   path, mode, mode & ~(mode_t)S_IRWXO);
		return CFS_STORE_CLOSED;
	}
	if (mode & S_IWOTH)
		return errmsg_set(msg, -EPERM,
				  "%s: every user may write to it (mode %04o), and it can't be closed to them: chmod o-rwx %s",
				  path, mode, path);
	errmsg_set(msg, 0, "%s: every user can read its objects (mode %04o), also of files that not every user may read; unless it is a public store: chmod o-rwx %s",
		   path, mode, path);
	return CFS_STORE_IS_OPEN;
}
