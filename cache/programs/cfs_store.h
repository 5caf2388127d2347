/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The commands of cfs-store.  Each gets its own part of the command line, prints,
 * and returns an exit status.
 */
#ifndef CACHE_PROGRAMS_CFS_STORE_H
#define CACHE_PROGRAMS_CFS_STORE_H

#include <stdint.h>

struct cfs_digest;
struct cfs_store;

/* Exit statuses; verify's are those of fsck(8). */
enum {
	STORE_EXIT_OK = 0,
	STORE_EXIT_FAILED = 1,		/* everything but verify */
	STORE_EXIT_USAGE = 2,		/* everything but verify */
	STORE_EXIT_BUSY = 3,		/* gc --no-wait: the store is in use */

	STORE_VERIFY_CORRECTED = 1,	/* damaged objects were moved aside */
	STORE_VERIFY_DAMAGED = 4,	/* damage was found and left */
	STORE_VERIFY_FAILED = 8,	/* could not finish */
	STORE_VERIFY_USAGE = 16,
};

int store_ls(int argc, char **argv);
int store_du(int argc, char **argv);
int store_verify(int argc, char **argv);
int store_gc(int argc, char **argv);
int store_pin(int argc, char **argv);
int store_unpin(int argc, char **argv);
int store_import(int argc, char **argv);
int store_trees(int argc, char **argv);
int store_pack(int argc, char **argv);
int store_compress(int argc, char **argv);

/** store_number() - a decimal number from 1 to @max; 0 if it is none */
unsigned int store_number(const char *text, unsigned int max);

/** store_complain() - one line on stderr; returns STORE_EXIT_FAILED */
__attribute__((format(printf, 1, 2)))
int store_complain(const char *format, ...);

/**
 * store_complain_of() - the same, for something that failed in a store
 * @what: the message begins with it
 * @err: the -errno; a folder of the store that is the reason is named
 */
int store_complain_of(const struct cfs_store *store, const char *what, int err);

/** store_usage_error() - the same, and where help is; returns STORE_EXIT_USAGE */
__attribute__((format(printf, 1, 2)))
int store_usage_error(const char *format, ...);

/**
 * store_open_named() - open the store a command was given
 * @flags: of cfs_store_open()
 * @ret: owned by the caller
 *
 * Says what is wrong.  Return: 0 or STORE_EXIT_FAILED.
 */
int store_open_named(const char *path, unsigned int flags,
		     struct cfs_store **ret);

/**
 * store_resolve() - an image given as its name or its digest
 * @ret: its digest
 *
 * Says what is wrong.  Return: 0 or STORE_EXIT_FAILED.
 */
int store_resolve(struct cfs_store *store, const char *image,
		  struct cfs_digest *ret);

#endif /* CACHE_PROGRAMS_CFS_STORE_H */
