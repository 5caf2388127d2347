/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The overlayfs backend: an image's EROFS for names and metadata, over layers
 * that only hold data, which is what existing composefs tools mount.
 *
 * Ownership: everything passed in is borrowed; the mount is the caller's.
 */
#ifndef CACHE_MOUNT_OVERLAY_H
#define CACHE_MOUNT_OVERLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/base/errmsg.h"
#include "cache/mount/place.h"
#include "cache/verity/digest.h"

/**
 * enum overlay_style - how much the kernel's overlayfs understands
 *
 * OVERLAY_PARAMETERS: each layer is an option of its own (Linux 6.8).
 * OVERLAY_DATA_ONLY: "lowerdir=a::b", b holds data only (Linux 6.5).
 * OVERLAY_MERGED: "lowerdir=a:b"; the image hides the names of b (older).
 */
enum overlay_style {
	OVERLAY_PARAMETERS,
	OVERLAY_DATA_ONLY,
	OVERLAY_MERGED,
};

/**
 * struct overlay_mount - what to mount
 * @source: what /proc/mounts shows as the device: what was asked for, by which
 *	mount(8) and systemd know an entry of fstab as mounted
 * @digest: to which the image is pinned, shown in the name of the lowest layer, or NULL
 * @erofs_fd: the image, from mount_erofs()
 * @layers: objects are looked for in this order
 * @n_layers: at least 1
 * @verity_check: 0, 1 (verity=on) or 2 (verity=require)
 * @upperdir: or NULL
 * @workdir: or NULL
 * @read_only: even if there is an @upperdir
 * @attributes: MOUNT_ATTR_*
 * @place: any existing folder, see place.h
 */
struct overlay_mount {
	const char *source;
	const struct cfs_digest *digest;
	int erofs_fd;
	const struct mount_layer *layers;
	size_t n_layers;
	unsigned int verity_check;
	const char *upperdir;
	const char *workdir;
	bool read_only;
	uint64_t attributes;
	const char *place;
};

/**
 * mount_overlay() - mount it
 * @mount: what
 * @style: the best that may be used; worse ones are tried if the kernel refuses
 * @ret_mount_fd: the mount, attached nowhere
 *
 * Return: 0 or -errno.
 */
int mount_overlay(const struct overlay_mount *mount, enum overlay_style style,
		  int *ret_mount_fd, struct errmsg *msg);

#endif /* CACHE_MOUNT_OVERLAY_H */
