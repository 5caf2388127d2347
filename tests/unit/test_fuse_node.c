// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "fetcher/mount/node.h"
#include "tests/unit/test.h"

#define REST "ff0a1b2c3d4e5f60718293a4b5c6d7e8f9000102030405060708090a0b0c0d"

static struct node child(struct node folder, const char *name)
{
	struct cfs_digest digest;
	struct node ret;

	CHECK_EQ(node_child(folder, name, &ret, &digest), 0);
	return ret;
}

static const struct node root = { NODE_ROOT, 0 };

/* Every node that has an id is found again by it; no two share one. */
static void test_ids_stand_for_one_node(void)
{
	struct node folders[] = { root, { NODE_STATUS_FOLDER, 0 },
				  { NODE_RETRY, 0 } };
	struct node_entry entry;
	unsigned int seen[0x300] = { 0 };

	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++) {
		for (uint64_t j = 0; !node_entry_at(folders[i], j, &entry); j++) {
			uint64_t id = node_id(entry.node);
			struct node again = node_of(id);

			CHECK(id > 1 && id < 0x300 && !seen[id]++);
			CHECK_EQ(again.kind, entry.node.kind);
			CHECK_EQ(again.value, entry.node.value);
			again = child(folders[i], entry.name);
			CHECK_EQ(node_id(again), id);
		}
	}
	CHECK_EQ(node_of(1).kind, NODE_ROOT);
	CHECK_EQ(node_of(0).kind, NODE_NONE);
	CHECK_EQ(node_of(6).kind, NODE_NONE);
	CHECK_EQ(node_of(0x300).kind, NODE_NONE);
}

/* An object's id is a function of its digest and of nothing else. */
static void test_objects(void)
{
	struct node folder = child(root, "a5"), node;
	struct cfs_digest digest, expected;

	CHECK_EQ(node_child(folder, REST, &node, &digest), 0);
	CHECK_EQ(node.kind, NODE_OBJECT);
	CHECK_EQ(cfs_digest_parse("a5" REST, 64, &expected), 0);
	CHECK(cfs_digest_equal(&digest, &expected));
	CHECK_EQ(node_of(node_id(node)).kind, NODE_OBJECT);
	CHECK_EQ(node_of(node_id(node)).value, node.value);
	CHECK_EQ(node.value, 0xa5ff0a1b2c3d4e5full >> 2);
	node.kind = NODE_REFUSED;
	CHECK_EQ(node_of(node_id(node)).kind, NODE_REFUSED);
	CHECK_EQ(node_of(node_id(node)).value, node.value);

	folder = child(child(root, "retry"), "a5");
	CHECK_EQ(node_child(folder, REST, &node, &digest), 0);
	CHECK_EQ(node.kind, NODE_RETRY_OBJECT);
	CHECK(cfs_digest_equal(&digest, &expected));
}

/* ENOENT is for names that can't be an object's, and for nothing else. */
static void test_malformed_names(void)
{
	static const struct {
		enum node_kind kind;
		const char *name;
		int err;
	} cases[] = {
		{ NODE_ROOT, "a", -ENOENT },
		{ NODE_ROOT, "A5", -ENOENT },
		{ NODE_ROOT, "a5f", -ENOENT },
		{ NODE_ROOT, "gg", -ENOENT },
		{ NODE_ROOT, "..", -ENOENT },
		{ NODE_ROOT, "", -ENOENT },
		{ NODE_RETRY, "retry", -ENOENT },
		{ NODE_RETRY, ".cfs", -ENOENT },
		{ NODE_STATUS_FOLDER, "00", -ENOENT },
		{ NODE_FOLDER, REST "0", -ENOENT },
		{ NODE_FOLDER, "ff0a", -ENOENT },
		{ NODE_FOLDER, "FF0a1b2c3d4e5f60718293a4b5c6d7e8f9000102030405060708090a0b0c0d", -ENOENT },
		{ NODE_RETRY_FOLDER, "status.json", -ENOENT },
		{ NODE_OBJECT, REST, -ENOTDIR },
		{ NODE_METRICS, "00", -ENOTDIR },
		{ NODE_NONE, "00", -ENOTDIR },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct node folder = { cases[i].kind, 0xa5 }, ret;
		struct cfs_digest digest;

		fprintf(stderr, "  %d/%s\n", cases[i].kind, cases[i].name);
		CHECK_EQ(node_child(folder, cases[i].name, &ret, &digest),
			 cases[i].err);
	}
}

/* Folders of objects have no fixed names; retry's are never listed. */
static void test_what_is_listed(void)
{
	struct node_entry entry;
	uint64_t n = 0;

	while (node_entry_at(root, n, &entry) == 0)
		n++;
	CHECK_EQ(n, 258);
	CHECK_EQ(node_entry_at((struct node){ NODE_FOLDER, 1 }, 0, &entry),
		 -ENOENT);
	CHECK_EQ(node_entry_at((struct node){ NODE_RETRY_FOLDER, 1 }, 0, &entry),
		 -ENOENT);
	CHECK_EQ(node_entry_at(root, UINT64_MAX, &entry), -ENOENT);
}

RUN_TESTS(T(test_ids_stand_for_one_node), T(test_objects),
	  T(test_malformed_names), T(test_what_is_listed))
