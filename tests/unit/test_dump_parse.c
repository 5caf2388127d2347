// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/build/dump_parse.h"

#include <errno.h>
#include <string.h>

#include "cache/base/errmsg.h"
#include "cache/build/tree.h"
#include "tests/unit/test.h"

#define ROOT	"/ 4096 40755 2 0 0 0 0.0 - - -\n"
#define F	" 0 100644 1 0 0 0 0.0 - - -"
#define D	" 0 40755 2 0 0 0 0.0 - - -"
#define HEX	"000102030405060708090a0b0c0d0e0f"	\
		"101112131415161718191A1B1C1D1E1F"

static int parse(const char *dump, size_t len, unsigned int flags,
		 struct cfs_tree *tree, struct errmsg *msg)
{
	/* At the end of its own allocation, so that a sanitizer sees over-reads. */
	char *copy = malloc(len ? len : 1);
	int err;

	CHECK(copy);
	memcpy(copy, dump, len);
	*tree = (struct cfs_tree){ 0 };
	*msg = (struct errmsg){ "" };
	err = cfs_dump_parse(copy, len, flags, tree, msg);
	free(copy);
	return err;
}

static void test_valid_dumps_are_read(void)
{
	static const struct {
		const char *name;
		const char *dump;
	} cases[] = {
		{ "a root alone", ROOT },
		{ "no newline at the end", "/ 0 40755 2 0 0 0 0.0 - - -" },
		{ "a space at the end", ROOT "/a" F " \n" },
		{ "no leading slash", ROOT "a" F "\n" },
		{ "repeated slashes", ROOT "/d" D "\n" "//d///a" F "\n" },
		{ "escaped slash separates", ROOT "/d" D "\n/d\\x2fa" F "\n" },
		{ "names that begin with dots", ROOT "/..." F "\n/..a" F "\n" },
		{ "raw bytes above 0x7f", ROOT "/\xc3\xa9" F "\n" },
		{ "escapes", ROOT "/a\\\\\\n\\r\\t\\x20\\xfF" F "\n" },
		{ "seconds before 1970", ROOT "/a 0 100644 1 0 0 0 -5.3 - - -\n" },
		{ "the largest numbers",
		  ROOT "/a 18446744073709551615 10644 4294967295 4294967295"
		  " 4294967295 4294967295 9223372036854775807.999999999"
		  " - - -\n" },
		{ "digest in both cases", ROOT "/a 9 100644 1 0 0 0 0.0 aa/b - "
		  HEX "\n" },
		{ "a lone dash, escaped", ROOT "/a 1 100644 1 0 0 0 0.0 - \\x2d -\n" },
		{ "empty content", ROOT "/a 0 100644 1 0 0 0 0.0 -  -\n" },
		{ "empty payload", ROOT "/a 5 100644 1 0 0 0 0.0  - -\n" },
		{ "content of no regular file", ROOT "/a 2 10644 1 0 0 0 0.0 - xx -\n" },
		{ "xattrs", ROOT "/a" F " user.a=1 user.b= x\\x3d=y=z\n" },
		{ "an xattr twice", ROOT "/a" F " user.a=1 user.a=2\n" },
		{ "a link to a later line",
		  ROOT "/a - @100644 - - - - - /b\n/b" F "\n" },
		{ "a link to a link", ROOT "/a - @100644 - - - - - /b - -\n"
		  "/b - @100644 - - - - - //c/ - - junk\n/c" F "\n" },
		{ "a link without leading slash",
		  ROOT "/a" F "\n/b 0 @120777 - - - - - a\n" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cfs_tree tree;
		struct errmsg msg;
		int err = parse(cases[i].dump, strlen(cases[i].dump), 0, &tree,
				&msg);

		fprintf(stderr, "  %s: %s\n", cases[i].name, msg.text);
		CHECK_EQ(err, 0);
		CHECK(tree.root);
		cfs_tree_release(&tree);
	}
}

static void test_invalid_dumps_are_refused_with_their_line(void)
{
	static const struct {
		const char *name;
		const char *dump;
		const char *line;	/* "" if the fault is in none */
	} cases[] = {
		{ "nothing", "", "" },
		{ "a blank line", ROOT "\n", "line 2:" },
		{ "no root", "/a" F "\n", "line 1:" },
		{ "two slashes are not the root", "//" D "\n", "line 1:" },
		{ "two roots", ROOT ROOT, "line 2:" },
		{ "a root that is a file", "/" F "\n", "line 1:" },
		{ "a root that is a link", "/ 0 @100644 - - - - - /a\n", "line 1:" },
		{ "a field is missing", ROOT "/a 0 100644 1 0 0 0 0.0 - -\n", "line 2:" },
		{ "only a path", ROOT "/a\n", "line 2:" },
		{ "a double space", ROOT "/a  0 100644 1 0 0 0 0.0 - - -\n", "line 2:" },
		{ "a carriage return", ROOT "/a" F "\r\n", "line 2:" },
		{ "the same name twice", ROOT "/a" F "\n/a" F "\n", "line 3:" },
		{ "no parent", ROOT "/d/a" F "\n", "line 2:" },
		{ "a parent that comes later", ROOT "/d/a" F "\n/d" D "\n", "line 2:" },
		{ "a parent that is a file", ROOT "/d" F "\n/d/a" F "\n", "line 3:" },
		{ "a parent that is a link",
		  ROOT "/e" F "\n/d - @100644 - - - - - /e\n/d/a" F "\n", "line 4:" },
		{ "a slash at the end", ROOT "/a/" F "\n", "line 2:" },
		{ "the name .", ROOT "/." F "\n", "line 2:" },
		{ "the name ..", ROOT "/.." F "\n", "line 2:" },
		{ "the directory ..", ROOT "/../a" F "\n", "line 2:" },
		{ "a NUL in the path", ROOT "/a\\x00b" F "\n", "line 2:" },
		{ "an escape of nothing", ROOT "/a\\q" F "\n", "line 2:" },
		{ "an escape cut off", ROOT "/a\\x2 0" F "\n", "line 2:" },
		{ "a backslash at the end", ROOT "/a\\" F "\n", "line 2:" },
		{ "a size with a sign", ROOT "/a +1 100644 1 0 0 0 0.0 - - -\n", "line 2:" },
		{ "a size that is negative", ROOT "/a -1 100644 1 0 0 0 0.0 - - -\n", "line 2:" },
		{ "a size that is empty", "/a" " " " 100644 1 0 0 0 0.0 - - -\n", "line 1:" },
		{ "a size that overflows",
		  ROOT "/a 18446744073709551616 100644 1 0 0 0 0.0 - - -\n", "line 2:" },
		{ "a size in hex", ROOT "/a 0x1 100644 1 0 0 0 0.0 - - -\n", "line 2:" },
		{ "a mode that is not octal", ROOT "/a 0 100684 1 0 0 0 0.0 - - -\n", "line 2:" },
		{ "a mode without type", ROOT "/a 0 644 1 0 0 0 0.0 - - -\n", "line 2:" },
		{ "a mode of no type", ROOT "/a 0 30644 1 0 0 0 0.0 - - -\n", "line 2:" },
		{ "a mode with more bits", ROOT "/a 0 1100644 1 0 0 0 0.0 - - -\n", "line 2:" },
		{ "a uid above 32 bits", ROOT "/a 0 100644 1 4294967296 0 0 0.0 - - -\n", "line 2:" },
		{ "a time without nanoseconds", ROOT "/a 0 100644 1 0 0 0 1 - - -\n", "line 2:" },
		{ "a time with empty nanoseconds", ROOT "/a 0 100644 1 0 0 0 1. - - -\n", "line 2:" },
		{ "too many nanoseconds", ROOT "/a 0 100644 1 0 0 0 1.1000000000 - - -\n", "line 2:" },
		{ "seconds beyond 64 bits",
		  ROOT "/a 0 100644 1 0 0 0 9223372036854775808.0 - - -\n", "line 2:" },
		{ "a symlink without target", ROOT "/a 0 120777 1 0 0 0 0.0 - - -\n", "line 2:" },
		{ "a symlink with an empty target", ROOT "/a 0 120777 1 0 0 0 0.0  - -\n", "line 2:" },
		{ "a NUL in the payload", ROOT "/a 9 100644 1 0 0 0 0.0 a\\x00 - -\n", "line 2:" },
		{ "content of another length", ROOT "/a 3 100644 1 0 0 0 0.0 - hi -\n", "line 2:" },
		{ "content of a directory", ROOT "/a 0 40755 1 0 0 0 0.0 - hi -\n", "line 2:" },
		{ "a short digest", ROOT "/a 9 100644 1 0 0 0 0.0 - - abcd\n", "line 2:" },
		{ "a digest with a wrong digit",
		  ROOT "/a 9 100644 1 0 0 0 0.0 - - "
		  "g00102030405060708090a0b0c0d0e0f"
		  "101112131415161718191a1b1c1d1e1f\n", "line 2:" },
		{ "an empty digest", ROOT "/a 9 100644 1 0 0 0 0.0 - - \n", "line 2:" },
		{ "a bad digest of a directory", ROOT "/a 0 40755 1 0 0 0 0.0 - - x\n", "line 2:" },
		{ "an xattr without =", ROOT "/a" F " user.a\n", "line 2:" },
		{ "an xattr without name", ROOT "/a" F " =x\n", "line 2:" },
		{ "two spaces before an xattr", ROOT "/a" F "  user.a=x\n", "line 2:" },
		{ "a NUL in an xattr's name", ROOT "/a" F " user.\\x00=x\n", "line 2:" },
		{ "a link to nothing", ROOT "/a - @100644 - - - - - /b\n" "/c" F "\n", "line 2:" },
		{ "a link to itself", ROOT "/a - @100644 - - - - - /a\n", "line 2:" },
		{ "links in a circle", ROOT "/a - @100644 - - - - - /b\n"
		  "/b - @100644 - - - - - /a\n", "line 2:" },
		{ "a link into a circle", ROOT "/a - @100644 - - - - - /b\n"
		  "/b - @100644 - - - - - /c\n/c - @100644 - - - - - /b\n", "line 2:" },
		{ "a link to a directory", ROOT "/d" D "\n/a - @100644 - - - - - /d\n", "line 3:" },
		{ "a link to the root", ROOT "/a - @100644 - - - - - /\n", "line 2:" },
		{ "a link to a whiteout", ROOT "/a 0 20644 2 0 0 0 0.0 - - -\n/b - @20644 - - - - - /a\n", "line 3:" },
		{ "a link to a later whiteout", ROOT "/a - @20644 - - - - - /b\n/b 0 20644 2 0 0 0 0.0 - - -\n", "line 2:" },
		{ "a link to a whiteout's link", ROOT "/d" D "\n/d/x 0 20000 3 0 0 0 0.0 - - -\n"
		  "/a - @120000 - - - - - /b\n/b - @120000 - - - - - /d/x\n", "line 4:" },
		{ "a link to a whiteout by trusted xattr",
		  ROOT "/a 0 100644 2 0 0 0 0.0 - - - trusted.overlay.whiteout=\n/b - @100644 - - - - - /a\n", "line 3:" },
		{ "a link to a whiteout by user xattr",
		  ROOT "/a 0 100644 2 0 0 0 0.0 - - - user.overlay.whiteout=y\n/b - @100644 - - - - - /a\n", "line 3:" },
		{ "a link that is a directory", ROOT "/d" D "\n/a - @40755 - - - - - /d\n", "line 3:" },
		{ "a link without target", ROOT "/a - @100644 - - - - - -\n", "line 2:" },
		{ "a link without payload", ROOT "/a - @100644 - - - - -\n", "line 2:" },
		{ "a link through a link", ROOT "/d" D "\n/d/f" F "\n"
		  "/l - @100644 - - - - - /d/f\n/m - @100644 - - - - - /l/f\n", "line 5:" },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cfs_tree tree;
		struct errmsg msg;
		int err = parse(cases[i].dump, strlen(cases[i].dump), 0, &tree,
				&msg);

		fprintf(stderr, "  %s: %s\n", cases[i].name, msg.text);
		CHECK_EQ(err, -EINVAL);
		CHECK(msg.text[0]);
		CHECK(strncmp(msg.text, cases[i].line,
			      strlen(cases[i].line)) == 0);
		cfs_tree_release(&tree);
	}
}

static void test_raw_nul_is_refused(void)
{
	static const char dump[] = ROOT "/a\0b" F "\n";
	struct cfs_tree tree;
	struct errmsg msg;

	CHECK_EQ(parse(dump, sizeof(dump) - 1, 0, &tree, &msg), -EINVAL);
	cfs_tree_release(&tree);
}

static void test_strict_refuses_what_no_writer_produces(void)
{
	static const struct {
		const char *name;
		const char *dump;
		int expected;
	} cases[] = {
		{ "nothing wrong", ROOT "/l 1 120777 1 0 0 0 0.0 x - -\n", 0 },
		{ "RDEV of a device", ROOT "/c 0 20644 1 0 0 9 0.0 - - -\n", 0 },
		{ "RDEV of a file", ROOT "/a 0 100644 1 0 0 9 0.0 - - -\n", -EINVAL },
		{ "wrong size of a symlink", ROOT "/l 2 120777 1 0 0 0 0.0 x - -\n", -EINVAL },
		{ "content of a symlink", ROOT "/l 1 120777 1 0 0 0 0.0 x y -\n", -EINVAL },
		{ "no newline at the end", ROOT "/a" F, -EINVAL },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct cfs_tree tree;
		struct errmsg msg;

		fprintf(stderr, "  %s\n", cases[i].name);
		CHECK_EQ(parse(cases[i].dump, strlen(cases[i].dump),
			       CFS_DUMP_STRICT, &tree, &msg),
			 cases[i].expected);
		cfs_tree_release(&tree);
		CHECK_EQ(parse(cases[i].dump, strlen(cases[i].dump), 0, &tree,
			       &msg), 0);
		cfs_tree_release(&tree);
	}
}

/* Lengths at which the existing tools stop accepting. */
static void test_limits_are_exact(void)
{
	static const struct {
		const char *name;
		const char *before;
		size_t largest;
		const char *after;
	} cases[] = {
		{ "name", "/", 255, F "\n" },
		{ "symlink", "/l 0 120777 1 0 0 0 0.0 ", 4095, " - -\n" },
		{ "payload", "/f 1 100644 1 0 0 0 0.0 ", 4095, " - -\n" },
		{ "content", "/f 5000 100644 1 0 0 0 0.0 - ", 5000, " -\n" },
		{ "xattr name", "/f" F " ", 255, "=v\n" },
		/* 12 + 7 + 6 + value <= 32767 */
		{ "xattr budget", "/f" F " user.a=", 32742, "\n" },
	};
	static char dump[70000];
	size_t i, more;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (more = 0; more < 2; more++) {
			size_t len = cases[i].largest + more, used;
			struct cfs_tree tree;
			struct errmsg msg;

			fprintf(stderr, "  %s of %zu\n", cases[i].name, len);
			used = sprintf(dump, ROOT "%s", cases[i].before);
			memset(dump + used, 'x', len);
			used += len;
			used += sprintf(dump + used, "%s", cases[i].after);
			CHECK_EQ(parse(dump, used, 0, &tree, &msg),
				 more ? -EINVAL : 0);
			cfs_tree_release(&tree);
		}
	}
}

