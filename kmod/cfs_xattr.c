// SPDX-License-Identifier: GPL-2.0
/*
 * Extended attributes.  An inode's xattr body, right behind the inode:
 *
 *	| header, 12 bytes | reference * shared_count | entry | entry | ...
 *
 * A reference leads to an entry outside the inode, in units of 4 bytes from
 * the superblock's xattr_blkaddr.
 */
#include "cfs_image.h"
#include "cfs_read.h"

/* Header and longest name of an entry; ordinary bodies fit in whole. */
#define WINDOW_SIZE		(sizeof(struct cfs_xattr_entry) + 256)
#define REFERENCES_AT_ONCE	32

#define OVERLAY_PREFIX		"trusted.overlay."
#define ESCAPED_PREFIX		"trusted.overlay.overlay."

/* Bytes of the image that were copied together: most calls need one copy. */
struct window {
	u64 offset;
	u32 len;
	u8 bytes[WINDOW_SIZE];
};

static const struct {
	const char *text;
	u32 len;
} prefixes[] = {
#define PREFIX(text)	{ text, sizeof(text) - 1 }
	[CFS_XATTR_INDEX_NONE] = PREFIX(""),
	[CFS_XATTR_INDEX_USER] = PREFIX("user."),
	[CFS_XATTR_INDEX_ACL_ACCESS] = PREFIX("system.posix_acl_access"),
	[CFS_XATTR_INDEX_ACL_DEFAULT] = PREFIX("system.posix_acl_default"),
	[CFS_XATTR_INDEX_TRUSTED] = PREFIX("trusted."),
	[CFS_XATTR_INDEX_LUSTRE] = PREFIX("lustre."),
	[CFS_XATTR_INDEX_SECURITY] = PREFIX("security."),
#undef PREFIX
};

#define PREFIX_COUNT	(sizeof(prefixes) / sizeof(prefixes[0]))

/* Have @len bytes at @offset in the window; none at @limit or behind it. */
static int window_get(const struct cfs_image *image, struct window *window,
		      u64 offset, u32 len, u64 limit, const u8 **ret)
{
	u64 fill = WINDOW_SIZE;
	int err;

	if (offset > limit || len > limit - offset)
		return -EFSCORRUPTED;
	if (offset < window->offset || offset > window->offset + window->len ||
	    len > window->offset + window->len - offset) {
		if (fill > limit - offset)
			fill = limit - offset;
		window->len = 0;
		err = cfs_read(image, offset, window->bytes, (size_t)fill);
		if (err)
			return err;
		window->offset = offset;
		window->len = (u32)fill;
	}
	*ret = window->bytes + (offset - window->offset);
	return 0;
}

/*
 * Decode the entry at @offset, which must end before @limit.  *@ret_next is
 * where the one behind it would begin.
 */
static int get_entry(const struct cfs_image *image, struct window *window,
		     u64 offset, u64 limit, struct cfs_xattr *ret,
		     u64 *ret_next)
{
	struct cfs_xattr_entry entry;
	const u8 *bytes;
	u32 prefix_len;
	int err;

	err = window_get(image, window, offset, sizeof(entry), limit, &bytes);
	if (err)
		return err;
	memcpy(&entry, bytes, sizeof(entry));
	if (entry.index >= PREFIX_COUNT)
		return -EOPNOTSUPP;
	err = window_get(image, window, offset,
			 (u32)sizeof(entry) + entry.name_len, limit, &bytes);
	if (err)
		return err;
	bytes += sizeof(entry);
	if (memchr(bytes, '\0', entry.name_len))
		return -EFSCORRUPTED;

	prefix_len = prefixes[entry.index].len;
	memcpy(ret->name, prefixes[entry.index].text, prefix_len);
	memcpy(ret->name + prefix_len, bytes, entry.name_len);
	ret->name_len = prefix_len + entry.name_len;
	ret->name[ret->name_len] = '\0';
	if (ret->name_len == 0)
		return -EFSCORRUPTED;
	ret->index = entry.index;
	ret->value_len = le16_to_cpu(entry.value_len);
	ret->value_offset = offset + sizeof(entry) + entry.name_len;
	if (ret->value_len > limit - ret->value_offset)
		return -EFSCORRUPTED;
	*ret_next = (ret->value_offset + ret->value_len + 3) & ~(u64)3;
	return 0;
}

static int visit_inline(const struct cfs_image *image, struct window *window,
			u64 offset, u64 end, struct cfs_xattr *scratch,
			cfs_xattr_fn fn, void *context)
{
	while (offset < end) {
		int err = get_entry(image, window, offset, end, scratch,
				    &offset);

		if (!err)
			err = fn(context, scratch);
		if (err)
			return err;
	}
	return 0;
}

