// SPDX-License-Identifier: GPL-2.0
/*
 * open(): which file is read when a file of the image is read?
 *
 *	1. where the object was found last time, if that name is still there
 *	2. in the object directories, in order
 *	3. nothing good there: open the object in a trigger, a FUSE directory.
 *	   That waits until the object is in an object directory.  The opened
 *	   file is dropped, it only made the fetcher work, and 2. is repeated.
 *
 * Only a regular file of the right size and, as verity_check asks, with the
 * right fs-verity digest is good, checked on the opened file that will be read.
 * Anything else there counts as not there; the fetcher may repair it.
 *
 * Here, and nowhere else, the module waits for a fetcher: without any inode or
 * dentry lock, and a fatal signal ends the wait.  Nothing but a good place is
 * remembered: the next open() starts afresh.
 *
 * Backing files are found and opened with the mounter's credentials; that the
 * caller may open the file has been decided by the image's inode.
 */
#include <linux/cred.h>
#include <linux/file.h>
#include <linux/fsverity.h>
#include <linux/ktime.h>
#include <linux/namei.h>

#include "internal.h"
#include "trace.h"

/* One open(), for the steps below. */
struct opening {
	struct inode *inode;
	struct file *file;		/* the caller's */
	struct cfs_fs *fs;
	const struct cfs_object *object;
	const struct cfs_basedirs *dirs;
};

/* Another result than 0 and -errno: nothing good is there. */
#define NOT_THERE	1

/* Errors that say something about this machine and not about the object. */
static bool is_final(int err)
{
	switch (err) {
	case -EINTR:
	case -ERESTARTSYS:
	case -ERESTARTNOINTR:
	case -ERESTARTNOHAND:
	case -ENOMEM:
	case -ENFILE:
		return true;
	}
	return false;
}

/*
 * What a caller may see of an error.  Never -ENOENT: the image says that the file
 * is there.  A dead fetcher (-ENOTCONN, -ECONNABORTED) is an I/O error.
 */
static int visible_errno(int err)
{
	if (is_final(err))
		return err;
	switch (err) {
	case -ETIMEDOUT:
	case -EHOSTUNREACH:
	case -ENOSPC:
		return err;
	}
	return -EIO;
}

/*
 * Symlinks and mounts are not crossed.  The path has no ".." and does not
 * begin with '/', so that keeps it below the basedir; LOOKUP_BENEATH would say
 * the same again and take a global lock for it.
 */
static int find_object(const struct opening *o, const struct cfs_basedir *dir,
		       struct path *ret)
{
	const struct cred *old = override_creds(o->fs->cred);
	int err = vfs_path_lookup(dir->mnt->mnt_root, dir->mnt,
				  o->object->path,
				  LOOKUP_NO_SYMLINKS | LOOKUP_NO_XDEV, ret);

	revert_creds(old);
	return err;
}

static bool reject(const struct opening *o, const char *why)
{
	cfs_count(o->fs, rejected);
	cfs_warn(o->inode->i_sb, "backing file '%s' of %pD4 %s\n",
		 o->object->path, o->file, why);
	return false;
}

/* Has the opened file the digest that the image names?  Ask after open only. */
static bool check_verity(const struct opening *o, struct file *real)
{
	u8 found[FS_VERITY_MAX_DIGEST_SIZE];
	u8 algorithm = 0;
	int len = fsverity_get_digest(file_inode(real), found, &algorithm,
				      NULL);
	bool good = len == CFS_DIGEST_SIZE &&
		    algorithm == FS_VERITY_HASH_ALG_SHA256 &&
		    !memcmp(found, o->object->digest, CFS_DIGEST_SIZE);

	trace_composefs_verity(o->inode, o->object->path, len, good);
	if (good)
		return true;
	if (len <= 0)
		return reject(o, "has no fs-verity digest");
	cfs_count(o->fs, rejected);
	cfs_warn(o->inode->i_sb,
		 "backing file '%s' of %pD4 has the wrong fs-verity digest: expected %*phN, found %*phN\n",
		 o->object->path, o->file, CFS_DIGEST_SIZE, o->object->digest,
		 len, found);
	return false;
}

