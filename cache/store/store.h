/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The store: objects named by digest, and image names that pin them.
 *
 *	STORE/objects/aa/<62 hex>	objects: never written again; mode 0444,
 *					fs-verity where the file system has it
 *	STORE/images/NAME		symlink to ../objects/aa/<62 hex>
 *
 * Nothing else is needed to understand a store.  STORE itself is 0700, since
 * an object holds the bytes of files like /etc/shadow without their mode.  What
 * was found in an object's place and was not it is kept in STORE/quarantine/,
 * Merkle trees for those who read from here in STORE/verity/ (cache/mirror/trees.h), and
 * objects that are here in part in STORE/partial/ (partial.h).
 *
 * A store may belong to another user than the one whose program works on it, and
 * that user may exchange any entry at any time.  Root does not refuse such a store:
 * stores of services belong to their own users, and root looks after them.  It is
 * safe because every path below the store's folder is resolved by
 * cache/base/beneath.h: a symbolic link or a mount in place of a folder is an error
 * (-ELOOP, -EXDEV; only objects/ and images/ may be mounts), never a way out.  The
 * path of the store itself may lead over symbolic links.  Folders that root makes
 * belong to the owner of the folder they are in, and a folder that does not is not
 * changed by root (-EPERM): it may have been moved there.  explain.h names the
 * folder.
 *
 * Ownership: cfs_store_open() gives the caller a store to cfs_store_close().
 * File descriptors returned through ret_fd belong to the caller.  Everything
 * passed in is borrowed for the duration of the call.  All functions may be
 * called from any thread; a store has no mutable state in memory.
 *
 * Return values, here and in every header of this directory:
 *	  0	done
 *	< 0	-errno; propagate it unchanged
 *	> 0	an outcome named in the function's comment; handle it right there
 */
#ifndef CACHE_STORE_STORE_H
#define CACHE_STORE_STORE_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "cache/verity/digest.h"

struct cfs_store;
struct stat;

enum {
	CFS_STORE_MISS = 1,	/* no such object or image name */
	CFS_STORE_DAMAGED = 2,	/* there is something, but it is not that object */
};

enum {
	CFS_STORE_CREATE = 1 << 0,	/* make the folders that are missing */
	CFS_STORE_READ_ONLY = 1 << 1,	/* write nothing at all, ever */
	CFS_STORE_NAMES = 1 << 2,	/* make images/ if objects/ is there */
};

/* An image name: [A-Za-z0-9][A-Za-z0-9._-]{0,127} */
#define CFS_IMAGE_NAME_MAX	128

/**
 * cfs_store_open() - open (or make) a store
 * @path: its folder
 * @flags: CFS_STORE_CREATE, CFS_STORE_NAMES, CFS_STORE_READ_ONLY, or 0 to require
 *	that it exists
 * @ret: the store, owned by the caller; untouched on failure
 *
 * Costs the same for one object as for a million.  Finds out whether the file
 * system below has fs-verity by trying it on a nameless file; read-only, by
 * asking it.
 *
 * Without images/ (other tools fill objects/ only) it has no names, and gc refuses
 * it.
 *
 * Return: 0, -ENOENT, -ENOTDIR, -EACCES, -EROFS, -ENOMEM, -ELOOP, -EXDEV or -EPERM
 * (see above), -EMEDIUMTYPE (a repository of another program, not read-only) or
 * what the file system said.
 */
int cfs_store_open(const char *path, unsigned int flags,
		   struct cfs_store **ret);

/**
 * cfs_store_open_objects() - open a folder of objects that is no store
 * @path: the folder that holds aa/<62 hex>, as other composefs tools make it
 * @flags: CFS_STORE_CREATE, or 0 to require that it exists
 * @ret: a store without image names; untouched on failure
 *
 * Return: as cfs_store_open().  The cfs_store_image functions return
 * -EOPNOTSUPP on such a store.
 */
int cfs_store_open_objects(const char *path, unsigned int flags,
			   struct cfs_store **ret);

/** cfs_store_close() - NULL is allowed */
void cfs_store_close(struct cfs_store *store);

/** cfs_store_has_verity() - does the file system below seal files? */
bool cfs_store_has_verity(const struct cfs_store *store);

/** cfs_store_objects_fd() - O_PATH folder of the objects; borrowed */
int cfs_store_objects_fd(const struct cfs_store *store);

/** cfs_store_root_fd() - O_PATH folder of the store; -1 for objects only; borrowed */
int cfs_store_root_fd(const struct cfs_store *store);

