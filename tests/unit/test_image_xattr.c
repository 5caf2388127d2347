// SPDX-License-Identifier: GPL-2.0-or-later
/* Xattrs and objects of files, and xattr bodies made to do harm. */
#include "tests/unit/tiny_image.h"

struct found {
	char names[8][CFS_XATTR_NAME_BUF];
	struct cfs_xattr first;
	unsigned int count;
};

static int find(void *context, struct cfs_xattr *xattr)
{
	struct found *found = context;

	if (found->count == 0)
		found->first = *xattr;
	CHECK_EQ(strlen(xattr->name), xattr->name_len);
	if (found->count < 8)
		strcpy(found->names[found->count], xattr->name);
	found->count++;
	return 0;
}

static int iterate(const struct cfs_image *image, struct found *found)
{
	struct cfs_xattr scratch;
	struct cfs_inode inode;
	int err = cfs_inode_read(image, TINY_NID(TINY_FILE), &inode);

	if (err)
		return err;
	found->count = 0;
	return cfs_xattr_iterate(image, &inode, &scratch, find, found);
}

static int backing(const struct cfs_image *image, bool checked,
		   struct cfs_backing *ret)
{
	struct cfs_xattr scratch;
	struct cfs_inode inode;
	int err = cfs_inode_read(image, TINY_NID(TINY_FILE), &inode);

	if (err)
		return err;
	return checked ? cfs_backing_read(image, &inode, &scratch, ret) :
			 cfs_backing_read_unchecked(image, &inode, &scratch,
						    ret);
}

static void test_inline_then_shared(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_xattr xattr;
	struct cfs_inode inode;
	struct cfs_image image;
	struct found found;
	char value[8];

	tiny_open(tiny, &image);
	tiny->reads = 0;
	CHECK_EQ(iterate(&image, &found), 0);
	CHECK_EQ(tiny->reads, 4);	/* inode, body, references, entry */
	CHECK_EQ(found.count, 3);
	CHECK(strcmp(found.names[0], "trusted.overlay.metacopy") == 0);
	CHECK(strcmp(found.names[1], "trusted.overlay.redirect") == 0);
	CHECK(strcmp(found.names[2], "security.selinux") == 0);

	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_FILE), &inode), 0);
	CHECK_EQ(cfs_xattr_get(&image, &inode, "security.selinux", &xattr), 0);
	CHECK_EQ(xattr.value_len, 4);
	CHECK_EQ(cfs_xattr_value(&image, &xattr, value), 0);
	CHECK(memcmp(value, "ctx", 4) == 0);
	tiny_free(tiny);
}

/* What is not there costs one read, and what is hidden is not there. */
static void test_absent_xattrs(void)
{
	static const char *const names[] = {
		"security.capability", "system.posix_acl_access", "user.x",
		"trusted.overlay.metacopy", "trusted.overlay.redirect",
		"lustre.x", "selinux", "",
	};
	struct tiny_image *tiny = tiny_make();
	struct cfs_xattr xattr;
	struct cfs_inode inode;
	struct cfs_image image;

	tiny_open(tiny, &image);
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_FILE), &inode), 0);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK_EQ(cfs_xattr_get(&image, &inode, names[i], &xattr),
			 -ENODATA);
	tiny->reads = 0;
	CHECK_EQ(cfs_xattr_get(&image, &inode, "security.capability", &xattr),
		 -ENODATA);
	CHECK_EQ(tiny->reads, 1);
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_INLINE), &inode), 0);
	tiny->reads = 0;
	CHECK_EQ(cfs_xattr_get(&image, &inode, "user.x", &xattr), -ENODATA);
	CHECK_EQ(tiny->reads, 0);
	tiny_free(tiny);
}

/* A filter that lies can hide an xattr, but an image without one can't. */
static void test_filter_is_used_only_where_it_is_valid(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_xattr xattr;
	struct cfs_inode inode;
	struct cfs_image image;

	tiny_poke(tiny, TINY_XATTRS, 4, 0xffffffff);
	tiny_open(tiny, &image);
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_FILE), &inode), 0);
	CHECK_EQ(cfs_xattr_get(&image, &inode, "security.selinux", &xattr),
		 -ENODATA);
	tiny_poke(tiny, CFS_SB_OFFSET +
		  offsetof(struct cfs_super, feature_compat), 4,
		  CFS_FEATURE_COMPAT_MTIME);
	tiny_open(tiny, &image);
	CHECK_EQ(cfs_xattr_get(&image, &inode, "security.selinux", &xattr), 0);
	tiny_free(tiny);
}

