// SPDX-License-Identifier: GPL-2.0-or-later
/* cfs-store pin, unpin and import: the names in images/. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/store/inspect.h"
#include "cache/programs/cfs_store.h"
#include "cache/programs/image_in_use.h"
#include "cache/store/store.h"
#include "cache/store/lock.h"

static int check_name(const char *name)
{
	if (cfs_image_name_valid(name))
		return 0;
	return store_usage_error("%s: an image name is a letter or digit, then at most 127 letters, digits, dots, underscores and dashes",
				 name);
}

static int pin(struct cfs_store *store, const char *name, const char *what,
	       const struct cfs_digest *digest)
{
	struct errmsg msg = { .text = "" };
	int err = cfs_store_image_inspect(store, digest, what, &msg);

	if (err < 0)
		return store_complain("%s", msg.text);
	err = cfs_store_image_set(store, name, digest);
	if (err)
		return store_complain("images/%s: %s", name,
				      err == CFS_STORE_MISS ?
					      "the image is gone" :
					      strerror(-err));
	return 0;
}

/* Parse no options at all, for uniform complaints; 0 or an exit status. */
static int no_options(int argc, char **argv)
{
	static const struct option none[] = { { NULL, 0, NULL, 0 } };

	return getopt_long(argc, argv, "", none, NULL) == -1 ? 0 :
		STORE_EXIT_USAGE;
}

static int lock_out_gc(struct cfs_store *store, int *ret_fd)
{
	int err = cfs_store_lock(store, CFS_STORE_LOCK_SHARED, true, ret_fd);

	return err ? store_complain("locking the store: %s", strerror(-err)) :
		     0;
}

int store_pin(int argc, char **argv)
{
	CLEANUP_CLOSE int lock_fd = -1;
	struct cfs_digest digest;
	struct cfs_store *store;
	int err = no_options(argc, argv);

	if (err)
		return err;
	if (argc - optind != 3)
		return store_usage_error("pin takes a store, a name and an image");
	err = check_name(argv[optind + 1]);
	if (err == 0)
		err = store_open_named(argv[optind], CFS_STORE_NAMES, &store);
	if (err)
		return err;
	err = lock_out_gc(store, &lock_fd);
	if (err == 0)
		err = store_resolve(store, argv[optind + 2], &digest);
	if (err == 0)
		err = pin(store, argv[optind + 1], argv[optind + 2], &digest);
	cfs_store_close(store);
	return err;
}

/* What is to be unpinned. */
struct unpin {
	struct cfs_store *store;
	char **names;
	size_t n_names;
	struct cfs_digest digest;	/* of the image in question */
	bool kept;			/* it has a name that stays */
};

static int find_kept_name(void *context, const char *name,
			  const struct cfs_digest *digest)
{
	struct unpin *unpin = context;

	if (!cfs_digest_equal(digest, &unpin->digest))
		return 0;
	for (size_t i = 0; i < unpin->n_names; i++)
		if (strcmp(unpin->names[i], name) == 0)
			return 0;
	unpin->kept = true;
	return 0;
}

/* Would gc take the objects of an image that is mounted? */
static bool leaves_a_mount_alone(struct unpin *unpin, const char *name)
{
	unpin->kept = false;
	if (cfs_store_image_get(unpin->store, name, &unpin->digest) != 0 ||
	    cfs_store_image_each(unpin->store, find_kept_name, unpin) < 0)
		return false;
	return !unpin->kept && image_is_mounted(unpin->store, &unpin->digest);
}

static int unpin_one(struct unpin *unpin, const char *name, bool force)
{
	int err;

	if (!force && leaves_a_mount_alone(unpin, name))
		return store_complain("images/%s: its image is mounted, and has no other name: gc would take what the mount reads; unmount it first, or use --force",
				      name);
	err = cfs_store_image_remove(unpin->store, name);
	if (err < 0)
		return store_complain_of(unpin->store, name, err);
	return err ? store_complain("images/%s: no such name", name) : 0;
}

int store_unpin(int argc, char **argv)
{
	static const struct option options[] = {
		{ "force", no_argument, NULL, 'f' },
		{ NULL, 0, NULL, 0 },
	};
	struct unpin unpin = { .store = NULL };
	bool force = false;
	int option, err;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option != 'f')
			return STORE_EXIT_USAGE;
		force = true;
	}
	if (argc - optind < 2)
		return store_usage_error("unpin takes a store and names");
	err = store_open_named(argv[optind], 0, &unpin.store);
	if (err)
		return err;
	unpin.names = argv + optind + 1;
	unpin.n_names = (size_t)(argc - optind - 1);
	for (size_t i = 0; i < unpin.n_names; i++) {
		int one = unpin_one(&unpin, unpin.names[i], force);

		err = one ? one : err;
	}
	cfs_store_close(unpin.store);
	return err;
}

static int copy_in(struct cfs_store *store, const char *path,
		   struct cfs_digest *ret)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct errmsg msg = { .text = "" };

	if (fd < 0)
		return store_complain("%s: %m", path);
	if (cfs_image_import(store, fd, path, true, ret, &msg) < 0)
		return store_complain("%s", msg.text);
	return 0;
}

int store_import(int argc, char **argv)
{
	CLEANUP_CLOSE int lock_fd = -1;
	char hex[CFS_DIGEST_HEX_LEN + 1];
	struct cfs_digest digest;
	struct cfs_store *store;
	const char *name;
	int err = no_options(argc, argv);

	if (err)
		return err;
	if (argc - optind != 2 && argc - optind != 3)
		return store_usage_error("import takes a store, a file and perhaps a name");
	if (argc - optind == 3)
		err = check_name(argv[optind + 2]);
	if (err == 0)
		err = store_open_named(argv[optind], CFS_STORE_NAMES, &store);
	if (err)
		return err;
	err = lock_out_gc(store, &lock_fd);
	if (err == 0)
		err = copy_in(store, argv[optind + 1], &digest);
	if (err == 0) {
		cfs_digest_format(&digest, hex);
		name = argc - optind == 3 ? argv[optind + 2] : hex;
		err = pin(store, name, argv[optind + 1], &digest);
	}
	if (err == 0)
		puts(hex);
	cfs_store_close(store);
	return err;
}
