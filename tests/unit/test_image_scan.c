// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/scan/scan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cache/base/errmsg.h"
#include "cache/build/tree.h"
#include "cache/store/store.h"
#include "cache/verity/hash.h"
#include "tests/unit/test.h"

static char top[] = "/tmp/cfs-scan-XXXXXX";

static const char *at(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", top, name);
	return path;
}

static void make_file(const char *name, char byte, size_t size)
{
	FILE *file = fopen(at(name), "w");

	CHECK(file);
	while (size--)
		CHECK(fputc(byte, file) == byte);
	CHECK(fclose(file) == 0);
}

static const struct cfs_node *find(const struct cfs_node *dir, const char *name)
{
	uint32_t i;

	for (i = 0; i < dir->n_children; i++) {
		if (strcmp(dir->children[i]->name, name) == 0)
			return dir->children[i];
	}
	return NULL;
}

static void make_tree(void)
{
	char name[64];
	int i;

	CHECK(mkdtemp(top));
	CHECK(mkdir(at("tree"), 0755) == 0);
	CHECK(mkdir(at("tree/d"), 0750) == 0);
	make_file("tree/empty", 0, 0);
	make_file("tree/inline", 'i', CFS_SCAN_INLINE_MAX);
	make_file("tree/object", 'o', CFS_SCAN_INLINE_MAX + 1);
	make_file("tree/d/same", 'o', CFS_SCAN_INLINE_MAX + 1);
	make_file("tree/d/large", 'l', 9 << 20);
	CHECK(symlink("target", at("tree/symlink")) == 0);
	CHECK(mkfifo(at("tree/fifo"), 0600) == 0);
	for (i = 0; i < 300; i++) {
		snprintf(name, sizeof(name), "tree/d/%03d", i);
		make_file(name, (char)('a' + i % 26), 100 + i);
	}
}

static struct cfs_tree scan(const struct cfs_scan_options *options,
			    struct cfs_scan_counters *counters)
{
	struct cfs_tree tree = { 0 };
	struct errmsg msg = { "" };
	int err = cfs_scan(at("tree"), options, counters, &tree, &msg);

	if (err)
		fprintf(stderr, "%s\n", msg.text);
	CHECK_EQ(err, 0);
	return tree;
}

static void test_each_type_arrives(void)
{
	const struct cfs_scan_options options = { .threads = 3 };
	struct cfs_scan_counters counters = { 0 };
	struct cfs_tree tree = scan(&options, &counters);
	const struct cfs_node *node, *d;
	struct cfs_digest digest;
	char bytes[CFS_SCAN_INLINE_MAX + 1];

	CHECK_EQ(tree.root->n_children, 6);
	d = find(tree.root, "d");
	CHECK_EQ(d->mode, S_IFDIR | 0750);
	CHECK_EQ(d->n_children, 302);
	node = find(tree.root, "empty");
	CHECK_EQ(node->size, 0);
	CHECK(!node->has_digest && !node->payload);
	node = find(tree.root, "inline");
	CHECK_EQ(node->content_len, CFS_SCAN_INLINE_MAX);
	CHECK(node->content[0] == 'i' && !node->has_digest);
	node = find(tree.root, "object");
	memset(bytes, 'o', sizeof(bytes));
	CHECK_EQ(cfs_verity_hash_buffer(bytes, sizeof(bytes), &digest), 0);
	CHECK(node->has_digest && cfs_digest_equal(&node->digest, &digest));
	CHECK_EQ(node->payload_len, CFS_OBJECT_NAME_LEN);
	CHECK(!node->content);
	node = find(tree.root, "symlink");
	CHECK(S_ISLNK(node->mode) && strcmp(node->payload, "target") == 0);
	CHECK(S_ISFIFO(find(tree.root, "fifo")->mode));
	CHECK_EQ(counters.files, 305);
	cfs_tree_release(&tree);
}

static void test_objects_go_to_the_store_once(void)
{
	struct cfs_scan_options options = { .threads = 3 };
	struct cfs_scan_counters counters = { 0 };
	struct cfs_store *store;
	struct cfs_tree tree;

	CHECK_EQ(cfs_store_open(at("store"), CFS_STORE_CREATE, &store), 0);
	options.store = store;
	tree = scan(&options, &counters);
	CHECK_EQ(cfs_store_check(store, &find(tree.root, "object")->digest,
				 CFS_SCAN_INLINE_MAX + 1), 0);
	CHECK_EQ(cfs_store_check(store,
				 &find(find(tree.root, "d"), "large")->digest,
				 9 << 20), 0);
	CHECK_EQ(counters.objects, 302);
	CHECK_EQ(counters.new_objects, 302);
	cfs_tree_release(&tree);

	counters = (struct cfs_scan_counters){ 0 };
	tree = scan(&options, &counters);
	CHECK_EQ(counters.objects, 302);
	CHECK_EQ(counters.new_objects, 0);
	cfs_tree_release(&tree);
	cfs_store_close(store);
}

