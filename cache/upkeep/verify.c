// SPDX-License-Identifier: GPL-2.0-or-later
/* Checking every object of a store, on several threads. */
#include "cache/upkeep/verify.h"

#include <pthread.h>

#include "cache/store/list.h"
#include "cache/store/store.h"
#include "cache/store/layout.h"
#include "cache/store/walk.h"

struct verify {
	struct cfs_store *store;
	const struct cfs_verify_options *options;
	pthread_mutex_t lock;		/* of report and callbacks */
	struct cfs_verify_report report;
};

static int check(const struct verify *verify,
		 const struct cfs_object_info *info)
{
	if (!info->regular)
		return CFS_STORE_DAMAGED;
	if (verify->options->full)
		return object_check_bytes(verify->store, &info->digest,
					  info->size);
	return cfs_store_check(verify->store, &info->digest, info->size);
}

/* Called with the lock held. */
static void damaged(struct verify *verify, const struct cfs_object_info *info)
{
	int err = 0;

	verify->report.damaged++;
	if (verify->options->repair) {
		err = object_set_aside(verify->store, &info->digest);
		if (err >= 0) {
			verify->report.repaired++;
			err = 0;
		}
	}
	verify->options->damaged(verify->options->context, &info->digest, err);
}

static int visit(void *context, const struct cfs_object_info *info)
{
	struct verify *verify = context;
	int err = check(verify, info);

	if (err == CFS_STORE_MISS)	/* it went meanwhile */
		return 0;
	if (err < 0)
		return err;
	pthread_mutex_lock(&verify->lock);
	verify->report.objects++;
	verify->report.bytes += info->size;
	if (err == CFS_STORE_DAMAGED)
		damaged(verify, info);
	verify->options->progress(verify->options->context, &verify->report);
	pthread_mutex_unlock(&verify->lock);
	return 0;
}

int cfs_store_verify(struct cfs_store *store,
		     const struct cfs_verify_options *options,
		     struct cfs_verify_report *ret)
{
	struct verify verify = {
		.store = store,
		.options = options,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	int err = cfs_store_walk(store, options->n_threads, visit, &verify);

	*ret = verify.report;
	return err;
}
