// SPDX-License-Identifier: GPL-2.0-or-later
/* Publishing a staged file: seal it, link it, and settle who was first. */
#include "cache/store/publish.h"

#include <errno.h>
#include <sys/stat.h>

#include "cache/base/failpoint.h"
#include "cache/store/store.h"
#include "cache/store/layout.h"

/* How often somebody may put something wrong in the place we have just cleared. */
#define LINK_TRIES	8

/* Without fs-verity nothing but its bytes vouches for what is there. */
static int check_existing(struct cfs_store *store,
			  const struct cfs_digest *digest, uint64_t size)
{
	return store->verity ? cfs_store_check(store, digest, size) :
			       object_check_bytes(store, digest, size);
}

static int link_or_settle(struct cfs_store *store, int fd,
			  const struct cfs_digest *digest)
{
	struct stat st;
	int i, err;

	if (fstat(fd, &st) < 0)
		return -errno;
	for (i = 0; i < LINK_TRIES; i++) {
		err = object_link(store, fd, digest);
		if (err != -EEXIST)
			return err;
		err = check_existing(store, digest, st.st_size);
		if (err == 0)
			return CFS_PUBLISH_EXISTED;
		if (err == CFS_STORE_DAMAGED)
			err = object_set_aside(store, digest);
		if (err < 0)
			return err;
	}
	return -EEXIST;
}

static int publish(struct cfs_store *store, int fd,
		   const struct cfs_digest *digest, bool flushed)
{
	int err = object_seal(store, &fd, digest, flushed);

	if (err == 0)
		err = link_or_settle(store, fd, digest);
	if (err == 0)
		err = FAILPOINT("link.after");
	object_staged_drop(store, fd);
	return err;
}

int cfs_object_publish(struct cfs_store *store, int fd,
		       const struct cfs_digest *digest)
{
	return publish(store, fd, digest, false);
}

int cfs_object_publish_synced(struct cfs_store *store, int fd,
			      const struct cfs_digest *digest)
{
	return publish(store, fd, digest, true);
}