/* More threads than KEEP_TOTAL allows for: the large file is read twice. */
static void test_file_too_large_to_keep_is_read_again(void)
{
	struct cfs_scan_options options = { .threads = 64 };
	struct cfs_scan_counters counters = { 0 };
	struct cfs_store *store;
	struct cfs_tree tree;
	struct cfs_digest digest, found;
	int fd;

	CHECK_EQ(cfs_store_open(at("store2"), CFS_STORE_CREATE, &store), 0);
	options.store = store;
	tree = scan(&options, &counters);
	digest = find(find(tree.root, "d"), "large")->digest;
	CHECK_EQ(cfs_store_get(store, &digest, &fd), 0);
	CHECK_EQ(cfs_verity_hash_fd(fd, UINT64_MAX, &found, NULL), 0);
	CHECK(cfs_digest_equal(&digest, &found));
	close(fd);
	cfs_tree_release(&tree);
	cfs_store_close(store);
}

/* A file of @size bytes with a second name; false if it can't have that xattr here. */
static bool make_linked(const char *name, size_t size, const char *xattr)
{
	int dir_fd;
	char path[64];

	snprintf(path, sizeof(path), "layer/%s", name);
	if (!xattr)
		CHECK(mknod(at(path), S_IFCHR | 0600, 0) == 0);
	else
		make_file(path, 'x', size);
	if (xattr && *xattr && setxattr(at(path), xattr, "y", 1, 0) < 0)
		return false;
	dir_fd = open(at("layer/d"), O_PATH | O_DIRECTORY);
	CHECK(linkat(AT_FDCWD, at(path), dir_fd, name, 0) == 0);
	close(dir_fd);
	return true;
}

/* overlayfs makes the whiteouts of a layer one inode; each folder has its own marks. */
static void test_whiteouts_are_never_linked(void)
{
	static const struct {
		const char *name;
		size_t size;
		const char *xattr;
		bool linked;
	} cases[] = {
		{ "device", 0, NULL, false },
		{ "trusted", 0, "trusted.overlay.whiteout", false },
		{ "user", 0, "user.overlay.whiteout", false },
		{ "empty", 0, "", true },
		{ "full", 3, "user.overlay.whiteout", true },
		{ "other", 0, "user.overlay.whiteouts", true },
	};
	const struct cfs_scan_options options = {
		.flags = CFS_SCAN_HARD_LINKS, .threads = 2,
	};
	bool made[sizeof(cases) / sizeof(cases[0])];
	struct cfs_scan_counters counters = { 0 };
	struct cfs_tree tree = { 0 };
	size_t i;

	CHECK(mkdir(at("layer"), 0755) == 0);
	CHECK(mkdir(at("layer/d"), 0755) == 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		made[i] = make_linked(cases[i].name, cases[i].size,
				      cases[i].xattr);
	CHECK_EQ(cfs_scan(at("layer"), &options, &counters, &tree, NULL), 0);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *name = cases[i].name;
		const struct cfs_node *first, *second;

		if (!made[i])
			continue;
		first = find(find(tree.root, "d"), name);
		second = find(tree.root, name);
		CHECK(!first->link_to);
		CHECK(second->link_to == (cases[i].linked ? first : NULL));
		CHECK_EQ(first->nlink, cases[i].linked ? 2 : 1);
	}
	cfs_tree_release(&tree);
}

static void test_what_is_wrong_is_named(void)
{
	const struct cfs_scan_options options = { .threads = 2 };
	struct cfs_scan_counters counters = { 0 };
	struct cfs_tree tree = { 0 };
	struct errmsg msg = { "" };

	CHECK_EQ(cfs_scan(at("nowhere"), &options, &counters, &tree, &msg),
		 -ENOENT);
	CHECK(strstr(msg.text, at("nowhere")));
	cfs_tree_release(&tree);
	CHECK_EQ(cfs_scan(at("tree/empty"), &options, &counters, &tree, &msg),
		 -ENOTDIR);
	cfs_tree_release(&tree);
}

static void test_cleanup(void)
{
	char command[64];

	snprintf(command, sizeof(command), "rm -rf %s", top);
	CHECK_EQ(system(command), 0);
}

RUN_TESTS(
	{ "make_tree", make_tree },
	T(test_each_type_arrives),
	T(test_objects_go_to_the_store_once),
	T(test_file_too_large_to_keep_is_read_again),
	T(test_whiteouts_are_never_linked),
	T(test_what_is_wrong_is_named),
	T(test_cleanup),
)
