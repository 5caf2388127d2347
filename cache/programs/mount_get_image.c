// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a mount's objects are, its image, and what vouches for them. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/store/inspect.h"
#include "cache/mount/image.h"
#include "cache/mount/verity.h"
#include "cache/store/explain.h"
#include "cache/store/guard.h"
#include "cache/store/heal.h"
#include "cache/programs/mount_request.h"
#include "cache/store/lock.h"
#include "cache/store/transient.h"
#include "cache/store/unmake.h"

static int open_store(struct request *r, const char *path, unsigned int flags,
		      struct errmsg *msg)
{
	struct errmsg why;
	int err;

	err = cfs_store_open(path, flags, &r->store);
	if (err < 0) {
		cfs_store_explain_open(path, err, &why);
		return errmsg_set(msg, err, "store %.900s", why.text);
	}
	err = cfs_store_guard(path, msg);
	if (err < 0)
		return err;
	if (err > 0)
		say("%s", msg->text);
	msg->text[0] = '\0';
	r->store_path = realpath(path, NULL);
	return r->store_path ? 0 : -errno;
}

/*
 * A fetcher serves what the images of its store name, so the image has to be
 * one of them.
 */
static int find_store(struct request *r, struct errmsg *msg)
{
	CLEANUP_FREE char *path = NULL;
	bool fetches = false;
	size_t i;
	int err;

	for (i = 0; i < r->basedirs.n; i++)
		fetches |= r->basedirs.dirs[i].fetches;
	if (!fetches || r->store)
		return 0;
	err = mount_basedirs_store(&r->basedirs, &path);
	if (err < 0)
		return err;
	if (!path) {
		say("%s is not the objects folder of a store: the fetcher will not learn from this image what it may fetch",
		    r->basedirs.dirs[0].path);
		return 0;
	}
	return open_store(r, path, CFS_STORE_CREATE, msg);
}

/*
 * The owner of a store can put a link in place of objects/, and an image of that
 * user's could then read root's files through the mount.  So where the owner is not
 * root, the mount gets the folder that was opened.
 */
