/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Tracepoints, named after the steps of open.c:
 *
 *	composefs_open_hit	found in an object directory
 *	composefs_open_miss	not there: trigger @basedir is asked
 *	composefs_fetch_wait	the trigger has answered
 *	composefs_verity	a backing file's digest was compared
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM composefs

#if !defined(TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define TRACE_H

#include <linux/fs.h>
#include <linux/tracepoint.h>

TRACE_EVENT(composefs_open_hit,
	TP_PROTO(const struct inode *inode, const char *object),
	TP_ARGS(inode, object),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__string(object, object)
	),
	TP_fast_assign(
		__entry->dev = inode->i_sb->s_dev;
		__entry->ino = inode->i_ino;
		__assign_str(object);
	),
	TP_printk("dev=%u:%u ino=%llu object=%s", MAJOR(__entry->dev),
		  MINOR(__entry->dev), __entry->ino, __get_str(object))
);

TRACE_EVENT(composefs_open_miss,
	TP_PROTO(const struct inode *inode, const char *object,
		 unsigned int basedir),
	TP_ARGS(inode, object, basedir),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(unsigned int, basedir)
		__string(object, object)
	),
	TP_fast_assign(
		__entry->dev = inode->i_sb->s_dev;
		__entry->ino = inode->i_ino;
		__entry->basedir = basedir;
		__assign_str(object);
	),
	TP_printk("dev=%u:%u ino=%llu object=%s basedir=%u",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino,
		  __get_str(object), __entry->basedir)
);

TRACE_EVENT(composefs_fetch_wait,
	TP_PROTO(const struct inode *inode, const char *object,
		 unsigned int basedir, int err, u64 wait_ns),
	TP_ARGS(inode, object, basedir, err, wait_ns),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(u64, wait_ns)
		__field(unsigned int, basedir)
		__field(int, err)
		__string(object, object)
	),
	TP_fast_assign(
		__entry->dev = inode->i_sb->s_dev;
		__entry->ino = inode->i_ino;
		__entry->wait_ns = wait_ns;
		__entry->basedir = basedir;
		__entry->err = err;
		__assign_str(object);
	),
	TP_printk("dev=%u:%u ino=%llu object=%s basedir=%u err=%d wait_ns=%llu",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino,
		  __get_str(object), __entry->basedir, __entry->err,
		  __entry->wait_ns)
);

TRACE_EVENT(composefs_verity,
	TP_PROTO(const struct inode *inode, const char *object, int digest_len,
		 bool good),
	TP_ARGS(inode, object, digest_len, good),
	TP_STRUCT__entry(
		__field(dev_t, dev)
		__field(u64, ino)
		__field(int, digest_len)
		__field(bool, good)
		__string(object, object)
	),
	TP_fast_assign(
		__entry->dev = inode->i_sb->s_dev;
		__entry->ino = inode->i_ino;
		__entry->digest_len = digest_len;
		__entry->good = good;
		__assign_str(object);
	),
	TP_printk("dev=%u:%u ino=%llu object=%s result=%s",
		  MAJOR(__entry->dev), MINOR(__entry->dev), __entry->ino,
		  __get_str(object),
		  __entry->good ? "good" :
		  __entry->digest_len > 0 ? "wrong" : "none")
);

#endif /* TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>
