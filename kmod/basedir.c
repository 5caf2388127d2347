// SPDX-License-Identifier: GPL-2.0
/*
 * basedir=A:B:C, the directories that objects are in.
 *
 * Each is turned into a private clone mount: what is mounted on it or below it
 * later is not seen, and the directory stays usable when its mount is detached,
 * which is how a fetcher's FUSE mount lives exactly as long as the image's.
 * Such a mount belongs to the kernel and ends by kern_unmount() only: a mere mntput()
 * would leave it, and the file system below, for ever.
 *
 * A set of directories is immutable and reference counted.  remount makes a new
 * one; an open() that runs meanwhile, perhaps for minutes, keeps the old.
 */
#include <linux/mount.h>
#include <linux/namei.h>
#include <linux/slab.h>

#include "internal.h"

/*
 * Cut @rest at the next ':' and remove the escapes: "\:" is a colon and "\\" a
 * backslash.  Return the element, *@rest becomes NULL behind the last one.
 */
static char *next_element(char **rest)
{
	char *element = *rest;
	char *in, *out;

	for (in = out = element; *in && *in != ':'; in++) {
		if (*in == '\\' && in[1])
			in++;
		*out++ = *in;
	}
	*rest = *in ? in + 1 : NULL;
	*out = '\0';
	return element;
}

/* As many as there are unescaped colons, and one. */
static unsigned int count_elements(const char *option)
{
	unsigned int n = 1;

	for (; *option; option++) {
		if (*option == '\\' && option[1])
			option++;
		else if (*option == ':')
			n++;
	}
	return n;
}

/**
 * cfs_basedirs_check_count() - are these too many directories?
 * @fc: for its log
 * @option: basedir=
 * @more: that will be added to it
 *
 * Return: 0 or -EINVAL, explained in the context's log.
 */
int cfs_basedirs_check_count(struct fs_context *fc, const char *option,
			     unsigned int more)
{
	if (count_elements(option) + more > CFS_BASEDIRS_MAX)
		return invalfc(fc, "too many basedirs, limit is %d",
			       CFS_BASEDIRS_MAX);
	return 0;
}

static int open_basedir(struct fs_context *fc, const char *name,
			struct cfs_basedirs *dirs)
{
	struct cfs_basedir *dir = &dirs->dirs[dirs->n];
	struct super_block *sb;
	struct vfsmount *mnt;
	struct path path;
	int err;

	if (!*name)
		return invalfc(fc, "empty basedir");
	err = kern_path(name, LOOKUP_FOLLOW | LOOKUP_DIRECTORY, &path);
	if (err) {
		errorfc(fc, "failed to resolve '%s': %d", name, err);
		/* As in 2022; but only what the option is to blame for. */
		return err == -ENOMEM || err == -EINTR ? err : -EINVAL;
	}
	mnt = clone_private_mount(&path);
	path_put(&path);
	if (IS_ERR(mnt)) {
		errorfc(fc, "cannot clone the mount of '%s': %ld", name,
			PTR_ERR(mnt));
		return PTR_ERR(mnt);
	}
	mnt->mnt_flags &= ~(MNT_NOATIME | MNT_NODIRATIME | MNT_RELATIME);
	mnt->mnt_flags |= MNT_READONLY | MNT_NOATIME;

	sb = mnt->mnt_sb;
	dir->mnt = mnt;
	dirs->mounts[dirs->n] = mnt;
	dir->is_trigger = !strcmp(sb->s_type->name, "fuse");
	dirs->n_object_dirs += !dir->is_trigger;
	dirs->stack_depth = max(dirs->stack_depth, sb->s_stack_depth);
	dirs->n++;
	return 0;
}

/**
 * cfs_basedirs_open() - resolve basedir=
 * @fc: for its log
 * @option: copied
 *
 * In the caller's namespace and with the caller's credentials.
 *
 * Return: a set with one reference, or ERR_PTR(), explained in the context's log.
 */
struct cfs_basedirs *cfs_basedirs_open(struct fs_context *fc,
				       const char *option)
{
	unsigned int n = count_elements(option);
	struct cfs_basedirs *dirs;
	char *copy, *rest;
	int err;

	err = cfs_basedirs_check_count(fc, option, 0);
	if (err)
		return ERR_PTR(err);
	dirs = kzalloc(struct_size(dirs, dirs, n), GFP_KERNEL);
	if (!dirs)
		return ERR_PTR(-ENOMEM);
	refcount_set(&dirs->refs, 1);
	dirs->option = kstrdup(option, GFP_KERNEL);
	dirs->mounts = kcalloc(n, sizeof(*dirs->mounts), GFP_KERNEL);
	copy = kstrdup(option, GFP_KERNEL);
	err = dirs->option && dirs->mounts && copy ? 0 : -ENOMEM;
	for (rest = copy; !err && rest;)
		err = open_basedir(fc, next_element(&rest), dirs);
	kfree(copy);
	if (err) {
		cfs_basedirs_put(dirs);
		return ERR_PTR(err);
	}
	return dirs;
}

/**
 * cfs_basedirs_put() - drop a reference; may sleep
 * @dirs: NULL is fine
 */
void cfs_basedirs_put(struct cfs_basedirs *dirs)
{
	if (!dirs || !refcount_dec_and_test(&dirs->refs))
		return;
	if (dirs->n > 0)
		kern_unmount_array(dirs->mounts, dirs->n);
	kfree(dirs->mounts);
	kfree(dirs->option);
	kfree(dirs);
}

/**
 * cfs_basedirs_get() - the set that is in force now
 * @fs: the mount
 *
 * Return: a reference to it, or NULL if the mount has no basedir.
 */
struct cfs_basedirs *cfs_basedirs_get(struct cfs_fs *fs)
{
	struct cfs_basedirs *dirs;

	spin_lock(&fs->lock);
	dirs = fs->basedirs;
	if (dirs)
		refcount_inc(&dirs->refs);
	spin_unlock(&fs->lock);
	return dirs;
}
