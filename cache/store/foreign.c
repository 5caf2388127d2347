// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Repositories of other programs that have an objects/ or an images/, too: what
 * their objects are needed for is written down where only those programs look.
 */
#include "cache/store/foreign.h"

#include <fcntl.h>
#include <stddef.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/beneath.h"
#include "cache/base/cleanup.h"

static const struct {
	const char *what;
	struct {
		const char *path;
		mode_t type;
	} marks[2];			/* all of them are there */
} repositories[] = {
	{ "a composefs-rs repository", { { "meta.json", S_IFREG } } },
	{ "a composefs-rs repository", { { "streams", S_IFDIR } } },
	{ "a composefs-rs repository", { { "images/refs", S_IFDIR } } },
	/* Before OSTree's: a bare one has a config and refs/, too. */
	{ "a git repository", { { "HEAD", S_IFREG }, { "refs", S_IFDIR } } },
	{ "an OSTree repository", { { "config", S_IFREG }, { "refs", S_IFDIR } } },
	{ "an OSTree repository", { { ".ostree", S_IFDIR } } },
};

static bool has(int root_fd, const char *path, mode_t type)
{
	CLEANUP_CLOSE int fd = beneath_open(root_fd, path, O_PATH, 0);
	struct stat st;

	return fd >= 0 && fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type;
}

const char *store_foreign(int root_fd, const char **ret_mark)
{
	for (size_t i = 0; i < sizeof(repositories) / sizeof(*repositories); i++) {
		bool all = true;

		for (size_t k = 0; k < 2 && repositories[i].marks[k].path; k++)
			all = all && has(root_fd, repositories[i].marks[k].path,
					 repositories[i].marks[k].type);
		if (all) {
			*ret_mark = repositories[i].marks[0].path;
			return repositories[i].what;
		}
	}
	return NULL;
}
