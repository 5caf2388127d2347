/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options of a composefs mount, read from mount(8)'s -o text.
 *
 *	OPTION[,OPTION]...	a backslash makes the next character, a comma for
 *				instance, part of the option
 *
 * mount(8) puts rw in front of all others where ro is not given, so that rw alone asks for
 * nothing.
 *
 * What one option means never depends on where it stands among the others.  Of
 * pairs like ro and rw the last one counts, as everywhere in mount(8); an option
 * with a value that is given twice is refused.
 *
 * Ownership: struct mount_options owns its strings; mount_options_init() makes
 * an empty one, mount_options_free() releases what it holds.
 */
#ifndef CACHE_MOUNT_OPTIONS_H
#define CACHE_MOUNT_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/errmsg.h"
#include "cache/verity/digest.h"

#define MOUNT_BASEDIRS_MAX	500
#define MOUNT_MIRRORS_MAX	16
#define MOUNT_FETCHER_ARGS_MAX	16

enum mount_backend {
	MOUNT_BACKEND_AUTO,
	MOUNT_BACKEND_KERNEL,		/* composefs.ko */
	MOUNT_BACKEND_OVERLAY,		/* EROFS and overlayfs */
};

/**
 * struct mount_options - all of it
 * @basedirs: where objects are looked for, in order
 * @store: a store to use as the first basedir, or NULL
 * @mirrors: base URLs to fetch from
 * @fetcher_args: for cfs-fetch, as --name=value
 * @log: file that the fetcher's messages are appended to, or NULL
 * @has_digest: @digest was given
 * @image_verity: whatever @verity_check is, the image must have fs-verity
 * @verity_check: 0 to 2: what every option together asks for
 * @try_verity: @verity_check may be lowered to 0 where there is no fs-verity
 * @says_verity: verity or verity_check= was given, which tryverity does not change
 * @upperdir: with @workdir, makes the mount writable; or NULL
 * @idmap: file of a user namespace, or NULL
 * @remount: change what is mounted already
 * @read_only: ro was asked for, or this is no remount and there is no @upperdir
 * @attributes: MOUNT_ATTR_* of the mount
 */
struct mount_options {
	char *basedirs[MOUNT_BASEDIRS_MAX];
	size_t n_basedirs;
	char *store;
	char *mirrors[MOUNT_MIRRORS_MAX];
	size_t n_mirrors;
	char *fetcher_args[MOUNT_FETCHER_ARGS_MAX];
	size_t n_fetcher_args;
	char *log;
	bool remount;

	bool has_digest;
	struct cfs_digest digest;
	bool image_verity;
	unsigned int verity_check;
	bool try_verity;
	bool says_verity;

	enum mount_backend backend;
	char *upperdir;
	char *workdir;
	char *idmap;
	bool read_only;
	uint64_t attributes;
};

/** mount_options_init() - as if no option was given */
void mount_options_init(struct mount_options *options);

/** mount_options_free() - release what it holds; the struct is the caller's */
void mount_options_free(struct mount_options *options);

/**
 * mount_options_parse() - read all options
 * @options: from mount_options_init(); to be freed on failure, too
 * @text: all -o arguments, joined by commas; borrowed
 * @sloppy: pass over what is not known (mount -s)
 * @msg: says what is wrong with which option
 *
 * Options that only concern mount(8) or fstab (_netdev, nofail, x-...), or file systems
 * that write (sync, lazytime), are passed over.
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int mount_options_parse(struct mount_options *options, const char *text,
			bool sloppy, struct errmsg *msg);

#endif /* CACHE_MOUNT_OPTIONS_H */
