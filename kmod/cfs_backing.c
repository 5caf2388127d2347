// SPDX-License-Identifier: GPL-2.0
/*
 * Which object is a file's content?  Two overlayfs xattrs say so:
 *
 *	trusted.overlay.metacopy	the digest, or empty if it is not known
 *	trusted.overlay.redirect	'/' and the object's path below a basedir
 */
#include "cfs_image.h"
#include "cfs_read.h"

#define METACOPY_NAME	"trusted.overlay.metacopy"
#define REDIRECT_NAME	"trusted.overlay.redirect"

#define DIGEST_LEN_SHA512	64

struct search {
	const struct cfs_image *image;
	struct cfs_backing *ret;
	bool checked;
	bool saw_metacopy;
	bool saw_redirect;
};

static int read_digest(struct search *search, const struct cfs_xattr *xattr)
{
	const size_t header_len = offsetof(struct cfs_metacopy, digest);
	struct cfs_metacopy metacopy;
	int err;

	if (xattr->value_len == 0)
		return 0;		/* an object, but its digest is not known */
	if (xattr->value_len < header_len)
		return -EFSCORRUPTED;
	err = cfs_read(search->image, xattr->value_offset, &metacopy,
		       xattr->value_len < sizeof(metacopy) ? header_len :
							     sizeof(metacopy));
	if (err)
		return err;
	if (metacopy.version != 0 || metacopy.flags != 0 ||
	    metacopy.len != xattr->value_len)
		return -EFSCORRUPTED;
	if (metacopy.digest_algo == CFS_METACOPY_SHA512 &&
	    metacopy.len == header_len + DIGEST_LEN_SHA512)
		return -EOPNOTSUPP;
	if (metacopy.digest_algo == 0 && metacopy.len == header_len)
		return 0;
	if (metacopy.digest_algo != CFS_METACOPY_SHA256 ||
	    metacopy.len != sizeof(metacopy))
		return -EFSCORRUPTED;
	memcpy(search->ret->digest, metacopy.digest,
	       sizeof(search->ret->digest));
	search->ret->has_digest = true;
	return 0;
}

/* Every component has a name, and none leads upwards. */
static bool path_is_beneath(const char *path)
{
	for (;;) {
		const char *end = path;

		while (*end && *end != '/')
			end++;
		if (end == path || end - path > CFS_NAME_MAX)
			return false;
		if (path[0] == '.' && end - path == 1)
			return false;
		if (path[0] == '.' && path[1] == '.' && end - path == 2)
			return false;
		if (!*end)
			return true;
		path = end + 1;
	}
}

static int read_path(struct search *search, const struct cfs_xattr *xattr)
{
	struct cfs_backing *ret = search->ret;
	u32 len = xattr->value_len;
	u64 offset = xattr->value_offset;
	char first;
	int err;

	if (len == 0)
		return search->checked ? -EFSCORRUPTED : 0;
	err = cfs_read(search->image, offset, &first, 1);
	if (err)
		return err;
	if (first == '/') {
		offset++;
		len--;
	} else if (search->checked) {
		return -EFSCORRUPTED;
	}
	if (len >= sizeof(ret->path))
		return -EFSCORRUPTED;
	err = cfs_read(search->image, offset, ret->path, len);
	if (err)
		return err;
	if (memchr(ret->path, '\0', len))
		return -EFSCORRUPTED;
	ret->path[len] = '\0';
	ret->path_len = len;
	if (search->checked && !path_is_beneath(ret->path))
		return -EFSCORRUPTED;
	return 0;
}

static int visit(void *context, struct cfs_xattr *xattr)
{
	struct search *search = context;
	int err = 0;

	if (!search->saw_metacopy && strcmp(xattr->name, METACOPY_NAME) == 0) {
		search->saw_metacopy = true;
		err = read_digest(search, xattr);
		if ((err == -EFSCORRUPTED || err == -EOPNOTSUPP) &&
		    !search->checked)
			err = 0;
	} else if (!search->saw_redirect &&
		   strcmp(xattr->name, REDIRECT_NAME) == 0) {
		search->saw_redirect = true;
		err = read_path(search, xattr);
	}
	if (err)
		return err;
	return search->saw_metacopy && search->saw_redirect;
}

static int search_xattrs(const struct cfs_image *image,
			 const struct cfs_inode *inode, bool checked,
			 struct cfs_xattr *scratch, struct cfs_backing *ret)
{
	struct search search = {
		.image = image,
		.ret = ret,
		.checked = checked,
	};
	int err;

	if (!cfs_inode_has_backing(inode))
		return -EINVAL;
	ret->has_digest = false;
	ret->path_len = 0;
	ret->path[0] = '\0';
	err = cfs_xattr_iterate(image, inode, scratch, visit, &search);
	if (err < 0)
		return err;
	return checked && !search.saw_metacopy ? -EFSCORRUPTED : 0;
}

int cfs_backing_read(const struct cfs_image *image,
		     const struct cfs_inode *inode, struct cfs_xattr *scratch,
		     struct cfs_backing *ret)
{
	return search_xattrs(image, inode, true, scratch, ret);
}

int cfs_backing_read_unchecked(const struct cfs_image *image,
			       const struct cfs_inode *inode,
			       struct cfs_xattr *scratch,
			       struct cfs_backing *ret)
{
	return search_xattrs(image, inode, false, scratch, ret);
}
