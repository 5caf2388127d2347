// SPDX-License-Identifier: GPL-2.0-or-later
/* Where another program of this package is. */
#include "cache/base/own_program.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/stat.h>
#include <unistd.h>

/* A build directory, and what is installed, has the programs in these folders. */
#define BUILT_HERE	"/cache"
#define BUILT_THERE	"/fetcher"

static const char *const installed[] = { CFS_SBINDIR, CFS_BINDIR };

/* Without /proc, as in a chroot: what execve() was told, before the folder changes. */
static bool own_path(char ret[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", ret, PATH_MAX - 1);
	const char *told = (const char *)getauxval(AT_EXECFN);

	if (len > 0) {
		ret[len] = '\0';
		return true;
	}
	return told && realpath(told, ret);
}

/* The folder of the running program; its owner is who may put programs there. */
static bool own_folder(char ret[PATH_MAX], uid_t *ret_owner)
{
	struct stat st;
	char *slash;

	/* The program may be gone since, replaced by a newer one. */
	if (!own_path(ret) ||
	    (stat("/proc/self/exe", &st) < 0 && stat(ret, &st) < 0))
		return false;
	slash = strrchr(ret, '/');
	if (!slash)
		return false;
	*slash = '\0';
	*ret_owner = st.st_uid;
	return true;
}

static bool is_program(const char *path, uid_t owner)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
	       (st.st_mode & 0111) && !(st.st_mode & S_IWOTH) &&
	       (st.st_uid == 0 || st.st_uid == owner);
}

static bool put(char ret[PATH_MAX], const char *folder, size_t len,
		const char *middle, const char *name)
{
	return snprintf(ret, PATH_MAX, "%.*s%s/%s", (int)len, folder, middle,
			name) < PATH_MAX;
}

static bool find_beside(const char *name, char ret[PATH_MAX])
{
	const size_t here_len = strlen(BUILT_HERE);
	char folder[PATH_MAX];
	uid_t owner;
	size_t len;

	if (!own_folder(folder, &owner))
		return false;
	len = strlen(folder);
	if (put(ret, folder, len, "", name) && is_program(ret, owner))
		return true;
	return len >= here_len &&
	       strcmp(folder + len - here_len, BUILT_HERE) == 0 &&
	       put(ret, folder, len - here_len, BUILT_THERE, name) &&
	       is_program(ret, owner);
}

int own_program_find(const char *name, char ret[PATH_MAX])
{
	size_t i;

	if (find_beside(name, ret))
		return 0;
	for (i = 0; i < sizeof(installed) / sizeof(installed[0]); i++)
		if (put(ret, installed[i], strlen(installed[i]), "", name) &&
		    is_program(ret, 0))
			return 0;
	snprintf(ret, PATH_MAX,
		 "it is neither in the folder of this program nor in %s or %s",
		 installed[0], installed[1]);
	return -ENOENT;
}