static int hold_objects(struct request *r, struct errmsg *msg)
{
	int objects_fd = cfs_store_objects_fd(r->store);
	struct stat st;

	if (fstat(objects_fd, &st) < 0 || geteuid() != 0 || st.st_uid == 0)
		return 0;
	r->objects_fd = open_tree(objects_fd, "", AT_EMPTY_PATH |
				  OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
	return r->objects_fd < 0 ?
		errmsg_set(msg, -errno, "store %s: objects/ can't be cloned: %m",
			   r->store_path) : 0;
}

int find_objects(struct request *r, struct errmsg *msg)
{
	const char *folders[MOUNT_BASEDIRS_MAX];
	struct mount_options *o = &r->options;
	size_t i, n = 0;
	int err = 0;

	if (r->is_url || o->n_mirrors) {
		r->store_absent = cfs_store_absent(o->store);
		err = open_store(r, o->store, CFS_STORE_CREATE, msg);
	}
	if (err == 0 && r->store)
		err = hold_objects(r, msg);
	if (err == 0)
		err = mount_basedirs_resolve(o, &r->basedirs, msg);
	if (err < 0)
		return err;
	for (i = 0; i < r->basedirs.n; i++)
		if (!r->basedirs.dirs[i].fetches)
			folders[n++] = r->basedirs.dirs[i].path;
	err = mount_verity_settle(o, folders, n, msg);
	if (err < 0)
		return err;
	if (err == MOUNT_VERITY_NONE) {
		r->weak = *msg;
		msg->text[0] = '\0';
	}
	return find_store(r, msg);
}

struct mount_fetcher make_fetcher(const struct request *r,
				  char *mirrors[MOUNT_MIRRORS_MAX + 1])
{
	struct mount_fetcher fetcher = {
		.store = r->store_path,
		.mirrors = mirrors,
		.args = r->options.fetcher_args,
		.n_args = r->options.n_fetcher_args,
		.log = r->options.log,
	};
	size_t i;

	if (r->is_url)
		mirrors[fetcher.n_mirrors++] = r->url.mirror;
	for (i = 0; i < r->options.n_mirrors; i++)
		mirrors[fetcher.n_mirrors++] = r->options.mirrors[i];
	return fetcher;
}

/* 0 if the store has the image, above 0 if it has not, or -errno. */
static int find_in_store(struct request *r, const struct cfs_digest *digest)
{
	int err;

	if (cfs_store_has_verity(r->store))
		return cfs_store_check(r->store, digest, UINT64_MAX);
	/* Only its bytes vouch for it; a damaged one must not be in the way. */
	err = cfs_object_heal(r->store, digest, UINT64_MAX);
	if (err == CFS_HEAL_SOUND)
		return 0;
	return err == 0 ? CFS_STORE_MISS : err;
}

/* After this the store has the image and r->digest is its digest. */
static int fetch_image(struct request *r, struct errmsg *msg)
{
	char *mirrors[MOUNT_MIRRORS_MAX + 1], hex[CFS_DIGEST_HEX_LEN + 1];
	struct mount_fetcher fetcher = make_fetcher(r, mirrors);
	const struct mount_options *o = &r->options;
	int err;

	if (!o->has_digest)
		return mount_fetcher_get_image(&fetcher, r->url.name,
					       &r->digest, msg);
	r->digest = o->digest;
	err = find_in_store(r, &o->digest);
	if (err <= 0)
		return err;		/* there: no network */
	cfs_digest_format(&o->digest, hex);
	err = mount_fetcher_get_image(&fetcher, hex, &r->digest, msg);
	if (err == 0 && !cfs_digest_equal(&r->digest, &o->digest))
		err = errmsg_set(msg, -EBADMSG,
				 "%s: another image than %s came", r->source,
				 hex);
	return err;
}

int get_image(struct request *r, struct errmsg *msg)
{
	CLEANUP_CLOSE int file_fd = -1;
	int err = 0;

	/* Until it is pinned gc may take what is there for garbage. */
	if (r->store)
		err = cfs_store_lock(r->store, CFS_STORE_LOCK_SHARED, true,
				     &r->lock_fd);
	if (err < 0)
		return errmsg_set(msg, err, "store %s: can't be locked: %s",
				  r->store_path, strerror(-err));
	if (r->is_url) {
		err = fetch_image(r, msg);
	} else {
		snprintf(r->image_name, sizeof(r->image_name), "%s",
			 r->source);
		err = mount_image_open(r->source, &file_fd, msg);
		if (err == 0 && !r->store) {
			r->image_fd = take_fd(&file_fd);
			return 0;
		}
		if (err == 0)
			err = mount_image_import(r->store, file_fd, r->source,
						 &r->digest, msg);
	}
	if (err < 0)
		return err;
	return mount_image_from_store(r->store, &r->digest, r->image_name,
				      sizeof(r->image_name), &r->image_fd, msg);
}

int check_image(struct request *r, struct errmsg *msg)
{
	struct mount_options *o = &r->options;
	bool trusted = !r->is_url || o->has_digest;
	int err = 0;

	if (o->has_digest) {
		err = mount_verity_check_image(o, r->image_name, r->image_fd,
					       msg);
		if (err < 0)
			return err;
		r->sealed = err == 0;
		msg->text[0] = '\0';
	}
	err = cfs_image_inspect(r->image_fd, r->image_name, !trusted,
				&r->has_acl, msg);
	if (err == 0 && r->store)
		err = mount_image_pin(r->store, &r->digest, trusted, msg);
	if (r->lock_fd >= 0)
		close(take_fd(&r->lock_fd));
	if (!trusted)
		o->attributes |= MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV;
	return err;
}

void forget_image(struct request *r)
{
	CLEANUP_CLOSE int fd = -1;

	/* Its fetcher, if it has not ended yet, will do the same. */
	if (r->store && r->is_url && !r->options.has_digest &&
	    cfs_transient_hold(r->store, &r->digest, &fd) == 0)
		cfs_transient_release(r->store, &r->digest, fd);
}
