// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "fetcher/programs/private_root.h"

#define SHARED	"/run/composefs"
#define PLACE	SHARED "/place"

/* Tree at @from, with what is mounted below it, to be attached at @to of the place. */
struct part {
	const char *from, *to;
	unsigned int flags;
};

static const struct part parts[] = {
	{ "/proc", "proc", 0 },
	{ SHARED, "run/composefs", AT_RECURSIVE },
};

#define N_PARTS	(sizeof(parts) / sizeof(parts[0]))

static int make_folders(void)
{
	static const char *const folders[] = { "proc", "run", "run/composefs" };
	size_t i;

	for (i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		if (mkdir(folders[i], 0755) < 0)
			return -errno;
	return symlink("run/composefs/etc", "etc") < 0 ? -errno : 0;
}

/* The copies are made before the place is, which is itself below one of them. */
static int make_place(const int trees[N_PARTS])
{
	size_t i;
	int err;

	if (mkdir(PLACE, 0700) < 0 && errno != EEXIST)
		return -errno;
	if (mount("cfs-fetch", PLACE, "tmpfs",
		  MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=0700,size=64k") < 0 ||
	    chdir(PLACE) < 0)
		return -errno;
	err = make_folders();
	for (i = 0; !err && i < N_PARTS; i++)
		if (move_mount(trees[i], "", AT_FDCWD, parts[i].to,
			       MOVE_MOUNT_F_EMPTY_PATH) < 0)
			err = -errno;
	return err;
}

int root_place_enter(void)
{
	int trees[N_PARTS] = { -1, -1 }, err = 0;
	size_t i;

	if (unshare(CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -errno;
	for (i = 0; !err && i < N_PARTS; i++) {
		trees[i] = open_tree(AT_FDCWD, parts[i].from,
				     OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC |
				     parts[i].flags);
		if (trees[i] < 0)
			err = -errno;
	}
	if (!err)
		err = make_place(trees);
	/* The root of an initramfs can't be left with pivot_root(2). */
	if (!err && (mount(".", "/", NULL, MS_MOVE, NULL) < 0 ||
		     chroot(".") < 0 || chdir("/") < 0))
		err = -errno;
	for (i = 0; i < N_PARTS; i++)
		cleanup_close(&trees[i]);
	return err;
}

void root_place_mark(char *argv0)
{
	argv0[0] = '@';
}
