/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a store holds beside an object, for those who fetch it from here: one file
 * STORE/FOLDER/aa/<62 hex> an object, such as its Merkle tree in verity/.
 *
 * Such a file appears whole, whatever becomes of the process that writes it; a power
 * cut may leave it short, which costs clients a try, since they check what they get.
 * It can be made again at any time, and is of no use once its object is gone.  Any
 * thread; everything passed in is borrowed.
 */
#ifndef CACHE_MIRROR_EXTRA_H
#define CACHE_MIRROR_EXTRA_H

#include <stdbool.h>
#include <stdint.h>

#include "cache/base/replace_file.h"
#include "cache/verity/digest.h"

struct cfs_store;

/**
 * cfs_store_extra_look() - how large is the file beside an object?
 * @folder: such as "verity"
 * @ret_size: bytes; untouched unless 0
 *
 * Return: 0, CFS_STORE_MISS (also if it is no regular file) or -errno.
 */
int cfs_store_extra_look(struct cfs_store *store, const char *folder,
			 const struct cfs_digest *digest, uint64_t *ret_size);

/** cfs_store_extra_folder() - make STORE/FOLDER, if it is not there; 0 or -errno */
int cfs_store_extra_folder(struct cfs_store *store, const char *folder);

/**
 * cfs_store_extra_begin() - start to write the file beside an object
 * @folder: such as "verity"; made if need be
 * @ret: to be ended with replace_file_commit() or replace_file_abandon()
 *
 * Return: 0, -EOPNOTSUPP in a folder of objects only, or -errno.
 */
int cfs_store_extra_begin(struct cfs_store *store, const char *folder,
			  const struct cfs_digest *digest,
			  struct replace_file *ret);

/**
 * cfs_store_extra_sweep() - remove what stands beside objects that are gone
 * @folder: such as "verity"
 * @dry_run: only count
 * @ret_bytes: the bytes on disk that this frees are added to it
 *
 * Return: 0 (also if there is no such folder) or -errno.
 */
int cfs_store_extra_sweep(struct cfs_store *store, const char *folder,
			  bool dry_run, uint64_t *ret_bytes);

/**
 * cfs_store_extra_sweep_images() - remove what belongs to images that are gone
 * @folder: of files <image digest>[.NAME], such as "packs"
 * @dry_run: only count
 * @ret_bytes: the bytes on disk that this frees are added to it
 *
 * Return: 0 (also if there is no such folder) or -errno.
 */
int cfs_store_extra_sweep_images(struct cfs_store *store, const char *folder,
				 bool dry_run, uint64_t *ret_bytes);

#endif /* CACHE_MIRROR_EXTRA_H */
