// SPDX-License-Identifier: GPL-2.0
/*
 * Counters of a mount, shown in /proc/PID/mountstats:
 *
 *	device IMAGE mounted on DIR with fstype composefs
 *		opens: hits 12 misses 3 fetched 2 failed 1
 *		fetch_wait_ms 1532 objects_rejected 0 image_errors 0
 *
 * There, and not in sysfs, because a mount has its line there already: it needs
 * no name of its own that could clash or outlive it, and a container sees the
 * counters of the mounts that it sees, and no others.
 *
 * hits		opened in an object directory at once
 * misses	were not: a fetcher was asked, or there is none
 * fetched	of the misses, those opened afterwards
 * failed	open() returned an error
 * fetch_wait	the time all opens together waited for fetchers
 * rejected	files in an object's place: wrong type, size or digest
 * image_errors	times the image contradicted itself
 */
#include <linux/percpu.h>
#include <linux/seq_file.h>

#include "internal.h"

#define CREATE_TRACE_POINTS
#include "trace.h"

static void sum(const struct cfs_fs *fs, struct cfs_stats *ret)
{
	int cpu;

	for_each_possible_cpu(cpu) {
		const struct cfs_stats *stats = per_cpu_ptr(fs->stats, cpu);

		ret->hits += READ_ONCE(stats->hits);
		ret->misses += READ_ONCE(stats->misses);
		ret->fetched += READ_ONCE(stats->fetched);
		ret->failed += READ_ONCE(stats->failed);
		ret->rejected += READ_ONCE(stats->rejected);
		ret->corrupted += READ_ONCE(stats->corrupted);
		ret->fetch_wait_ns += READ_ONCE(stats->fetch_wait_ns);
	}
}

int cfs_show_stats(struct seq_file *m, struct dentry *root)
{
	struct cfs_stats total = {};

	sum(cfs_fs(root->d_sb), &total);
	seq_printf(m, "\n\topens: hits %llu misses %llu fetched %llu failed %llu",
		   total.hits, total.misses, total.fetched, total.failed);
	seq_printf(m, "\n\tfetch_wait_ms %llu objects_rejected %llu image_errors %llu",
		   div_u64(total.fetch_wait_ns, NSEC_PER_MSEC), total.rejected,
		   total.corrupted);
	return 0;
}

/**
 * cfs_image_error() - say that an image is malformed, now and then
 * @sb: the mount
 * @nid: which inode
 * @what: what could not be read
 * @err: passed through; only what an image can cause is logged
 */
int cfs_image_error(struct super_block *sb, u64 nid, const char *what, int err)
{
	if (err == -EFSCORRUPTED || err == -EOPNOTSUPP) {
		cfs_count(cfs_fs(sb), corrupted);
		cfs_warn(sb, "%s %s at inode %llu\n",
			 err == -EOPNOTSUPP ? "unsupported" : "malformed",
			 what, nid);
	}
	return err;
}
