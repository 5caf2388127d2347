/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The log of a block device's writes, as the kernel's dm-log-writes keeps it,
 * and as log_disk does.
 *
 *	sector 0	super block: magic, version, number of entries, sector size
 *	then entries	one sector of head (a mark's text follows in it), then the data
 *
 * All little-endian.  dm-log-writes logs a write only when it is complete and a
 * flush has made it durable, or it was a FUA write: what stands before a flush
 * in the log is on the disk once that flush is done, and nothing else is sure to be.
 *
 * Ownership: write_log_open() gives the caller a log to write_log_close(); entries
 * and their data live as long as it does.  One thread.
 */
#ifndef TESTS_CRASH_WRITE_LOG_H
#define TESTS_CRASH_WRITE_LOG_H

#include <stddef.h>
#include <stdint.h>

enum {
	WRITE_LOG_FLUSH = 1 << 0,
	WRITE_LOG_FUA = 1 << 1,
	WRITE_LOG_DISCARD = 1 << 2,
	WRITE_LOG_MARK = 1 << 3,
};

/**
 * struct write_log_entry - one request
 * @offset: bytes into the device
 * @len: bytes
 * @data: @len bytes, or NULL for a discard; of a mark: its text
 */
struct write_log_entry {
	uint64_t flags;
	uint64_t offset;
	uint64_t len;
	const uint8_t *data;
};

#define WRITE_LOG_MAGIC		0x6a736677736872ULL
#define WRITE_LOG_VERSION	1

struct write_log_super {
	uint64_t magic;
	uint64_t version;
	uint64_t n_entries;
	uint32_t sector_size;
} __attribute__((packed));

struct write_log_head {
	uint64_t sector;
	uint64_t n_sectors;
	uint64_t flags;
	uint64_t data_len;		/* of a mark: its length */
} __attribute__((packed));

struct write_log {
	struct write_log_entry *entries;
	size_t n_entries;
	/* private: */
	const uint8_t *map;
	size_t map_len;
};

/**
 * write_log_open() - read a log
 * @path: of the log device or a copy of it
 *
 * Return: 0, -EBADMSG if it is no such log, or -errno.
 */
int write_log_open(struct write_log *log, const char *path);

/** write_log_close() - of one that write_log_open() has filled */
void write_log_close(struct write_log *log);

#endif /* TESTS_CRASH_WRITE_LOG_H */
