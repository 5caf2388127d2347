// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The kernel asks for a name.
 *
 * In <aa>/ the answer comes at once, from the allow list: while one LOOKUP waits,
 * all others of that name sleep and can't be killed.  In retry/<aa>/ it has to
 * wait, because overlayfs decides by LOOKUP; see node.h.  Unless it is to be
 * read in parts: then it is there at once, and overlayfs reads it through FUSE.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "cache/store/store.h"
#include "fetcher/mount/internal.h"
#include "fetcher/mount/partial.h"

#define BLOCK_SIZE	4096

struct allow_entry *fuse_object_find(struct fuse_mount *mount,
				     const struct cfs_digest *digest)
{
	struct allow_entry *entry = allow_list_find(mount->allow, digest);

	if (entry && entry->images)
		return entry;
	if (allow_scan_refresh(mount->scan) == 0)
		entry = allow_list_find(mount->allow, digest);
	return entry && (entry->images || mount->config.any) ? entry : NULL;
}

void fuse_object_refused(struct fuse_mount *mount, const char *hex)
{
	mount->stats.refused++;
	if (log_limit_pass(&mount->log_refused, loop_now_ms(mount->loop)))
		log_line(LOG_WARNING,
			 "refused object=%s reason=\"no image of the store names it\" suppressed=%llu",
			 hex, (unsigned long long)mount->log_refused.suppressed);
}

int fuse_object_check(struct fuse_mount *mount,
		      const struct cfs_digest *digest, uint64_t size)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];
	int outcome = cfs_store_check(mount->store, digest, size);

	if (outcome < 0)
		return outcome;
	if (outcome == 0)
		return 0;
	mount->stats.misses++;
	if (outcome != CFS_STORE_DAMAGED)
		return FUSE_OBJECT_MISS;
	mount->stats.damaged++;
	cfs_digest_format(digest, hex);
	if (log_limit_pass(&mount->log_damaged, loop_now_ms(mount->loop)))
		log_line(LOG_WARNING,
			 "damaged object=%s action=\"fetching it again\" suppressed=%llu",
			 hex, (unsigned long long)mount->log_damaged.suppressed);
	return FUSE_OBJECT_MISS;
}

void fuse_object_fetched(struct fuse_mount *mount,
			 const struct cfs_digest *digest)
{
	struct allow_entry *entry = allow_list_find(mount->allow, digest);

	if (entry)
		allow_list_fetched(mount->allow, entry);
}

static void fill_file(struct stat *st, uint64_t id, uint64_t size)
{
	*st = (struct stat){
		.st_ino = id,
		.st_mode = S_IFREG | 0444,
		.st_nlink = 1,
		.st_size = size,
		.st_blocks = (size + 511) / 512,
		.st_blksize = BLOCK_SIZE,
	};
}

static void fill_folder(struct stat *st, uint64_t id)
{
	*st = (struct stat){
		.st_ino = id,
		.st_mode = S_IFDIR | 0555,
		.st_nlink = 2,
		.st_blksize = BLOCK_SIZE,
	};
}

/* The seconds that the kernel may keep what fill_attr() said. */
static double fill_attr(struct fuse_mount *mount, struct node node,
			struct stat *st)
{
	const struct allow_entry *entry;
	uint64_t id = node_id(node);

	switch (node.kind) {
	case NODE_OBJECT:
		entry = allow_list_find_node(mount->allow, node.value);
		if (!entry || entry->size == ALLOW_SIZE_UNKNOWN) {
			fill_file(st, id, 0);
			return 0;
		}
		fill_file(st, id, entry->size);
		return FUSE_FOREVER;
	case NODE_REFUSED:
	case NODE_STATUS_JSON:
	case NODE_METRICS:
		fill_file(st, id, 0);
		return 0;
	case NODE_NONE:
	case NODE_ROOT:
	case NODE_STATUS_FOLDER:
	case NODE_RETRY:
	case NODE_FOLDER:
	case NODE_RETRY_FOLDER:
	case NODE_RETRY_OBJECT:
		break;
	}
	fill_folder(st, id);
	return FUSE_FOREVER;
}

static bool reply_entry(fuse_req_t req, struct node node, double keep)
{
	struct fuse_entry_param param = {
		.ino = node_id(node),
		.entry_timeout = keep,
	};

	param.attr_timeout = fill_attr(mount_of(req), node, &param.attr);
	return fuse_reply_entry(req, &param) == 0;
}

static void give_object(fuse_req_t req, struct node node,
			struct allow_entry *entry)
{
	allow_list_hold(entry);
	if (!reply_entry(req, node, FUSE_FOREVER))
		allow_list_forget(mount_of(req)->allow, entry, 1);
}

