// SPDX-License-Identifier: GPL-2.0-or-later
/* Making the Merkle trees of a store's large objects. */
#include "cache/mirror/trees.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>

#include "cache/base/cleanup.h"
#include "cache/store/store.h"
#include "cache/mirror/extra.h"
#include "cache/store/walk.h"
#include "cache/verity/tree.h"

#define TREE_FOLDER	"verity"

struct trees {
	struct cfs_store *store;
	const struct cfs_trees_options *options;
	pthread_mutex_t lock;		/* of report and callbacks */
	struct cfs_trees_report report;
};

int cfs_store_trees_folder(struct cfs_store *store)
{
	return cfs_store_extra_folder(store, TREE_FOLDER);
}

int cfs_store_tree_make(struct cfs_store *store, const struct cfs_digest *digest,
			uint64_t min_size)
{
	CLEANUP_CLOSE int fd = -1;
	struct cfs_object_info info;
	struct replace_file file;
	int err = cfs_store_object_look(store, digest, &info);

	if (err == 0 && (info.size < min_size || info.size <= VERITY_BLOCK_LEN))
		err = CFS_STORE_MISS;
	if (err == 0)
		err = cfs_store_get(store, digest, &fd);
	if (err == 0)
		err = cfs_store_extra_begin(store, TREE_FOLDER, digest, &file);
	if (err)
		return err;
	err = cfs_verity_tree_write(fd, info.size, digest, file.fd);
	if (err == 0)
		return replace_file_commit(&file);
	replace_file_abandon(&file);
	return err;
}

/* Errors of one object; all others would meet the next object, too. */
static bool is_about_object(int err)
{
	return err > 0 || err == -EBADMSG || err == -EIO || err == -EFBIG;
}

static bool has_tree(struct trees *trees, const struct cfs_object_info *info,
		     uint64_t tree_size)
{
	uint64_t size;

	return cfs_store_extra_look(trees->store, TREE_FOLDER, &info->digest,
				    &size) == 0 &&
	       size == tree_size;
}

static int visit(void *context, const struct cfs_object_info *info)
{
	struct trees *trees = context;
	const struct cfs_trees_options *options = trees->options;
	struct cfs_trees_report *report = &trees->report;
	struct cfs_verity_tree tree;
	uint64_t tree_size;
	bool existed;
	int err = 0;

	cfs_verity_tree_init(&tree, info->size);
	tree_size = tree.n_blocks * VERITY_BLOCK_LEN;
	if (!info->regular || info->size < options->min_size || !tree_size)
		return 0;
	existed = has_tree(trees, info, tree_size);
	if (!existed)
		err = cfs_store_tree_make(trees->store, &info->digest,
					  options->min_size);
	if (err == CFS_STORE_MISS)	/* it went meanwhile */
		return 0;
	if (err && !is_about_object(err))
		return err;
	pthread_mutex_lock(&trees->lock);
	report->existed += existed;
	report->made += !existed && err == 0;
	report->failed += err != 0;
	report->bytes += existed ? 0 : info->size;
	report->tree_bytes += err ? 0 : tree_size;
	if (err)
		options->failed(options->context, &info->digest,
				err > 0 ? -EBADMSG : err);
	options->progress(options->context, report);
	pthread_mutex_unlock(&trees->lock);
	return 0;
}

int cfs_store_trees(struct cfs_store *store,
		    const struct cfs_trees_options *options,
		    struct cfs_trees_report *ret)
{
	struct trees trees = {
		.store = store,
		.options = options,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	int err = cfs_store_walk(store, options->n_threads, visit, &trees);

	*ret = trees.report;
	return err;
}