static bool is_good(const struct opening *o, struct file *real)
{
	if (i_size_read(file_inode(real)) != i_size_read(o->inode))
		return reject(o, "has the wrong size");
	if (o->fs->verity_check == CFS_VERITY_OFF || !o->object->has_digest)
		return true;
	return check_verity(o, real);
}

/*
 * Open what is at @path if it is good, as the file that will be read.
 * Return: 0, NOT_THERE or a final -errno.
 */
static int open_if_good(const struct opening *o, const struct path *path)
{
	struct file *real;

	/* Opening a FIFO or a device would do more than open. */
	if (!d_is_reg(path->dentry)) {
		reject(o, "is not a regular file");
		return NOT_THERE;
	}
	real = compat_backing_file_open(o->file, path, o->fs->cred);
	if (IS_ERR(real)) {
		/*
		 * -EINVAL: O_DIRECT was asked for, and the file can't; without
		 * it, what fs-verity keeps of the file is damaged.
		 */
		if (is_final(PTR_ERR(real)) ||
		    (PTR_ERR(real) == -EINVAL && o->file->f_flags & O_DIRECT))
			return PTR_ERR(real);
		cfs_warn(o->inode->i_sb,
			 "backing file '%s' of %pD4 can't be opened: %ld\n",
			 o->object->path, o->file, PTR_ERR(real));
		return NOT_THERE;
	}
	if (!is_good(o, real)) {
		fput(real);
		return NOT_THERE;
	}
	o->file->private_data = real;
	return 0;
}

/* Step 1.  Return: 0, NOT_THERE or a final -errno. */
static int open_hit(const struct opening *o)
{
	struct path path;
	int err;

	if (!cfs_object_hit(o->inode, o->dirs->generation, &path))
		return NOT_THERE;
	err = open_if_good(o, &path);
	path_put(&path);
	if (err)
		cfs_object_set_hit(o->inode, 0, &(struct path) {});
	return err;
}

/* Step 2.  Return: 0, NOT_THERE or a final -errno. */
static int open_in_object_dirs(const struct opening *o)
{
	unsigned int i;

	for (i = 0; i < o->dirs->n; i++) {
		const struct cfs_basedir *dir = &o->dirs->dirs[i];
		struct path path;
		int err;

		if (dir->is_trigger)
			continue;
		err = find_object(o, dir, &path);
		if (err && is_final(err))
			return err;
		if (err == -ELOOP || err == -EXDEV)
			reject(o, "is behind a symlink or a mount");
		if (err)
			continue;
		err = open_if_good(o, &path);
		if (!err)
			cfs_object_set_hit(o->inode, o->dirs->generation,
					   &path);
		path_put(&path);
		if (err != NOT_THERE)
			return err;
	}
	return NOT_THERE;
}

/* Have the object fetched: returns when the fetcher says that it is there. */
static int pull_trigger(const struct opening *o, const struct cfs_basedir *dir)
{
	struct path path;
	struct file *fetched;
	int err = find_object(o, dir, &path);

	if (err)
		return err;
	if (d_is_reg(path.dentry)) {
		fetched = dentry_open(&path, O_RDONLY | O_LARGEFILE,
				      o->fs->cred);
		err = PTR_ERR_OR_ZERO(fetched);
		if (!err)
			fput(fetched);
	} else {
		err = -EIO;
	}
	path_put(&path);
	return err;
}

/*
 * Without an object directory there is only the fetcher to read from.  Only
 * with verity_check=0: a FUSE file has no fs-verity.
 */
