// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How far a scan is.  The scan itself learns the tree's size only at its end, so
 * a second walk, over names and sizes alone, runs ahead of it; only where a
 * person watches.
 */
#include <fts.h>
#include <sys/stat.h>

#include "cache/programs/mkcomposefs.h"

#define INTERVAL_NS	(100 * 1000 * 1000)

static void *count_total(void *context)
{
	struct mkcomposefs_progress *p = context;
	char *const paths[] = { (char *)p->source, NULL };
	FTS *fts = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR,
			    NULL);
	uint64_t total = 0;
	FTSENT *entry;

	if (!fts)
		return NULL;
	while (!atomic_load(&p->stop_counting) && (entry = fts_read(fts))) {
		if (entry->fts_info == FTS_F && S_ISREG(entry->fts_statp->st_mode) &&
		    entry->fts_statp->st_size > CFS_SCAN_INLINE_MAX)
			total += entry->fts_statp->st_size;
	}
	fts_close(fts);
	if (!atomic_load(&p->stop_counting))
		atomic_store(&p->total, total);
	return NULL;
}

static void show(struct mkcomposefs_progress *p)
{
	const struct progress_state state = {
		.bytes = atomic_load(&p->counters->bytes),
		.total = atomic_load(&p->total),
		.items = atomic_load(&p->counters->files),
	};

	progress_show(&p->progress, &state);
}

static void *show_until_end(void *context)
{
	struct mkcomposefs_progress *p = context;
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	pthread_mutex_lock(&p->lock);
	while (!p->ended) {
		next.tv_nsec += INTERVAL_NS;
		if (next.tv_nsec >= 1000 * 1000 * 1000) {
			next.tv_nsec -= 1000 * 1000 * 1000;
			next.tv_sec++;
		}
		pthread_cond_timedwait(&p->wake, &p->lock, &next);
		if (!p->ended)
			show(p);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

void mkcomposefs_progress_begin(struct mkcomposefs_progress *p,
				const char *source,
				const struct cfs_scan_counters *counters)
{
	pthread_condattr_t attr;

	*p = (struct mkcomposefs_progress){
		.source = source,
		.counters = counters,
	};
	progress_begin(&p->progress, "mkcomposefs", "files");
	if (!p->progress.enabled)
		return;
	pthread_mutex_init(&p->lock, NULL);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->wake, &attr);
	pthread_condattr_destroy(&attr);
	if (pthread_create(&p->show_thread, NULL, show_until_end, p)) {
		p->progress.enabled = false;
		return;
	}
	p->total_started = !pthread_create(&p->total_thread, NULL, count_total,
					   p);
}

void mkcomposefs_progress_end(struct mkcomposefs_progress *p)
{
	if (!p->progress.enabled)
		return;
	atomic_store(&p->stop_counting, true);
	pthread_mutex_lock(&p->lock);
	p->ended = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->show_thread, NULL);
	if (p->total_started)
		pthread_join(p->total_thread, NULL);
	progress_end(&p->progress);
	pthread_cond_destroy(&p->wake);
	pthread_mutex_destroy(&p->lock);
}
