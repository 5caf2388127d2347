/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the store library know of a store, and nobody else.
 *
 * Ownership: everything is borrowed; descriptors live as long as the store.
 * Nothing in struct cfs_store changes after cfs_store_open(), so every function
 * may be called from any thread.
 *
 * Besides objects/ and images/ there may be, in a store's folder:
 *	quarantine/<64 hex>[.N]	what stood in an object's place and was not it
 *	quota			what processes that keep a quota have on its way
 *				(fetcher/ingest/quota_share.h)
 * In a folder of objects only the first is called .quarantine/.
 *
 * Temporary files, which a process that is killed can leave behind:
 *
 *	objects/.tmp-<inode number>	a staged file, where there is no O_TMPFILE: the
 *					name follows from the descriptor.  Its writer
 *					holds a shared lock on it.
 *	images/.tmp-<pid>		a link that was about to get its name, under the
 *					lock of images/
 *	.tmp-<8 hex>			a file that was about to replace another one
 *					(cache/base/replace_file.h), under a shared lock
 *					of its folder: in the store's own folder
 *					("mirror"), in packs/, profiles/, verity/aa/
 *					and zst/aa/
 *
 * What has no lock is removed when the store is opened (cfs_store_sweep()); in
 * verity/ and zst/, whose folders are many, by gc.
 */
#ifndef CACHE_STORE_LAYOUT_H
#define CACHE_STORE_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "cache/verity/digest.h"

struct cfs_store {
	int root_fd;		/* O_PATH; -1 in a folder of objects only */
	int objects_fd;		/* O_PATH */
	int images_fd;		/* -1 in a folder of objects only */
	int proc_fd;		/* O_PATH of /proc, kept for life after switch_root */
	bool verity;
	bool tmpfile;
};

/*
 * How a folder is opened.  Another user may own the store and rearrange it under a
 * program of root's, so every path in it is resolved beneath a descriptor
 * (cache/base/beneath.h), one time for each use, and what happens to an entry
 * happens relative to the descriptor of its folder.
 */
enum {
	FOLDER_LIST = 1 << 0,	/* readable; else O_PATH */
	FOLDER_CHANGE = 1 << 1,	/* entries will be removed or renamed */
	FOLDER_CREATE = 1 << 2,	/* made if it is not there; implies FOLDER_CHANGE */
	FOLDER_MOUNT = 1 << 3,	/* may be a mount of its own */
};

/* The part of an object's name that stands in its folder. */
#define OBJECT_LEAF_LEN	(CFS_OBJECT_NAME_LEN - 3)

/**
 * store_folder_open() - open a folder of a store
 * @parent_fd: of the folder it is in; -1 if the store has none
 * @path: one component or two
 * @flags: FOLDER_*
 * @mode: with FOLDER_CREATE, of what is made; it belongs to the parent's owner
 *
 * Return: a descriptor, owned by the caller, -ENOENT, -ELOOP (a symbolic link),
 * -EXDEV (a mount), -ENOTDIR, -EPERM (to be changed by root, in a folder of
 * another user's, and it is not that user's), -EOPNOTSUPP if @parent_fd is -1, or
 * -errno.
 */
int store_folder_open(int parent_fd, const char *path, unsigned int flags,
		      mode_t mode);

/**
 * store_make_dir() - make a folder with just that mode, whatever the umask is
 *
 * Return: 0, also if there is something of that name, or -errno.
 */
int store_make_dir(int parent_fd, const char *name, mode_t mode);

/**
 * object_folder() - open the folder that an object is in
 * @flags: FOLDER_*
 * @ret_name: the object's name in it
 *
 * Return: as store_folder_open().
 */
int object_folder(const struct cfs_store *store, const struct cfs_digest *digest,
		  unsigned int flags, char ret_name[OBJECT_LEAF_LEN + 1]);

/* Room for ".tmp-" and an inode number. */
#define STAGED_NAME_LEN	32

/**
 * object_reopen() - another, read-only, description of an open file
 *
 * Return: a descriptor, owned by the caller, or -errno.
 */
int object_reopen(const struct cfs_store *store, int fd);

/**
 * object_check_fd() - is this open file the object of that digest?
 * @size: it must have, or UINT64_MAX
 *
 * Return: 0, CFS_STORE_DAMAGED or -errno.
 */
int object_check_fd(const struct cfs_store *store, int fd,
		    const struct cfs_digest *digest, uint64_t size);

/**
 * object_check_bytes() - as cfs_store_check(), and reads all its bytes
 *
 * Return: 0, CFS_STORE_MISS, CFS_STORE_DAMAGED (also if unreadable) or -errno.
 */
int object_check_bytes(struct cfs_store *store, const struct cfs_digest *digest,
		       uint64_t size);

/** object_stage_sweep() - remove what crashed writers left; 0 or -errno */
int object_stage_sweep(const struct cfs_store *store);

/**
 * store_lock_open() - open a file that only those who may write to a store can lock
 * @root_fd: of the store, or -1
 * @folder_fd: to be locked in its place where that is -1 or can't be written to
 * @name: of the file
 *
 * Return: 0, -ELOOP or -EMEDIUMTYPE (no regular file), or -errno.
 */
int store_lock_open(int root_fd, int folder_fd, const char *name, int *ret_fd);

/**
 * store_lock_take() - lock it
 * @operation: LOCK_SH or LOCK_EX
 *
 * Return: 0, CFS_STORE_BUSY (only without @wait), -EINTR or -errno.
 */
int store_lock_take(int fd, int operation, bool wait);

/** image_names_sweep() - remove what crashed writers left in images/ */
void image_names_sweep(const struct cfs_store *store);

/** image_names_sync() - make durable what was done to images/; 0 or -errno */
int image_names_sync(const struct cfs_store *store);

/** object_staged_name() - where a staged file without O_TMPFILE lies */
int object_staged_name(int fd, char ret[STAGED_NAME_LEN]);

/** object_staged_drop() - close a staged file and remove its name, if it has one */
void object_staged_drop(const struct cfs_store *store, int fd);

/**
 * object_seal() - make a staged file unchangeable
 * @fd: replaced by a read-only descriptor; the caller's in any case
 * @digest: of its bytes
 * @flushed: they are on the disk already
 *
 * Return: 0, -EBADMSG if the kernel measured another digest, or -errno.
 */
int object_seal(struct cfs_store *store, int *fd,
		const struct cfs_digest *digest, bool flushed);

/**
 * object_link() - give a sealed file its name
 *
 * Return: 0, -EEXIST if there is something of that name, or -errno.
 */
int object_link(const struct cfs_store *store, int fd,
		const struct cfs_digest *digest);

/**
 * object_set_aside() - move what stands in an object's place to quarantine
 *
 * Return: 0, CFS_STORE_MISS if nothing stood there, or -errno.
 */
int object_set_aside(const struct cfs_store *store,
		     const struct cfs_digest *digest);

#endif /* CACHE_STORE_LAYOUT_H */