static void test_names_that_a_tree_shows(void)
{
	static const struct {
		u8 index;
		const char *stored;
		const char *shown;	/* NULL: hidden */
	} cases[] = {
		{ CFS_XATTR_INDEX_USER, "user.x", "user.x" },
		{ CFS_XATTR_INDEX_USER, "user.overlay.opaque", "user.overlay.opaque" },
		{ CFS_XATTR_INDEX_TRUSTED, "trusted.overlayx", "trusted.overlayx" },
		{ CFS_XATTR_INDEX_TRUSTED, "trusted.overlay.opaque", NULL },
		{ CFS_XATTR_INDEX_TRUSTED, "trusted.overlay.overlay.opaque", "trusted.overlay.opaque" },
		{ CFS_XATTR_INDEX_TRUSTED, "trusted.overlay.overlay.overlay.x", "trusted.overlay.overlay.x" },
		{ CFS_XATTR_INDEX_ACL_ACCESS, "system.posix_acl_access", "system.posix_acl_access" },
		{ CFS_XATTR_INDEX_NONE, "system.other", NULL },
		{ CFS_XATTR_INDEX_LUSTRE, "lustre.x", NULL },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cfs_xattr xattr = { .index = cases[i].index };

		strcpy(xattr.name, cases[i].stored);
		xattr.name_len = strlen(cases[i].stored);
		CHECK_EQ(cfs_xattr_visible(&xattr), cases[i].shown != NULL);
		if (cases[i].shown) {
			CHECK(strcmp(xattr.name, cases[i].shown) == 0);
			CHECK_EQ(xattr.name_len, strlen(cases[i].shown));
		}
	}
}

/* An escaped name is found under the name that the tree had. */
static void test_escaped_name_is_found(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_xattr xattr;
	struct cfs_inode inode;
	struct cfs_image image;

	/* "overlay.redirect" becomes "overlay.overlay." and an empty rest. */
	memcpy(tiny->bytes + TINY_REDIRECT + 4, "overlay.overlay.", 16);
	tiny_open(tiny, &image);
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_FILE), &inode), 0);
	CHECK_EQ(cfs_xattr_get(&image, &inode, "trusted.overlay.", &xattr), 0);
	CHECK_EQ(xattr.value_len, 66);
	tiny_free(tiny);
}

static void test_bad_xattrs_are_refused(void)
{
	static const struct {
		const char *why;
		size_t offset, width;
		u64 value;
		int expected;
	} cases[] = {
		{ "more references than the body", TINY_XATTRS + 4, 1, 255, -EFSCORRUPTED },
		{ "references over entries", TINY_XATTRS + 4, 1, 40, -EFSCORRUPTED },
		{ "unknown prefix", TINY_METACOPY + 1, 1, 7, -EOPNOTSUPP },
		{ "long prefix", TINY_METACOPY + 1, 1, 0x80, -EOPNOTSUPP },
		{ "name over the end", TINY_REDIRECT, 1, 255, -EFSCORRUPTED },
		{ "value over the end", TINY_REDIRECT + 2, 2, 70, -EFSCORRUPTED },
		{ "value 65535", TINY_REDIRECT + 2, 2, 65535, -EFSCORRUPTED },
		{ "NUL in a name", TINY_METACOPY + 8, 1, 0, -EFSCORRUPTED },
		{ "no name at all", TINY_METACOPY, 2, 0, -EFSCORRUPTED },
		{ "reference behind the end", TINY_REFERENCE, 4, TINY_SIZE / 4, -EFSCORRUPTED },
		{ "reference far behind the end", TINY_REFERENCE, 4, ~0U, -EFSCORRUPTED },
		{ "reference to the last bytes", TINY_REFERENCE, 4, TINY_SIZE / 4 - 1, -EFSCORRUPTED },
		{ "shared value over the end", TINY_SHARED_XATTR + 2, 2, 65535, -EFSCORRUPTED },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tiny_image *tiny = tiny_make();
		struct cfs_image image;
		struct found found;

		fprintf(stderr, "  %s\n", cases[i].why);
		tiny_open(tiny, &image);
		tiny_poke(tiny, cases[i].offset, cases[i].width,
			  cases[i].value);
		CHECK_EQ(iterate(&image, &found), cases[i].expected);
		tiny_free(tiny);
	}
}

/* A body without room for the reference it claims; behind it is a good one. */
static void test_reference_behind_the_body(void)
{
	const size_t body = TINY_INLINE + sizeof(struct cfs_inode_compact);
	struct tiny_image *tiny = tiny_make();
	struct cfs_xattr scratch;
	struct cfs_inode inode;
	struct cfs_image image;
	struct found found = { .count = 0 };

	tiny_poke(tiny, TINY_INLINE + 2, 2, 1);
	tiny_poke(tiny, body, 4, 0);
	tiny_poke(tiny, body + 4, 8, 1);
	tiny_poke(tiny, body + 12, 4, TINY_SHARED_XATTR / 4);
	tiny_open(tiny, &image);
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_INLINE), &inode), 0);
	CHECK_EQ(cfs_xattr_iterate(&image, &inode, &scratch, find, &found),
		 -EFSCORRUPTED);
	tiny_free(tiny);
}

