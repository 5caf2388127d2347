// SPDX-License-Identifier: GPL-2.0-or-later
/* A place where mounts can be put together. */
#include "cache/mount/place.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

/* Where the process was before. */
struct home {
	int namespace_fd;
	int root_fd;
	int cwd_fd;
};

static void close_home(struct home *home)
{
	cleanup_close(&home->namespace_fd);
	cleanup_close(&home->root_fd);
	cleanup_close(&home->cwd_fd);
}

static int leave_home(struct home *home, const char *folder)
{
	home->namespace_fd = open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
	if (home->namespace_fd < 0)
		return -errno;
	home->root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (home->root_fd < 0)
		return -errno;
	home->cwd_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (home->cwd_fd < 0)
		return -errno;
	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	/* Nothing that is mounted from now on may reach the others. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    mount("composefs", folder, "tmpfs", MS_NOSUID | MS_NODEV,
		  "mode=0700,size=1m") < 0 ||
	    chdir(folder) < 0)
		return -errno;
	return 0;
}

static int return_home(const struct home *home)
{
	if (home->cwd_fd < 0)		/* never left */
		return 0;
	/* setns() forgets root and current folder. */
	if (setns(home->namespace_fd, CLONE_NEWNS) < 0 ||
	    fchdir(home->root_fd) < 0 || chroot(".") < 0 ||
	    fchdir(home->cwd_fd) < 0)
		return -errno;
	return 0;
}

int mount_place_attach(int mount_fd, const char *name)
{
	if (mkdir(name, 0700) < 0 && errno != EEXIST)
		return -errno;
	return move_mount(mount_fd, "", AT_FDCWD, name,
			  MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

static int attach_layers(const struct mount_layer *layers, size_t n)
{
	char name[32];
	size_t i;
	int err = 0;

	for (i = 0; err == 0 && i < n; i++) {
		if (layers[i].inside < 0)
			continue;
		snprintf(name, sizeof(name), "m%zu", i);
		err = mount_place_attach(layers[i].inside, name);
	}
	return err;
}

int mount_place_run(const char *folder, const struct mount_layer *layers,
		    size_t n_layers, mount_place_fn fn, void *context,
		    struct errmsg *msg)
{
	CLEANUP(close_home) struct home home = { -1, -1, -1 };
	int err, home_err;

	err = leave_home(&home, folder);
	if (err == 0)
		err = attach_layers(layers, n_layers);
	if (err < 0)
		errmsg_set(msg, err, "no mount namespace to set up in: %s",
			   strerror(-err));
	else
		err = fn(context, msg);
	home_err = return_home(&home);
	if (err == 0 && home_err < 0)
		err = errmsg_set(msg, home_err,
				 "can't return to the mount namespace: %s",
				 strerror(-home_err));
	return err;
}

int mount_place_layer(const struct mount_layer *layer, size_t i,
		      char ret[MOUNT_VALUE_MAX])
{
	int len;

	if (layer->inside < 0)
		len = snprintf(ret, MOUNT_VALUE_MAX, "%s", layer->path);
	else
		len = snprintf(ret, MOUNT_VALUE_MAX, "m%zu%s%s", i,
			       *layer->path ? "/" : "", layer->path);
	return len >= MOUNT_VALUE_MAX ? -ENAMETOOLONG : 0;
}

int mount_place_short(const struct mount_layer *layer, size_t i,
		      char ret[MOUNT_VALUE_MAX])
{
	const char *path = layer->path;
	char inside[MOUNT_VALUE_MAX];
	int err;

	if (layer->inside >= 0) {
		err = mount_place_layer(layer, i, inside);
		if (err < 0)
			return err;
		path = inside;
	}

	CLEANUP_CLOSE int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE |
					 OPEN_TREE_CLOEXEC);

	if (fd < 0)
		return -errno;
	snprintf(ret, MOUNT_VALUE_MAX, "d%zu", i);
	return mount_place_attach(fd, ret);
}
