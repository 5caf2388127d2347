// SPDX-License-Identifier: GPL-2.0
/*
 * What an inode remembers of its object: path and digest, and where it was found.
 *
 * The place (hit) only saves the path walk.  Whatever is opened there is
 * checked like any other file, so a stale hit costs time and nothing else.  A
 * miss is never remembered.
 */
#include <linux/dcache.h>
#include <linux/slab.h>

#include "internal.h"

/* Scratch space for reading an object's name: too big for the stack. */
struct scratch {
	struct cfs_xattr xattr;
	struct cfs_backing backing;
};

static struct cfs_object *read_object(struct inode *inode,
				      struct scratch *scratch)
{
	const struct cfs_backing *backing = &scratch->backing;
	struct cfs_object *object;
	int err;

	err = cfs_backing_read(&cfs_fs(inode->i_sb)->image,
			       &cfs_info(inode)->disk, &scratch->xattr,
			       &scratch->backing);
	if (err)
		return ERR_PTR(cfs_image_error(inode->i_sb,
					       cfs_info(inode)->disk.nid,
					       "object name", err));
	object = kzalloc(struct_size(object, path, backing->path_len + 1),
			 GFP_KERNEL_ACCOUNT);
	if (!object)
		return ERR_PTR(-ENOMEM);
	object->has_digest = backing->has_digest;
	memcpy(object->digest, backing->digest, sizeof(object->digest));
	memcpy(object->path, backing->path, backing->path_len);
	return object;
}

/**
 * cfs_object_get() - the object that is a file's content
 * @inode: one that cfs_inode_has_backing()
 *
 * Return: borrowed, constant as long as the inode lives; or ERR_PTR().
 */
const struct cfs_object *cfs_object_get(struct inode *inode)
{
	struct cfs_inode_info *info = cfs_info(inode);
	struct cfs_object *object, *other;
	struct scratch *scratch;

	/* Pairs with the release below: who sees the pointer sees the contents. */
	object = smp_load_acquire(&info->object);
	if (object)
		return object;
	scratch = kmalloc(sizeof(*scratch), GFP_KERNEL);
	if (!scratch)
		return ERR_PTR(-ENOMEM);
	object = read_object(inode, scratch);
	kfree(scratch);
	if (IS_ERR(object))
		return object;
	other = cmpxchg_release(&info->object, NULL, object);
	if (!other)
		return object;
	kfree(object);
	/* As above: a cmpxchg that fails orders nothing. */
	return smp_load_acquire(&info->object);
}

/**
 * cfs_object_free() - with the inode's last reference gone; may sleep
 * @object: NULL is fine
 */
void cfs_object_free(struct cfs_object *object)
{
	if (!object)
		return;
	path_put(&object->hit);
	kfree(object);
}

/* Removed, or renamed: an object that was moved aside is still hashed there. */
static bool has_moved(const struct cfs_object *object)
{
	const struct dentry *dentry = object->hit.dentry;

	return d_unhashed(dentry) ||
	       READ_ONCE(dentry->d_parent) != object->hit_parent ||
	       READ_ONCE(dentry->d_name.hash_len) != object->hit_name;
}

/**
 * cfs_object_hit() - where was the object last found?
 * @inode: whose object
 * @generation: of the basedirs in force; a place in others doesn't count
 * @ret: a reference to the place; it still has its name
 *
 * Return: true if there is such a place.
 */
bool cfs_object_hit(struct inode *inode, u64 generation, struct path *ret)
{
	struct cfs_object *object = cfs_info(inode)->object;
	struct path stale = {};
	bool found = false;

	spin_lock(&inode->i_lock);
	if (object->hit.dentry) {
		if (object->hit_generation == generation &&
		    !has_moved(object)) {
			*ret = object->hit;
			path_get(ret);
			found = true;
		} else {
			swap(stale, object->hit);
		}
	}
	spin_unlock(&inode->i_lock);
	path_put(&stale);
	return found;
}

/**
 * cfs_object_drop_stale_hit() - let go of a place in basedirs that were replaced
 * @inode: whose object
 * @generation: of the basedirs in force
 *
 * remount can't reach the inodes in use: they do it when a file is closed, so that a
 * file system that is no basedir any more can be unmounted.
 */
void cfs_object_drop_stale_hit(struct inode *inode, u64 generation)
{
	struct cfs_object *object = cfs_info(inode)->object;
	struct path stale = {};

	if (READ_ONCE(object->hit_generation) == generation)
		return;
	spin_lock(&inode->i_lock);
	if (object->hit_generation != generation)
		swap(stale, object->hit);
	spin_unlock(&inode->i_lock);
	path_put(&stale);
}

/**
 * cfs_object_set_hit() - remember where the object was found and good
 * @inode: whose object
 * @generation: of the basedirs that @path is in
 * @path: borrowed; {} to forget
 */
void cfs_object_set_hit(struct inode *inode, u64 generation,
			const struct path *path)
{
	struct cfs_object *object = cfs_info(inode)->object;
	struct path old = *path;

	/* A network file system must be asked again each time. */
	if (path->dentry && (path->dentry->d_flags & DCACHE_OP_REVALIDATE))
		return;
	path_get(&old);
	spin_lock(&inode->i_lock);
	swap(old, object->hit);
	WRITE_ONCE(object->hit_generation, generation);
	if (path->dentry) {
		object->hit_parent = READ_ONCE(path->dentry->d_parent);
		object->hit_name = READ_ONCE(path->dentry->d_name.hash_len);
	}
	spin_unlock(&inode->i_lock);
	path_put(&old);
}