/* References go wherever the superblock says that they count from. */
static void test_shared_area_far_away(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_image image;
	struct found found;

	tiny_poke(tiny, CFS_SB_OFFSET +
		  offsetof(struct cfs_super, xattr_blkaddr), 4, 0xffffffff);
	tiny_open(tiny, &image);
	CHECK_EQ(iterate(&image, &found), -EFSCORRUPTED);
	tiny_free(tiny);
}

/* The longest prefix with the longest suffix fits the name buffer. */
static void test_longest_name(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_image image;
	struct found found;

	memset(tiny->bytes + TINY_SHARED_XATTR, 'x', 4 + 255 + 4);
	tiny_poke(tiny, TINY_SHARED_XATTR, 1, 255);
	tiny_poke(tiny, TINY_SHARED_XATTR + 1, 1, CFS_XATTR_INDEX_ACL_DEFAULT);
	tiny_poke(tiny, TINY_SHARED_XATTR + 2, 2, 4);
	tiny_open(tiny, &image);
	CHECK_EQ(iterate(&image, &found), 0);
	CHECK_EQ(strlen(found.names[2]), 24 + 255);
	tiny_free(tiny);
}

static void test_object(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_backing object;
	struct cfs_xattr scratch;
	struct cfs_inode inode;
	struct cfs_image image;

	tiny_open(tiny, &image);
	CHECK_EQ(backing(&image, true, &object), 0);
	CHECK(object.has_digest);
	CHECK_EQ(object.digest[0], 0x5a);
	CHECK_EQ(object.digest[31], 0x79);
	CHECK(strcmp(object.path, TINY_OBJECT) == 0);
	CHECK_EQ(object.path_len, strlen(TINY_OBJECT));
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_INLINE), &inode), 0);
	CHECK_EQ(cfs_backing_read(&image, &inode, &scratch, &object), -EINVAL);
	tiny_free(tiny);
}

/* No digest: the writer did not know it. */
static void test_object_without_digest(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_backing object;
	struct cfs_image image;

	/* The rest of the value becomes an xattr of its own. */
	tiny_poke(tiny, TINY_METACOPY + 2, 2, 0);
	tiny_xattr(tiny->bytes, TINY_METACOPY_VALUE, CFS_XATTR_INDEX_USER, "",
		   NULL, 32);
	tiny_open(tiny, &image);
	CHECK_EQ(backing(&image, true, &object), 0);
	CHECK(!object.has_digest);
	CHECK(strcmp(object.path, TINY_OBJECT) == 0);
	tiny_free(tiny);
}

static void test_bad_digest_is_refused(void)
{
	static const struct {
		const char *why;
		size_t offset, width;
		u64 value;
		int expected;
	} cases[] = {
		{ "version 1", TINY_METACOPY_VALUE, 1, 1, -EFSCORRUPTED },
		{ "wrong length", TINY_METACOPY_VALUE + 1, 1, 35, -EFSCORRUPTED },
		{ "flags", TINY_METACOPY_VALUE + 2, 1, 1, -EFSCORRUPTED },
		{ "algorithm 0", TINY_METACOPY_VALUE + 3, 1, 0, -EFSCORRUPTED },
		{ "algorithm 3", TINY_METACOPY_VALUE + 3, 1, 3, -EFSCORRUPTED },
		{ "SHA-512 of 32 bytes", TINY_METACOPY_VALUE + 3, 1, 2, -EFSCORRUPTED },
		{ "value of 33 bytes", TINY_METACOPY + 2, 2, 33, -EFSCORRUPTED },
		{ "value of 3 bytes", TINY_METACOPY + 2, 2, 3, -EFSCORRUPTED },
		{ "metacopy under another name", TINY_METACOPY + 4, 1, 'x', -EFSCORRUPTED },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tiny_image *tiny = tiny_make();
		struct cfs_backing object;
		struct cfs_image image;

		fprintf(stderr, "  %s\n", cases[i].why);
		tiny_open(tiny, &image);
		tiny_poke(tiny, cases[i].offset, cases[i].width,
			  cases[i].value);
		CHECK_EQ(backing(&image, true, &object), cases[i].expected);
		tiny_free(tiny);
	}
}

