// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading the log that dm-log-writes or log_disk has written. */
#include "tests/crash/write_log.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

/* The entry at *pos, which moves on to the next one. */
static int read_entry(const struct write_log *log, uint64_t sector_size,
		      uint64_t *pos, struct write_log_entry *ret)
{
	const struct write_log_head *head = (const void *)(log->map + *pos);
	uint64_t data = *pos + sector_size;

	if (data > log->map_len)
		return -EBADMSG;
	ret->flags = le64toh(head->flags);
	ret->offset = le64toh(head->sector) * sector_size;
	ret->len = le64toh(head->n_sectors) * sector_size;
	ret->data = NULL;
	*pos = data;
	if (ret->flags & WRITE_LOG_MARK) {
		ret->data = (const uint8_t *)(head + 1);
		ret->len = le64toh(head->data_len);
		return ret->len < sector_size - sizeof(*head) ? 0 : -EBADMSG;
	}
	if (ret->flags & WRITE_LOG_DISCARD)
		return 0;
	if (ret->len > log->map_len - data)
		return -EBADMSG;
	ret->data = log->map + data;
	*pos += ret->len;
	return 0;
}

static int read_entries(struct write_log *log)
{
	const struct write_log_super *super = (const void *)log->map;
	uint64_t sector_size = le32toh(super->sector_size);
	uint64_t pos = sector_size;
	int err = 0;

	if (le64toh(super->magic) != WRITE_LOG_MAGIC ||
	    le64toh(super->version) != WRITE_LOG_VERSION ||
	    sector_size < 512 || sector_size > 65536 ||
	    le64toh(super->n_entries) > log->map_len / sector_size)
		return -EBADMSG;
	log->n_entries = le64toh(super->n_entries);
	log->entries = calloc(log->n_entries + 1, sizeof(*log->entries));
	if (!log->entries)
		return -ENOMEM;
	for (size_t i = 0; err == 0 && i < log->n_entries; i++)
		err = read_entry(log, sector_size, &pos, &log->entries[i]);
	return err;
}

int write_log_open(struct write_log *log, const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	off_t len = fd < 0 ? -1 : lseek(fd, 0, SEEK_END);
	int err;

	*log = (struct write_log){ .n_entries = 0 };
	if (len < 0)
		return -errno;
	if ((size_t)len < sizeof(struct write_log_super))
		return -EBADMSG;
	log->map_len = (size_t)len;
	log->map = mmap(NULL, log->map_len, PROT_READ, MAP_SHARED, fd, 0);
	if (log->map == MAP_FAILED)
		return -errno;
	err = read_entries(log);
	if (err < 0)
		write_log_close(log);
	return err;
}

void write_log_close(struct write_log *log)
{
	free(log->entries);
	munmap((void *)log->map, log->map_len);
}
