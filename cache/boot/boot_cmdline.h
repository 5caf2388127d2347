/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the kernel command line says about a root file system that is an image.
 *
 *	root=cfs:<64 hex>	the image; nothing else is ever booted instead
 *	composefs=<64 hex>	the same, as ostree and bootc write it, beside cfs.store=
 *	cfs.store=LABEL=NAME | UUID=ID | zram:SIZE | ramdisk:SIZE
 *				SIZE: 2G, 512M, or 50% of the memory
 *	cfs.mirror=URL		may be repeated, the best first
 *	cfs.verity=require|image|off	what is checked when files are read; default require
 *	cfs.retry=hard|soft	without a mirror: wait for ever (default), or fail
 *	cfs.overlay=tmpfs|none|LABEL=NAME|UUID=ID	where writes go; default tmpfs
 *	cfs.prefetch=boot|all|none|NAME	what is fetched before it is asked for
 *
 * A key that is unknown, lacks its value or is given twice is an error: a typing error
 * must not make a check weaker.  Values are only letters, digits and "-._~:/[]%@+,=", so
 * that a shell may take them as they stand between single quotes.
 *
 * Ownership: struct boot_cmdline owns its strings; boot_cmdline_free() releases them.
 */
#ifndef CACHE_BOOT_BOOT_CMDLINE_H
#define CACHE_BOOT_BOOT_CMDLINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/errmsg.h"
#include "cache/verity/digest.h"

#define BOOT_MIRRORS_MAX	16

/* Positive outcome of boot_cmdline_parse(). */
enum { BOOT_CMDLINE_NOT_OURS = 1 };

enum boot_store {
	BOOT_STORE_DEVICE,		/* a file system that is there */
	BOOT_STORE_ZRAM,		/* one made in compressed memory */
	BOOT_STORE_RAMDISK,		/* one made in memory */
};

enum boot_verity {
	BOOT_VERITY_REQUIRE,		/* of the image and each object */
	BOOT_VERITY_IMAGE,		/* of the image */
	BOOT_VERITY_OFF,		/* checked when fetched, not when read */
};

enum boot_overlay {
	BOOT_OVERLAY_TMPFS,
	BOOT_OVERLAY_DEVICE,
	BOOT_OVERLAY_NONE,		/* the root stays read-only */
};

/**
 * struct boot_cmdline - all of it
 * @digest: of the image
 * @mirrors: base URLs; there may be none
 * @store: where objects are kept
 * @store_device: BOOT_STORE_DEVICE: "LABEL=..." or "UUID=..."
 * @store_bytes: the others: size, or 0 if @store_percent says it
 * @store_percent: of the memory, 1 to 1000 (zram compresses)
 * @overlay_device: BOOT_OVERLAY_DEVICE: as @store_device
 * @soft: cfs.retry=soft
 * @prefetch: "boot", "all", "none" or a profile's name; NULL: as "boot"
 */
struct boot_cmdline {
	struct cfs_digest digest;
	char *mirrors[BOOT_MIRRORS_MAX];
	size_t n_mirrors;
	enum boot_store store;
	char *store_device;
	uint64_t store_bytes;
	unsigned int store_percent;
	enum boot_verity verity;
	enum boot_overlay overlay;
	char *overlay_device;
	bool soft;
	char *prefetch;
};

/**
 * boot_cmdline_parse() - read a command line
 * @text: as /proc/cmdline has it: words split at blanks, "..." keeps blanks; "--" ends it
 * @ret: to be freed after success
 * @msg: says what is wrong with which word
 *
 * Return: 0, BOOT_CMDLINE_NOT_OURS (no image is asked for), -EINVAL or -ENOMEM.
 */
int boot_cmdline_parse(const char *text, struct boot_cmdline *ret,
		       struct errmsg *msg);

/** boot_cmdline_free() - release what it holds; the struct is the caller's */
void boot_cmdline_free(struct boot_cmdline *cmdline);

#endif /* CACHE_BOOT_BOOT_CMDLINE_H */