/* Known, but not read yet: not the same as damaged. */
static void test_sha512_is_not_supported(void)
{
	static const u8 metacopy[68] = { 0, 68, 0, CFS_METACOPY_SHA512 };
	struct tiny_image *tiny = tiny_make();
	struct cfs_backing object;
	struct cfs_image image;

	tiny_poke(tiny, TINY_METACOPY + 4, 1, 'x');
	tiny_xattr(tiny->bytes, TINY_SHARED_XATTR, CFS_XATTR_INDEX_TRUSTED,
		   "overlay.metacopy", metacopy, sizeof(metacopy));
	tiny_open(tiny, &image);
	CHECK_EQ(backing(&image, true, &object), -EOPNOTSUPP);
	CHECK_EQ(backing(&image, false, &object), 0);
	CHECK(!object.has_digest);
	CHECK(strcmp(object.path, TINY_OBJECT) == 0);
	tiny_free(tiny);
}

/* Another redirect; what is left of its 68 bytes becomes another xattr. */
static void set_path(struct tiny_image *tiny, const char *path)
{
	size_t end = (strlen(path) + 3) & ~3UL;

	memset(tiny->bytes + TINY_REDIRECT_VALUE, 0, 68);
	tiny_xattr(tiny->bytes, TINY_REDIRECT, CFS_XATTR_INDEX_TRUSTED,
		   "overlay.redirect", path, strlen(path));
	tiny_xattr(tiny->bytes, TINY_REDIRECT_VALUE + end, CFS_XATTR_INDEX_USER,
		   "", NULL, 68 - 4 - end);
}

/* A path that leaves the basedir, or that could mean two things. */
static void test_bad_path_is_refused(void)
{
	static const char *const bad[] = {
		"", "/", "aa/bb", "//aa", "/aa/", "/aa//bb", "/.", "/..",
		"/../etc/shadow", "/aa/../../etc/shadow", "/aa/.", "/./aa",
		"/aa/..",
	};
	static const char *const good[] = {
		"/a", "/aa/bb", "/...", "/..a", "/.a", "/a/b/c/d",
	};
	struct tiny_image *tiny = tiny_make();
	struct cfs_backing object;
	struct cfs_image image;

	tiny_open(tiny, &image);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		fprintf(stderr, "  %s\n", bad[i]);
		set_path(tiny, bad[i]);
		CHECK_EQ(backing(&image, true, &object), -EFSCORRUPTED);
		CHECK_EQ(backing(&image, false, &object), 0);
		CHECK(strcmp(object.path,
			     bad[i] + (bad[i][0] == '/' ? 1 : 0)) == 0);
	}
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		set_path(tiny, good[i]);
		CHECK_EQ(backing(&image, true, &object), 0);
		CHECK(strcmp(object.path, good[i] + 1) == 0);
	}
	tiny_free(tiny);
}

static void test_nul_in_a_path_is_refused(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_backing object;
	struct cfs_image image;

	tiny_open(tiny, &image);
	tiny_poke(tiny, TINY_REDIRECT_VALUE + 10, 1, 0);
	CHECK_EQ(backing(&image, true, &object), -EFSCORRUPTED);
	CHECK_EQ(backing(&image, false, &object), -EFSCORRUPTED);
	tiny_free(tiny);
}

/* A path is at most 4095 bytes; this one is longer by one, and fills a body. */
static void test_longest_path(void)
{
	for (unsigned int len = 4096; len <= 4097; len++) {
		struct tiny_image *tiny = tiny_make();
		struct cfs_backing object;
		struct cfs_image image;
		u8 *value = tiny->bytes + TINY_SHARED_XATTR + 4 + 16;

		tiny_xattr(tiny->bytes, TINY_SHARED_XATTR, 4,
			   "overlay.redirect", NULL, 0);
		tiny_poke(tiny, TINY_SHARED_XATTR + 2, 2, len);
		for (unsigned int i = 0; i < len; i++)
			value[i] = i % 2 ? 'a' : '/';
		value[len - 1] = 'a';
		value[len - 2] = 'a';
		/* The inline redirect gets another name. */
		tiny_poke(tiny, TINY_REDIRECT + 4, 1, 'x');
		tiny_open(tiny, &image);
		CHECK_EQ(backing(&image, true, &object),
			 len == 4096 ? 0 : -EFSCORRUPTED);
		tiny_free(tiny);
	}
}

RUN_TESTS(T(test_inline_then_shared),
	  T(test_absent_xattrs),
	  T(test_filter_is_used_only_where_it_is_valid),
	  T(test_names_that_a_tree_shows),
	  T(test_escaped_name_is_found),
	  T(test_bad_xattrs_are_refused),
	  T(test_reference_behind_the_body),
	  T(test_shared_area_far_away),
	  T(test_longest_name),
	  T(test_object),
	  T(test_object_without_digest),
	  T(test_bad_digest_is_refused),
	  T(test_sha512_is_not_supported),
	  T(test_bad_path_is_refused),
	  T(test_nul_in_a_path_is_refused),
	  T(test_longest_path))
