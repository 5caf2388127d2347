// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/mirror/zstd.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zstd.h>

#include "cache/base/cleanup.h"
#include "cache/base/full_io.h"
#include "cache/store/store.h"
#include "cache/mirror/extra.h"
#include "cache/store/walk.h"
#include "cache/verity/hash.h"

#define FOLDER		"zst"
#define BUFFER_LEN	((size_t)256 << 10)
/* A look at the beginning shows what can't be compressed at all. */
#define SAMPLE_LEVEL	1

enum {
	USELESS = 1,
};

struct run {
	struct cfs_store *store;
	const struct cfs_zst_options *options;
	pthread_mutex_t lock;		/* of report and callbacks */
	struct cfs_zst_report report;
};

static bool pays(uint64_t size, uint64_t zst_size)
{
	return zst_size <= size - size / 10;
}

static void free_compressor(ZSTD_CCtx **zstd)
{
	ZSTD_freeCCtx(*zstd);
}

static void free_hash(struct cfs_verity_hash **hash)
{
	cfs_verity_hash_free(*hash);
}

/* Some bytes of the object into the file; counts what was written. */
static int squeeze(ZSTD_CCtx *zstd, ZSTD_inBuffer *in, ZSTD_EndDirective end,
		   void *buffer, int fd, uint64_t *written)
{
	size_t left;

	do {
		ZSTD_outBuffer out = { .dst = buffer, .size = BUFFER_LEN };
		int err;

		left = ZSTD_compressStream2(zstd, &out, in, end);
		if (ZSTD_isError(left))
			return -ENOMEM;
		err = full_write(fd, buffer, out.pos);
		if (err < 0)
			return err;
		*written += out.pos;
	} while (end == ZSTD_e_end ? left > 0 : in->pos < in->size);
	return 0;
}

static int compress(int object_fd, uint64_t size, const struct cfs_digest *digest,
		    int level, int fd, uint64_t *written)
{
	CLEANUP(free_compressor) ZSTD_CCtx *zstd = ZSTD_createCCtx();
	CLEANUP(free_hash) struct cfs_verity_hash *hash = NULL;
	CLEANUP_FREE uint8_t *bytes = malloc(2 * BUFFER_LEN);
	struct cfs_digest found;
	uint64_t at = 0;
	int err = cfs_verity_hash_new(&hash);

	if (!zstd || !bytes || err < 0)
		return -ENOMEM;
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(zstd, ZSTD_c_windowLog, CFS_ZST_WINDOW_LOG);
	ZSTD_CCtx_setPledgedSrcSize(zstd, size);
	while (err == 0 && at < size) {
		size_t n = size - at < BUFFER_LEN ? size - at : BUFFER_LEN;
		ZSTD_inBuffer in = { .src = bytes, .size = n };

		err = full_pread(object_fd, bytes, n, (off_t)at);
		if (err == 0)
			err = cfs_verity_hash_add(hash, bytes, n);
		at += n;
		if (err == 0)
			err = squeeze(zstd, &in, at < size ? ZSTD_e_continue :
							     ZSTD_e_end,
				      bytes + BUFFER_LEN, fd, written);
	}
	if (err == 0)
		err = cfs_verity_hash_finish(hash, &found);
	return err == 0 && !cfs_digest_equal(&found, digest) ? -EBADMSG : err;
}

/* Is there any hope? */
static int sample(int object_fd, uint64_t size)
{
	size_t n = size < BUFFER_LEN ? size : BUFFER_LEN;
	size_t bound = ZSTD_compressBound(n), packed;
	CLEANUP_FREE uint8_t *bytes = malloc(n + bound);
	int err;

	if (!bytes)
		return -ENOMEM;
	err = full_pread(object_fd, bytes, n, 0);
	if (err < 0)
		return err;
	packed = ZSTD_compress(bytes + n, bound, bytes, n, SAMPLE_LEVEL);
	return ZSTD_isError(packed) || packed > n - n / 20 ? USELESS : 0;
}

static int make(struct run *run, const struct cfs_object_info *info,
		uint64_t *ret_size)
{
	CLEANUP_CLOSE int fd = -1;
	struct replace_file file;
	int err = cfs_store_get(run->store, &info->digest, &fd);

	*ret_size = 0;
	if (err == CFS_STORE_DAMAGED)
		return -EBADMSG;
	if (err == CFS_STORE_MISS)	/* it went meanwhile */
		return USELESS;
	if (err == 0)
		err = sample(fd, info->size);
	if (err == 0)
		err = cfs_store_extra_begin(run->store, FOLDER, &info->digest,
					    &file);
	if (err)
		return err;
	err = compress(fd, info->size, &info->digest, run->options->level,
		       file.fd, ret_size);
	if (err == 0 && !pays(info->size, *ret_size))
		err = USELESS;
	if (err == 0)
		return replace_file_commit(&file);
	replace_file_abandon(&file);
	return err;
}

static int visit(void *context, const struct cfs_object_info *info)
{
	struct run *run = context;
	struct cfs_zst_report *report = &run->report;
	uint64_t zst_size;
	bool existed;
	int err = 0;

	if (!info->regular || info->size < CFS_ZST_MIN_SIZE)
		return 0;
	existed = cfs_store_extra_look(run->store, FOLDER, &info->digest,
				       &zst_size) == 0;
	if (!existed)
		err = make(run, info, &zst_size);
	/* All others would meet the next object, too. */
	if (err < 0 && err != -EBADMSG && err != -EIO)
		return err;
	pthread_mutex_lock(&run->lock);
	report->existed += existed;
	report->made += !existed && err == 0;
	report->useless += err == USELESS;
	report->failed += err < 0;
	report->bytes += existed ? 0 : info->size;
	report->object_bytes += err ? 0 : info->size;
	report->zst_bytes += err ? 0 : zst_size;
	if (err < 0)
		run->options->failed(run->options->context, &info->digest, err);
	run->options->progress(run->options->context, report);
	pthread_mutex_unlock(&run->lock);
	return 0;
}

int cfs_store_zst(struct cfs_store *store, const struct cfs_zst_options *options,
		  struct cfs_zst_report *ret)
{
	struct run run = {
		.store = store,
		.options = options,
		.lock = PTHREAD_MUTEX_INITIALIZER,
	};
	int err = cfs_store_walk(store, options->n_threads, visit, &run);

	if (err == 0)
		err = cfs_store_extra_sweep(store, FOLDER, false,
					    &run.report.removed_bytes);
	*ret = run.report;
	return err;
}
