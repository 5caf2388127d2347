// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/hex.h"
#include "fetcher/allow/list.h"
#include "fetcher/mount/node.h"

#define OBJECT_BIT	(1ull << 63)
#define REFUSED_BIT	(1ull << 62)
#define DIGEST_BITS	(REFUSED_BIT - 1)

/* 1 is FUSE_ROOT_ID. */
enum {
	ID_ROOT = 1,
	ID_STATUS_FOLDER = 2,
	ID_STATUS_JSON = 3,
	ID_METRICS = 4,
	ID_RETRY = 5,
	ID_FOLDER = 0x100,
	ID_RETRY_FOLDER = 0x200,
	ID_END = 0x300,
};

uint64_t node_id(struct node node)
{
	switch (node.kind) {
	case NODE_ROOT:
		return ID_ROOT;
	case NODE_STATUS_FOLDER:
		return ID_STATUS_FOLDER;
	case NODE_STATUS_JSON:
		return ID_STATUS_JSON;
	case NODE_METRICS:
		return ID_METRICS;
	case NODE_RETRY:
		return ID_RETRY;
	case NODE_FOLDER:
		return ID_FOLDER + node.value;
	case NODE_RETRY_FOLDER:
		return ID_RETRY_FOLDER + node.value;
	case NODE_OBJECT:
		return OBJECT_BIT | node.value;
	case NODE_REFUSED:
		return REFUSED_BIT | node.value;
	case NODE_NONE:
	case NODE_RETRY_OBJECT:
		break;
	}
	abort();
}

struct node node_of(uint64_t id)
{
	if (id & OBJECT_BIT)
		return (struct node){ NODE_OBJECT, id & DIGEST_BITS };
	if (id & REFUSED_BIT)
		return (struct node){ NODE_REFUSED, id & DIGEST_BITS };
	if (id >= ID_RETRY_FOLDER && id < ID_END)
		return (struct node){ NODE_RETRY_FOLDER, id - ID_RETRY_FOLDER };
	if (id >= ID_FOLDER && id < ID_RETRY_FOLDER)
		return (struct node){ NODE_FOLDER, id - ID_FOLDER };
	switch (id) {
	case ID_ROOT:
		return (struct node){ NODE_ROOT, 0 };
	case ID_STATUS_FOLDER:
		return (struct node){ NODE_STATUS_FOLDER, 0 };
	case ID_STATUS_JSON:
		return (struct node){ NODE_STATUS_JSON, 0 };
	case ID_METRICS:
		return (struct node){ NODE_METRICS, 0 };
	case ID_RETRY:
		return (struct node){ NODE_RETRY, 0 };
	default:
		return (struct node){ NODE_NONE, 0 };
	}
}

static int fixed_child(struct node folder, const char *name, struct node *ret)
{
	struct node_entry entry;

	for (uint64_t i = 0; node_entry_at(folder, i, &entry) == 0; i++) {
		if (strcmp(entry.name, name) == 0) {
			*ret = entry.node;
			return 0;
		}
	}
	return -ENOENT;
}

static int byte_child(enum node_kind kind, const char *name, struct node *ret)
{
	uint8_t byte;

	if (strlen(name) != 2 || hex_decode(name, 1, &byte) < 0)
		return -ENOENT;
	*ret = (struct node){ kind, byte };
	return 0;
}

static int object_child(struct node folder, enum node_kind kind,
			const char *name, struct node *ret,
			struct cfs_digest *ret_digest)
{
	struct cfs_digest digest;

	if (strlen(name) != 2 * (CFS_DIGEST_LEN - 1) ||
	    hex_decode(name, CFS_DIGEST_LEN - 1, digest.bytes + 1) < 0)
		return -ENOENT;
	digest.bytes[0] = folder.value;
	*ret = (struct node){ kind, allow_list_node(&digest) };
	*ret_digest = digest;
	return 0;
}

int node_child(struct node folder, const char *name, struct node *ret,
	       struct cfs_digest *ret_digest)
{
	switch (folder.kind) {
	case NODE_ROOT:
		if (byte_child(NODE_FOLDER, name, ret) == 0)
			return 0;
		return fixed_child(folder, name, ret);
	case NODE_STATUS_FOLDER:
		return fixed_child(folder, name, ret);
	case NODE_RETRY:
		return byte_child(NODE_RETRY_FOLDER, name, ret);
	case NODE_FOLDER:
		return object_child(folder, NODE_OBJECT, name, ret, ret_digest);
	case NODE_RETRY_FOLDER:
		return object_child(folder, NODE_RETRY_OBJECT, name, ret,
				    ret_digest);
	case NODE_NONE:
	case NODE_STATUS_JSON:
	case NODE_METRICS:
	case NODE_OBJECT:
	case NODE_REFUSED:
	case NODE_RETRY_OBJECT:
		break;
	}
	return -ENOTDIR;
}

int node_entry_at(struct node folder, uint64_t i, struct node_entry *ret)
{
	static const struct node_entry root[] = {
		{ ".cfs", { NODE_STATUS_FOLDER, 0 } },
		{ "retry", { NODE_RETRY, 0 } },
	};
	static const struct node_entry status[] = {
		{ "metrics", { NODE_METRICS, 0 } },
		{ "status.json", { NODE_STATUS_JSON, 0 } },
	};
	const size_t n_root = sizeof(root) / sizeof(*root);

	if (folder.kind == NODE_ROOT && i < n_root) {
		*ret = root[i];
		return 0;
	}
	if (folder.kind == NODE_STATUS_FOLDER &&
	    i < sizeof(status) / sizeof(*status)) {
		*ret = status[i];
		return 0;
	}
	if (folder.kind == NODE_ROOT)
		i -= n_root;
	else if (folder.kind != NODE_RETRY)
		return -ENOENT;
	if (i > 0xff)
		return -ENOENT;
	ret->node = (struct node){
		folder.kind == NODE_ROOT ? NODE_FOLDER : NODE_RETRY_FOLDER, i
	};
	snprintf(ret->name, sizeof(ret->name), "%02x", (unsigned int)i);
	return 0;
}
