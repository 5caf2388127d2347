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
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "cache/base/cleanup.h"
#include "cache/base/descriptor_limit.h"
#include "cache/store/store.h"
#include "fetcher/mount/internal.h"
#include "fetcher/mount/partial.h"

#define BLOCK_SIZE	4096

/* Have images come since the last look at STORE/images? */
static bool images_came(struct fuse_mount *mount)
{
	uint64_t before = allow_scan_changes(mount->scan);

	(void)allow_scan_refresh(mount->scan);
	return allow_scan_changes(mount->scan) != before;
}

struct allow_entry *fuse_object_find(struct fuse_mount *mount,
				     const struct cfs_digest *digest)
{
	struct allow_entry *entry = allow_list_find(mount->allow, digest);

	/* Until its bytes were seen, another image may know its size better. */
	if (!(entry && entry->images && (entry->settled || entry->present)) &&
	    images_came(mount))
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

/* Without fs-verity a size tells a torn object from a whole one. */
static int check_sizes(struct fuse_mount *mount, const struct cfs_digest *digest,
		       const struct allow_entry *entry)
{
	uint64_t sizes[ALLOW_CLAIMS_MAX + 1] = { ALLOW_SIZE_UNKNOWN };
	size_t n = entry ? allow_list_sizes(mount->allow, entry, sizes) : 1;
	int outcome = CFS_STORE_DAMAGED;

	for (size_t i = 0; i < n && outcome == CFS_STORE_DAMAGED; i++)
		outcome = cfs_store_check(mount->store, digest, sizes[i]);
	return outcome;
}

int fuse_object_check(struct fuse_mount *mount, const struct cfs_digest *digest,
		      struct allow_entry **entry)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];
	int outcome = check_sizes(mount, digest, *entry);

	/* One of them may be the first to say the right size. */
	if (outcome > 0 && images_came(mount)) {
		*entry = allow_list_find(mount->allow, digest);
		outcome = check_sizes(mount, digest, *entry);
	}
	/* The engine looks again when one is free. */
	if (is_descriptor_error(outcome))
		return FUSE_OBJECT_MISS;
	if (outcome == 0)
		return 0;
	cfs_digest_format(digest, hex);
	if (outcome < 0) {
		/* A folder of the store that is a link, for instance: ELOOP is not the reader's. */
		if (log_limit_pass(&mount->log_damaged, loop_now_ms(mount->loop)))
			log_line(LOG_ERR,
				 "unreadable object=%s error=\"%s\" suppressed=%llu",
				 hex, strerror(-outcome),
				 (unsigned long long)mount->log_damaged.suppressed);
		return -EIO;
	}
	mount->stats.misses++;
	if (outcome != CFS_STORE_DAMAGED)
		return FUSE_OBJECT_MISS;
	mount->stats.damaged++;
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
	CLEANUP_CLOSE int fd = -1;
	struct stat st;

	if (!entry)
		return;
	allow_list_fetched(mount->allow, entry);
	/* Its bytes have been compared with its digest: so this is its size. */
	if (!allow_size_known(entry->size) &&
	    cfs_store_get(mount->store, digest, &fd) == 0 &&
	    fstat(fd, &st) == 0)
		allow_list_settle(mount->allow, entry, st.st_size);
}

uint64_t fuse_object_other_size(struct fuse_mount *mount,
				const struct object_wait *wait, int err)
{
	const struct allow_entry *entry;

	if (err != -EIO)
		return wait->size;
	(void)images_came(mount);
	entry = allow_list_find(mount->allow, &wait->digest);
	return entry && entry->size != wait->size ? entry->size : wait->size;
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
		if (!entry || !allow_size_known(entry->size)) {
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
	node.value = allow_list_entry_node(mount_of(req)->allow, entry);
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
	uint64_t size = fuse_object_other_size(mount, wait, err);

	if (size != wait->size &&
	    object_wait_start(&mount->waits, wait->req, &wait->digest, size,
			      retry_waited) == 0)
		return;
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
	uint64_t size;
	int err;

	if (!entry && !mount->config.any) {
		char hex[CFS_DIGEST_HEX_LEN + 1];

		cfs_digest_format(digest, hex);
		fuse_object_refused(mount, hex);
		fuse_reply_err(req, EIO);
		return;
	}
	err = fuse_object_check(mount, digest, &entry);
	size = entry ? entry->size : ALLOW_SIZE_UNKNOWN;
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

/* "aa", or what else the folder is called; "" for the trees' roots. */
static void name_of_folder(struct node folder, char ret[8])
{
	ret[0] = '\0';
	if (folder.kind == NODE_FOLDER || folder.kind == NODE_RETRY_FOLDER)
		snprintf(ret, 8, "%02x", (unsigned int)folder.value);
	else if (folder.kind == NODE_STATUS_FOLDER)
		strcpy(ret, ".cfs");
}

/*
 * A malformed name.  If an image reads the content of a file from there, ENOENT
 * would say that there is no such file.
 */
static int no_such_name(struct fuse_mount *mount, struct node folder,
			const char *name)
{
	const struct allow_paths *paths = allow_scan_paths(mount->scan);
	char folder_name[8], quoted[NAME_MAX + 3];

	name_of_folder(folder, folder_name);
	/* An image may have come since. */
	if (!allow_paths_has(paths, folder_name, name) &&
	    (allow_scan_refresh(mount->scan) < 0 ||
	     !allow_paths_has(paths, folder_name, name)))
		return ENOENT;
	mount->stats.refused++;
	if (log_limit_pass(&mount->log_refused, loop_now_ms(mount->loop)))
		log_line(LOG_WARNING,
			 "refused folder=%s file=%s reason=\"an image reads a file from there, but no object has such a name: mirrors have it not\" suppressed=%llu",
			 *folder_name ? folder_name : "-",
			 log_quote(name, quoted, sizeof(quoted)),
			 (unsigned long long)mount->log_refused.suppressed);
	return EIO;
}

void fuse_answer_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct cfs_digest digest;
	struct node node;
	int err = node_child(node_of(parent), name, &node, &digest);

	if (err) {
		fuse_reply_err(req, err == -ENOENT ?
				       no_such_name(mount_of(req),
						    node_of(parent), name) :
				       -err);
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

/* The store's: what is fetched goes there, and what it has no room for can't be. */
void fuse_answer_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct statvfs st;

	if (fstatvfs(cfs_store_objects_fd(mount_of(req)->store), &st) < 0) {
		fuse_reply_err(req, errno);
		return;
	}
	st.f_namemax = 255;
	(void)ino;
	fuse_reply_statfs(req, &st);
}