static void lookup_object(fuse_req_t req, struct node node,
			  const struct cfs_digest *digest)
{
	struct fuse_mount *mount = mount_of(req);
	struct allow_entry *entry = fuse_object_find(mount, digest);

	if (!entry && mount->config.any) {
		int err = allow_list_add(mount->allow, digest,
					 ALLOW_SIZE_UNKNOWN, -1, &entry);

		if (err < 0) {
			fuse_reply_err(req, -err);
			return;
		}
	}
	if (!entry) {
		/* It can be looked up; OPEN says what is wrong. */
		node.kind = NODE_REFUSED;
		reply_entry(req, node, 0);
		return;
	}
	give_object(req, node, entry);
}

static void retry_waited(struct object_wait *wait, int err)
{
	struct fuse_mount *mount = wait->waits->owner;

	if (err)
		mount->stats.failed++;
	else
		fuse_object_fetched(mount, &wait->digest);
	fuse_reply_err(wait->req, err ? -err : ESTALE);
}

static void lookup_retry(fuse_req_t req, struct node node,
			 const struct cfs_digest *digest)
{
	struct fuse_mount *mount = mount_of(req);
	struct allow_entry *entry = fuse_object_find(mount, digest);
	uint64_t size = entry ? entry->size : ALLOW_SIZE_UNKNOWN;
	int err;

	if (!entry && !mount->config.any) {
		char hex[CFS_DIGEST_HEX_LEN + 1];

		cfs_digest_format(digest, hex);
		fuse_object_refused(mount, hex);
		fuse_reply_err(req, EIO);
		return;
	}
	err = fuse_object_check(mount, digest, size);
	if (err == 0) {
		mount->stats.repeats++;
		fuse_reply_err(req, ESTALE);
		return;
	}
	if (err == FUSE_OBJECT_MISS && fuse_partial_wanted(mount, digest, size)) {
		/* For good: overlayfs can't do with a name that goes away. */
		node.kind = NODE_OBJECT;
		give_object(req, node, entry);
		return;
	}
	if (err == FUSE_OBJECT_MISS)
		err = object_wait_failed(&mount->waits, digest, 0, true);
	if (err == 0)
		err = object_wait_start(&mount->waits, req, digest, size,
					retry_waited);
	if (err) {
		mount->stats.failed++;
		fuse_reply_err(req, -err);
	}
}

void fuse_answer_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct cfs_digest digest;
	struct node node;
	int err = node_child(node_of(parent), name, &node, &digest);

	if (err) {
		fuse_reply_err(req, -err);
		return;
	}
	if (node.kind == NODE_OBJECT) {
		mount_of(req)->stats.lookups++;
		lookup_object(req, node, &digest);
	} else if (node.kind == NODE_RETRY_OBJECT) {
		mount_of(req)->stats.lookups++;
		lookup_retry(req, node, &digest);
	} else {
		reply_entry(req, node, FUSE_FOREVER);
	}
}

static void forget(struct fuse_mount *mount, fuse_ino_t ino, uint64_t n)
{
	struct node node = node_of(ino);
	struct allow_entry *entry;

	if (node.kind != NODE_OBJECT)
		return;
	entry = allow_list_find_node(mount->allow, node.value);
	if (entry)
		allow_list_forget(mount->allow, entry, n);
}

void fuse_answer_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n)
{
	forget(mount_of(req), ino, n);
	fuse_reply_none(req);
}

void fuse_answer_forget_multi(fuse_req_t req, size_t count,
			      struct fuse_forget_data *forgets)
{
	for (size_t i = 0; i < count; i++)
		forget(mount_of(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

void fuse_answer_getattr(fuse_req_t req, fuse_ino_t ino,
			 struct fuse_file_info *fi)
{
	struct node node = node_of(ino);
	struct stat st;
	double keep;

	(void)fi;
	if (node.kind == NODE_NONE) {
		fuse_reply_err(req, ESTALE);
		return;
	}
	keep = fill_attr(mount_of(req), node, &st);
	fuse_reply_attr(req, &st, keep);
}

/* A full, read-only file system as large as all objects together. */
void fuse_answer_statfs(fuse_req_t req, fuse_ino_t ino)
{
	const struct allow_count *total =
		allow_list_total(mount_of(req)->allow);
	struct statvfs st = {
		.f_bsize = BLOCK_SIZE,
		.f_frsize = BLOCK_SIZE,
		.f_blocks = (total->bytes + BLOCK_SIZE - 1) / BLOCK_SIZE,
		.f_files = total->objects,
		.f_namemax = 255,
	};

	(void)ino;
	fuse_reply_statfs(req, &st);
}