static int visit_shared(const struct cfs_image *image, struct window *window,
			u64 offset, u32 count, struct cfs_xattr *scratch,
			cfs_xattr_fn fn, void *context)
{
	u64 base = (u64)image->xattr_blkaddr << CFS_BLOCK_BITS;
	__le32 references[REFERENCES_AT_ONCE];
	u32 i;

	for (i = 0; i < count; i++) {
		u32 slot = i % REFERENCES_AT_ONCE;
		u64 next;
		int err;

		if (slot == 0) {
			u32 n = count - i;

			if (n > REFERENCES_AT_ONCE)
				n = REFERENCES_AT_ONCE;
			err = cfs_read(image, offset + i * sizeof(__le32),
				       references, n * sizeof(__le32));
			if (err)
				return err;
		}
		err = get_entry(image, window,
				base + (u64)le32_to_cpu(references[slot]) * 4,
				image->size, scratch, &next);
		if (!err)
			err = fn(context, scratch);
		if (err)
			return err;
	}
	return 0;
}

/*
 * Visit all xattrs, unless the name filter has all bits of @absent set: then
 * what the caller looks for is not among them.
 */
static int iterate(const struct cfs_image *image, const struct cfs_inode *inode,
		   u32 absent, struct cfs_xattr *scratch, cfs_xattr_fn fn,
		   void *context)
{
	u64 end = inode->xattr_offset + inode->xattr_len;
	u64 references = inode->xattr_offset + sizeof(struct cfs_xattr_header);
	struct window window = { .len = 0 };
	struct cfs_xattr_header header;
	const u8 *bytes;
	int err;

	if (inode->xattr_len == 0)
		return 0;
	err = window_get(image, &window, inode->xattr_offset, sizeof(header),
			 end, &bytes);
	if (err)
		return err;
	memcpy(&header, bytes, sizeof(header));
	if (absent && (le32_to_cpu(header.name_filter) & absent) == absent)
		return 0;
	if (header.shared_count > (end - references) / sizeof(__le32))
		return -EFSCORRUPTED;
	err = visit_inline(image, &window,
			   references + header.shared_count * sizeof(__le32),
			   end, scratch, fn, context);
	if (err)
		return err;
	return visit_shared(image, &window, references, header.shared_count,
			    scratch, fn, context);
}

int cfs_xattr_iterate(const struct cfs_image *image,
		      const struct cfs_inode *inode, struct cfs_xattr *scratch,
		      cfs_xattr_fn fn, void *context)
{
	return iterate(image, inode, 0, scratch, fn, context);
}

int cfs_xattr_value(const struct cfs_image *image,
		    const struct cfs_xattr *xattr, void *buf)
{
	return cfs_read(image, xattr->value_offset, buf, xattr->value_len);
}

static bool has_prefix(const char *name, const char *prefix)
{
	return strncmp(name, prefix, strlen(prefix)) == 0;
}

bool cfs_xattr_unescape(struct cfs_xattr *xattr)
{
	const u32 keep = sizeof(OVERLAY_PREFIX) - 1;
	const u32 drop = sizeof(ESCAPED_PREFIX) - sizeof(OVERLAY_PREFIX);

	if (!has_prefix(xattr->name, OVERLAY_PREFIX))
		return true;
	if (!has_prefix(xattr->name, ESCAPED_PREFIX))
		return false;
	xattr->name_len -= drop;
	memmove(xattr->name + keep, xattr->name + keep + drop,
		xattr->name_len - keep + 1);
	return true;
}

bool cfs_xattr_visible(struct cfs_xattr *xattr)
{
	if (xattr->index == CFS_XATTR_INDEX_NONE ||
	    xattr->index == CFS_XATTR_INDEX_LUSTRE)
		return false;
	return cfs_xattr_unescape(xattr);
}

static int match_visible(void *context, struct cfs_xattr *xattr)
{
	const char *name = context;

	return cfs_xattr_visible(xattr) && strcmp(xattr->name, name) == 0;
}

/* The name filter's bit for a stored name that a mounted tree shows. */
static u32 filter_bit(const char *name)
{
	u32 index;

	for (index = 1; index < PREFIX_COUNT; index++) {
		if (!has_prefix(name, prefixes[index].text))
			continue;
		name += prefixes[index].len;
		return 1U << (xxh32(name, strlen(name),
				    CFS_XATTR_FILTER_SEED + index) & 31);
	}
	return 0;
}

int cfs_xattr_get(const struct cfs_image *image, const struct cfs_inode *inode,
		  const char *name, struct cfs_xattr *ret)
{
	u32 absent = 0;
	int err;

	/* An escaped name is hashed in its escaped form: rare, just look. */
	if (image->has_xattr_filter && !has_prefix(name, OVERLAY_PREFIX))
		absent = filter_bit(name);
	err = iterate(image, inode, absent, ret, match_visible, (void *)name);
	if (err < 0)
		return err;
	return err > 0 ? 0 : -ENODATA;
}
