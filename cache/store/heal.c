// SPDX-License-Identifier: GPL-2.0-or-later
/* Moving an object that fails its check aside. */
#include "cache/store/heal.h"

#include <errno.h>

#include "cache/base/cleanup.h"
#include "cache/store/store.h"
#include "cache/store/layout.h"
#include "cache/verity/hash.h"

int cfs_object_heal(struct cfs_store *store, const struct cfs_digest *digest,
		    uint64_t size)
{
	int err = object_check_bytes(store, digest, size);

	if (err == 0)
		return CFS_HEAL_SOUND;
	if (err != CFS_STORE_DAMAGED)
		return err;
	return object_set_aside(store, digest);
}