static void test_fields_arrive_in_the_node(void)
{
	static const char dump[] = ROOT
		"/d 7 40700 9 1 2 0 -3.4 - - - user.k\\x3d=v\\x00w user.k\\x3d=z\n"
		"/d/f 3 104755 2 3 4 0 5.6 a/b abc " HEX "\n"
		"/d/g - @100644 - - - - - /d/f\n";
	struct cfs_node *d, *f, *g;
	struct cfs_tree tree;
	struct errmsg msg;
	char buf[64];

	CHECK_EQ(parse(dump, sizeof(dump) - 1, 0, &tree, &msg), 0);
	CHECK_EQ(tree.root->n_children, 1);
	d = tree.root->children[0];
	CHECK_EQ(d->mode, 040700);
	CHECK_EQ(d->uid, 1);
	CHECK_EQ(d->gid, 2);
	CHECK_EQ(d->mtime_sec, -3);
	CHECK_EQ(d->mtime_nsec, 4);
	CHECK_EQ(d->n_xattrs, 1);
	CHECK(strcmp(d->xattrs[0].name, "user.k=") == 0);
	CHECK_EQ(d->xattrs[0].value_len, 1);
	CHECK(memcmp(d->xattrs[0].value, "z", 1) == 0);
	CHECK_EQ(d->n_children, 2);
	f = d->children[0];
	g = d->children[1];
	CHECK_EQ(f->mode, 0104755);
	CHECK_EQ(f->nlink, 2);
	CHECK_EQ(f->size, 3);
	CHECK(strcmp(f->payload, "a/b") == 0);
	CHECK(memcmp(f->content, "abc", 3) == 0);
	CHECK(f->has_digest);
	CHECK_EQ(f->digest.bytes[31], 0x1f);
	CHECK(g->link_to == f);
	CHECK(strcmp(cfs_node_path(g, buf, sizeof(buf)), "/d/g") == 0);
	CHECK(strcmp(cfs_node_path(g, buf, 6), ".../g") == 0);
	CHECK(strcmp(cfs_node_path(tree.root, buf, 8), "/") == 0);
	cfs_tree_release(&tree);
}

RUN_TESTS(
	T(test_valid_dumps_are_read),
	T(test_invalid_dumps_are_refused_with_their_line),
	T(test_raw_nul_is_refused),
	T(test_strict_refuses_what_no_writer_produces),
	T(test_limits_are_exact),
	T(test_fields_arrive_in_the_node),
)
