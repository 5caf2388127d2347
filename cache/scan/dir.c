// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A directory: each entry becomes a node.  What needs no more than a look
 * (symlinks, devices, FIFOs, sockets) is done at once; subdirectories and regular
 * files become work for whoever has time.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/scan/work.h"

void scan_set_inode(const struct scan *scan, struct cfs_node *node,
		    const struct stat *st)
{
	const struct cfs_scan_options *options = scan->options;

	node->mode = st->st_mode;
	node->nlink = 1;
	node->uid = st->st_uid;
	node->gid = st->st_gid;
	node->rdev = S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode) ?
			     (uint32_t)st->st_rdev : 0;
	node->mtime_sec = st->st_mtim.tv_sec;
	node->mtime_nsec = st->st_mtim.tv_nsec;
	if (options->flags & CFS_SCAN_EPOCH) {
		node->mtime_sec = 0;
		node->mtime_nsec = 0;
	} else if (options->flags & CFS_SCAN_CLAMP &&
		   node->mtime_sec >= options->newest) {
		node->mtime_sec = options->newest;
		node->mtime_nsec = 0;
	}
}

static int add_node(struct scan_worker *worker, struct cfs_node *parent,
		    const char *name, struct cfs_node **ret)
{
	struct cfs_node *node =
		cfs_node_new(&worker->arena, name, strlen(name));

	if (!node)
		return -ENOMEM;
	*ret = node;
	return cfs_node_add_child(&worker->arena, parent, node);
}

/* Remember a subdirectory or a file, until the directory is read. */
static int remember(struct scan_worker *worker, struct cfs_node *node)
{
	if (worker->n_found == worker->found_room) {
		size_t room = worker->found_room ? worker->found_room * 2 : 256;
		struct cfs_node **bigger =
			realloc(worker->found, room * sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		worker->found = bigger;
		worker->found_room = room;
	}
	worker->found[worker->n_found++] = node;
	return 0;
}

static int read_target(struct scan_worker *worker, int dir_fd,
		       const char *name, struct cfs_node *node)
{
	char target[PATH_MAX];
	ssize_t len = readlinkat(dir_fd, name, target, sizeof(target));

	if (len < 0)
		return errno == EINVAL ? -ESTALE : -errno;
	if (len == 0 || len == sizeof(target))
		return -ENAMETOOLONG;
	node->payload = arena_copy(&worker->arena, target, len);
	node->payload_len = len;
	return node->payload ? 0 : -ENOMEM;
}

/* What is neither a directory nor a regular file. */
static int scan_other(struct scan_worker *worker, const struct scan_dir *dir,
		      const char *name, const struct stat *st)
{
	const unsigned int flags = worker->scan->options->flags;
	struct cfs_node *node;
	int err;

	if (flags & CFS_SCAN_SKIP_DEVICES &&
	    (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode)))
		return 0;
	err = add_node(worker, dir->node, name, &node);
	if (err)
		return err;
	scan_set_inode(worker->scan, node, st);
	if (flags & CFS_SCAN_HARD_LINKS && st->st_nlink > 1 &&
	    !cfs_node_deletes(node)) {
		err = scan_link_seen(worker, node, st);
		if (err)
			return err < 0 ? err : 0;
	}
	if (S_ISLNK(st->st_mode))
		err = read_target(worker, dir->fd, name, node);
	if (!err)
		err = scan_xattrs(worker, dir->fd, name, node);
	return err ? scan_fail(worker, node, err) : 0;
}

static int scan_entry(struct scan_worker *worker, const struct scan_dir *dir,
		      const char *name, unsigned char type)
{
	const bool one_file_system = worker->scan->options->flags &
				     CFS_SCAN_ONE_FILE_SYSTEM;
	struct cfs_node *node;
	struct stat st;
	int err;

	if (name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2])))
		return 0;
	/* A folder is looked at when it is open, and stays. */
	if ((type != DT_DIR && type != DT_REG) ||
	    (one_file_system && type != DT_DIR)) {
		if (fstatat(dir->fd, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			return errno == ENOENT ? -ESTALE : -errno;
		type = IFTODT(st.st_mode);
		if (one_file_system && type != DT_DIR &&
		    st.st_dev != worker->scan->dev)
			return 0;
	}
	if (type != DT_DIR && type != DT_REG)
		return scan_other(worker, dir, name, &st);
	err = add_node(worker, dir->node, name, &node);
	if (err)
		return err;
	/* The type alone, until it is opened: it tells the two apart. */
	node->mode = DTTOIF(type);
	return remember(worker, node);
}

static int read_entries(struct scan_worker *worker, const struct scan_dir *dir)
{
	int err = 0;

	worker->n_found = 0;
	for (;;) {
		_Alignas(struct dirent64) char buf[32 << 10];
		ssize_t n = getdents64(dir->fd, buf, sizeof(buf)), at;

		if (n < 0)
			return -errno;
		if (n == 0)
			return 0;
		for (at = 0; at < n && !err;) {
			const struct dirent64 *entry = (void *)(buf + at);

			err = scan_entry(worker, dir, entry->d_name,
					 entry->d_type);
			at += entry->d_reclen;
		}
		if (err)
			return err;
	}
}

static int push_found(struct scan_worker *worker, struct scan_dir *dir)
{
	size_t n = worker->n_found, n_dirs = 0, i;
	int err = 0;

	/* Subdirectories to the front. */
	for (i = 0; i < n; i++) {
		struct cfs_node *node = worker->found[i];

		if (S_ISDIR(node->mode)) {
			worker->found[i] = worker->found[n_dirs];
			worker->found[n_dirs++] = node;
		}
	}
	if (n_dirs)
		err = scan_push(worker, dir, true, worker->found, n_dirs);
	if (!err && n > n_dirs)
		err = scan_push(worker, dir, false, worker->found + n_dirs,
				n - n_dirs);
	return err;
}

static int list_directory(struct scan_worker *worker, struct scan_dir *dir)
{
	struct stat before, after;
	int err;

	if (fstat(dir->fd, &before) < 0)
		return -errno;
	scan_set_inode(worker->scan, dir->node, &before);
	err = scan_xattrs(worker, dir->fd, NULL, dir->node);
	if (err)
		return err;
	if (!dir->node->parent)
		worker->scan->dev = before.st_dev;
	else if (worker->scan->options->flags & CFS_SCAN_ONE_FILE_SYSTEM &&
		 before.st_dev != worker->scan->dev)
		return 0;
	err = read_entries(worker, dir);
	if (err)
		return err;
	if (fstat(dir->fd, &after) < 0)
		return -errno;
	if (!scan_unchanged(&before, &after))
		return -ESTALE;
	return push_found(worker, dir);
}

int scan_directory(struct scan_worker *worker, int parent_fd, const char *name,
		   struct cfs_node *node)
{
	/* The root is what the user named, everything else what we found. */
	const int nofollow = node->parent ? O_NOFOLLOW : 0;
	CLEANUP_CLOSE int fd = openat(parent_fd, name,
				      O_RDONLY | O_DIRECTORY | nofollow |
				      O_CLOEXEC);
	struct scan_dir *dir;
	int err;

	if (fd < 0)
		return node->parent && (errno == ENOENT || errno == ENOTDIR ||
					errno == ELOOP) ? -ESTALE : -errno;
	dir = malloc(sizeof(*dir));
	if (!dir)
		return -ENOMEM;
	dir->fd = take_fd(&fd);
	dir->node = node;
	atomic_init(&dir->refs, 1);
	err = list_directory(worker, dir);
	scan_dir_put(dir);
	return err;
}