/**
 * cfs_store_folder() - open a folder beside objects/
 * @name: one or two components: "profiles", "zst/aa"
 * @create: make it if it is not there
 * @ret_fd: readable, owned by the caller; untouched unless 0
 *
 * Return: 0, CFS_STORE_MISS (only without @create), -EOPNOTSUPP in a folder of
 * objects only, -ELOOP, -EXDEV, -EPERM or -errno.
 */
int cfs_store_folder(struct cfs_store *store, const char *name, bool create,
		     int *ret_fd);

/**
 * cfs_store_images_changed() - when a name was last made or removed
 *
 * Return: 0, -ENOENT without images/, or -errno.
 */
int cfs_store_images_changed(const struct cfs_store *store,
			     struct timespec *ret);

/**
 * cfs_store_get() - open a published object
 * @store: the store
 * @digest: which one; what is opened is a regular file, but its bytes and its
 *	fs-verity digest are not looked at
 * @ret_fd: read-only descriptor, owned by the caller; untouched unless 0
 *
 * A symlink, FIFO, device or folder in its place is never followed or opened.
 *
 * Return: 0, CFS_STORE_MISS, CFS_STORE_DAMAGED (not a regular file) or -errno.
 */
int cfs_store_get(struct cfs_store *store, const struct cfs_digest *digest,
		  int *ret_fd);

/**
 * cfs_store_has_file() - is there a regular file at a path below objects/?
 * @path: such as an image reads from that other programs made; may be empty
 * @size: it must have, in bytes
 */
bool cfs_store_has_file(const struct cfs_store *store, const char *path,
			uint64_t size);

/**
 * cfs_store_check() - is the object there, and is it what its name says?
 * @store: the store
 * @digest: which one
 * @size: size it must have in bytes, or UINT64_MAX if not known
 *
 * O(1) in the object's size: with fs-verity below, the kernel's measured digest
 * decides; without, presence as a regular file of the right size does.
 *
 * Return: 0, CFS_STORE_MISS, CFS_STORE_DAMAGED or -errno.
 */
int cfs_store_check(struct cfs_store *store, const struct cfs_digest *digest,
		    uint64_t size);

/** cfs_image_name_valid() - is this a name that images/ may hold? */
bool cfs_image_name_valid(const char *name);

/**
 * cfs_store_image_get() - which image does a name pin?
 * @store: the store
 * @name: the image name
 * @ret: the digest of the image; untouched unless 0
 *
 * Reads the link and checks its form; the object need not exist.
 *
 * Return: 0, CFS_STORE_MISS, CFS_STORE_DAMAGED (not a link to an object),
 * -EINVAL if @name is not an image name, or -errno.
 */
int cfs_store_image_get(struct cfs_store *store, const char *name,
			struct cfs_digest *ret);

/**
 * cfs_store_image_stat() - the status of a name itself, not of the image
 * @ret: of the link; untouched unless 0
 *
 * Return: 0, CFS_STORE_MISS, -EINVAL if @name is not an image name, or -errno.
 */
int cfs_store_image_stat(struct cfs_store *store, const char *name,
			 struct stat *ret);

/**
 * cfs_store_image_set() - pin an image under a name, replacing what was there
 * @store: the store
 * @name: the image name
 * @digest: of an image that the store has
 *
 * The name never leads nowhere: what it names is made durable first, then the
 * link appears by rename.
 *
 * Return: 0, CFS_STORE_MISS if the store lacks the image, -EINVAL if @name is
 * not an image name, or -errno.
 */
int cfs_store_image_set(struct cfs_store *store, const char *name,
			const struct cfs_digest *digest);

/**
 * cfs_store_image_remove() - drop a name; its image and objects stay until gc
 *
 * Return: 0, CFS_STORE_MISS, -EINVAL or -errno.
 */
int cfs_store_image_remove(struct cfs_store *store, const char *name);

/**
 * typedef cfs_store_image_fn - called for each name in images/
 *
 * Return: 0 to go on, anything else to stop and have it returned.
 */
typedef int (*cfs_store_image_fn)(void *context, const char *name,
				  const struct cfs_digest *digest);

/**
 * cfs_store_image_each() - visit every well-formed name of images/
 *
 * Order is undefined; entries that are not links to objects are passed over.
 *
 * Return: 0, what @fn returned, or -errno.
 */
int cfs_store_image_each(struct cfs_store *store, cfs_store_image_fn fn,
			 void *context);

#endif /* CACHE_STORE_STORE_H */