static int open_through_trigger(const struct opening *o,
				const struct cfs_basedir *dir)
{
	struct path path;
	int err = find_object(o, dir, &path);

	if (err)
		return err;
	err = d_is_reg(path.dentry) ? 0 : -EIO;
	if (!err) {
		struct file *real = compat_backing_file_open(o->file, &path,
							     o->fs->cred);

		err = PTR_ERR_OR_ZERO(real);
		if (!err && !is_good(o, real)) {
			fput(real);
			err = -EIO;
		}
		if (!err)
			o->file->private_data = real;
	}
	path_put(&path);
	return err;
}

static int fetch_from(const struct opening *o, const struct cfs_basedir *dir)
{
	int err;

	if (o->dirs->n_object_dirs == 0 &&
	    o->fs->verity_check == CFS_VERITY_OFF)
		return open_through_trigger(o, dir);
	err = pull_trigger(o, dir);
	if (!err)
		err = open_in_object_dirs(o);
	return err == NOT_THERE ? -EIO : err;
}

/* Step 3.  Return: 0 or what the caller of open() gets to see. */
static int open_by_fetching(const struct opening *o)
{
	int told = -EIO;
	unsigned int i;

	for (i = 0; i < o->dirs->n; i++) {
		ktime_t start = ktime_get();
		u64 wait_ns;
		int err;

		if (!o->dirs->dirs[i].is_trigger)
			continue;
		trace_composefs_open_miss(o->inode, o->object->path, i);
		err = fetch_from(o, &o->dirs->dirs[i]);
		wait_ns = ktime_to_ns(ktime_sub(ktime_get(), start));
		trace_composefs_fetch_wait(o->inode, o->object->path, i, err,
					   wait_ns);
		this_cpu_add(o->fs->stats->fetch_wait_ns, wait_ns);
		if (!err) {
			cfs_count(o->fs, fetched);
			return 0;
		}
		/* of several, an error that says more than -EIO is told */
		if (told == -EIO)
			told = visible_errno(err);
		if (is_final(err) || fatal_signal_pending(current))
			break;
	}
	return told;
}

static int open_object(struct opening *o)
{
	int err;

	if (o->fs->verity_check == CFS_VERITY_REQUIRE &&
	    !o->object->has_digest) {
		cfs_warn(o->inode->i_sb,
			 "image file %pD4 specified no fs-verity digest\n",
			 o->file);
		return -EIO;
	}
	if (!o->object->path[0]) {
		cfs_warn(o->inode->i_sb, "image file %pD4 names no object\n",
			 o->file);
		return -EIO;
	}
	if (!o->dirs)
		return -EIO;
	err = open_hit(o);
	if (err == NOT_THERE)
		err = open_in_object_dirs(o);
	if (err != NOT_THERE) {
		if (!err) {
			cfs_count(o->fs, hits);
			trace_composefs_open_hit(o->inode, o->object->path);
		}
		return err;
	}
	cfs_count(o->fs, misses);
	return open_by_fetching(o);
}

/**
 * cfs_open() - open a regular file whose content is an object
 * @inode: one that cfs_inode_has_backing()
 * @file: of that inode
 *
 * On success the file's private_data is the backing file, owned by it.
 *
 * Return: 0; -EIO if the object can't be had or is not what the image says;
 * -ETIMEDOUT, -EHOSTUNREACH or -ENOSPC if a fetcher said so; -EINTR; -EINVAL
 * (O_DIRECT where the backing file can't); -ENOMEM or -ENFILE; -EFSCORRUPTED.
 */
int cfs_open(struct inode *inode, struct file *file)
{
	struct opening o = {
		.inode = inode,
		.file = file,
		.fs = cfs_fs(inode->i_sb),
	};
	struct cfs_basedirs *dirs;
	int err;

	o.object = cfs_object_get(inode);
	if (IS_ERR(o.object))
		return PTR_ERR(o.object);
	dirs = cfs_basedirs_get(o.fs);
	o.dirs = dirs;
	err = open_object(&o);
	cfs_basedirs_put(dirs);
	if (err)
		cfs_count(o.fs, failed);
	return err;
}
