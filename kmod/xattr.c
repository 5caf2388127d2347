// SPDX-License-Identifier: GPL-2.0
/*
 * Extended attributes, as overlayfs on the same image would show them: the
 * image's own trusted.overlay.* are hidden, the tree's are unescaped.
 */
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/posix_acl.h>
#include <linux/posix_acl_xattr.h>
#include <linux/slab.h>

#include "internal.h"

/* Return: the value's length, also if @size is 0; -ERANGE if it is too small. */
static int get_value(struct inode *inode, const char *name, void *buf,
		     size_t size)
{
	struct cfs_fs *fs = cfs_fs(inode->i_sb);
	const struct cfs_inode *disk = &cfs_info(inode)->disk;
	struct cfs_xattr xattr;
	int err;

	if (!disk->xattr_len)
		return -ENODATA;
	err = cfs_xattr_get(&fs->image, disk, name, &xattr);
	if (!err && size > 0)
		err = size < xattr.value_len ? -ERANGE :
			cfs_xattr_value(&fs->image, &xattr, buf);
	if (!err)
		return xattr.value_len;
	if (err == -ENODATA || err == -ERANGE)
		return err;
	return cfs_image_error(inode->i_sb, disk->nid, "xattr", err);
}

static int get(const struct xattr_handler *handler, struct dentry *dentry,
	       struct inode *inode, const char *name, void *buf, size_t size)
{
	return get_value(inode, xattr_full_name(handler, name), buf, size);
}

#define HANDLER(id, text) \
	static const struct xattr_handler id = { .prefix = text, .get = get }

HANDLER(user_handler, XATTR_USER_PREFIX);
HANDLER(trusted_handler, XATTR_TRUSTED_PREFIX);
HANDLER(security_handler, XATTR_SECURITY_PREFIX);

const struct xattr_handler * const cfs_xattr_handlers[] = {
	&user_handler,
	&trusted_handler,
	&security_handler,
	NULL
};

struct list {
	struct inode *inode;
	char *buf;
	size_t size;		/* 0: only count */
	size_t used;
	bool show_trusted;
};

static bool is_listed(const struct list *list, const struct cfs_xattr *xattr)
{
	switch (xattr->index) {
	case CFS_XATTR_INDEX_ACL_ACCESS:
	case CFS_XATTR_INDEX_ACL_DEFAULT:
		return IS_POSIXACL(list->inode);
	case CFS_XATTR_INDEX_TRUSTED:
		return list->show_trusted;
	default:
		return true;
	}
}

static int list_one(void *context, struct cfs_xattr *xattr)
{
	struct list *list = context;
	size_t len;

	if (!cfs_xattr_visible(xattr) || !is_listed(list, xattr))
		return 0;
	len = xattr->name_len + 1;
	if (list->size > 0) {
		if (len > list->size - list->used)
			return -ERANGE;
		memcpy(list->buf + list->used, xattr->name, len);
	}
	list->used += len;
	return 0;
}

/**
 * cfs_listxattr() - the names that an inode shows to the caller
 * @dentry: of the inode
 * @buf: filled with names, a NUL behind each
 * @size: of @buf; 0 only asks for the length
 *
 * Return: length of the list, -ERANGE if @buf is too small, or -EFSCORRUPTED.
 */
ssize_t cfs_listxattr(struct dentry *dentry, char *buf, size_t size)
{
	struct inode *inode = d_inode(dentry);
	struct cfs_fs *fs = cfs_fs(inode->i_sb);
	const struct cfs_inode *disk = &cfs_info(inode)->disk;
	struct list list = {
		.inode = inode,
		.buf = buf,
		.size = size,
		/* Only a question: no audit record if the answer is no. */
		.show_trusted = ns_capable_noaudit(&init_user_ns,
						   CAP_SYS_ADMIN),
	};
	struct cfs_xattr xattr;
	int err;

	if (!disk->xattr_len)
		return 0;
	err = cfs_xattr_iterate(&fs->image, disk, &xattr, list_one, &list);
	if (!err)
		return list.used;
	if (err == -ERANGE)
		return err;
	return cfs_image_error(inode->i_sb, disk->nid, "xattr", err);
}

/**
 * cfs_get_inode_acl() - a POSIX ACL of the image
 * @inode: whose
 * @type: ACL_TYPE_ACCESS or ACL_TYPE_DEFAULT
 * @rcu: the caller must not sleep: no answer
 *
 * The VFS keeps it with the inode.  Without ACLs in the image it never asks:
 * SB_POSIXACL is not set then.
 */
struct posix_acl *cfs_get_inode_acl(struct inode *inode, int type, bool rcu)
{
	const char *name = posix_acl_xattr_name(type);
	struct posix_acl *acl;
	size_t size;
	void *value;
	int len;

	if (rcu)
		return ERR_PTR(-ECHILD);
	len = get_value(inode, name, NULL, 0);
	if (len == -ENODATA)
		return NULL;
	if (len < 0)
		return ERR_PTR(len);
	/* The file may change meanwhile; and a size of 0 would only ask again. */
	size = len + 1;
	value = kvmalloc(size, GFP_KERNEL);
	if (!value)
		return ERR_PTR(-ENOMEM);
	len = get_value(inode, name, value, size);
	if (len == -ERANGE)	/* it did */
		len = cfs_image_error(inode->i_sb, cfs_info(inode)->disk.nid,
				      "ACL", -EFSCORRUPTED);
	acl = len < 0 ? ERR_PTR(len) :
		posix_acl_from_xattr(&init_user_ns, value, len);
	kvfree(value);
	/*
	 * get_value() has explained its own errors.  The caller gets what overlayfs
	 * would give it.
	 */
	if (len >= 0 && IS_ERR(acl) && PTR_ERR(acl) != -ENOMEM)
		cfs_image_error(inode->i_sb, cfs_info(inode)->disk.nid, "ACL",
				-EFSCORRUPTED);
	return acl;
}
