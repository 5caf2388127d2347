// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * log_disk DATA LOG MOUNTPOINT: a disk whose writes are logged, without device mapper:
 * two FUSE files, one to be put below a loop device, one to be written to:
 *
 *	MOUNTPOINT/disk		DATA; a write is logged when it is done, an fsync,
 *				which is what loop makes of a flush, as a flush
 *	MOUNTPOINT/mark		what is written here becomes a mark in the log; but
 *				after "fail" writes and flushes fail with EIO, until "work"
 *
 * LOG has the format of write_log.h, whose super block comes last, at unmount.  One
 * thread, so the log's order is the order in which requests were done.
 */
#define FUSE_USE_VERSION 31
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <fuse.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/full_io.h"
#include "tests/crash/write_log.h"

#define SECTOR	512

static struct {
	int data_fd, log_fd;
	off_t size;
	uint64_t n_entries;
	bool failing;
} disk;

static int log_entry(uint64_t flags, uint64_t offset, const void *data,
		     size_t len)
{
	union {
		struct write_log_head head;
		char bytes[SECTOR];
	} sector = { .head.flags = htole64(flags) };
	bool mark = flags & WRITE_LOG_MARK;
	int err;

	if (mark && len >= SECTOR - sizeof(sector.head))
		return -EMSGSIZE;
	if (mark) {
		sector.head.data_len = htole64(len);
		memcpy(sector.bytes + sizeof(sector.head), data, len);
	} else {
		if (offset % SECTOR || len % SECTOR)
			return -EINVAL;
		sector.head.sector = htole64(offset / SECTOR);
		sector.head.n_sectors = htole64(len / SECTOR);
	}
	err = full_write(disk.log_fd, sector.bytes, SECTOR);
	if (err == 0 && !mark && len)
		err = full_write(disk.log_fd, data, len);
	disk.n_entries++;
	return err;
}

static bool is_disk(const char *path)
{
	return strcmp(path, "/disk") == 0;
}

static int disk_getattr(const char *path, struct stat *st,
			struct fuse_file_info *fi)
{
	(void)fi;
	memset(st, 0, sizeof(*st));
	if (strcmp(path, "/") == 0) {
		st->st_mode = S_IFDIR | 0700;
		return 0;
	}
	if (!is_disk(path) && strcmp(path, "/mark") != 0)
		return -ENOENT;
	st->st_mode = S_IFREG | 0600;
	st->st_size = is_disk(path) ? disk.size : 0;
	return 0;
}

/* Past the page cache: a write is done when we have it. */
static int disk_open(const char *path, struct fuse_file_info *fi)
{
	(void)path;
	fi->direct_io = 1;
	return 0;
}

static int disk_truncate(const char *path, off_t size, struct fuse_file_info *fi)
{
	(void)size;
	(void)fi;
	return is_disk(path) ? -EPERM : 0;
}

static int disk_read(const char *path, char *buf, size_t len, off_t offset,
		     struct fuse_file_info *fi)
{
	ssize_t n;

	(void)fi;
	if (!is_disk(path))
		return 0;
	n = pread(disk.data_fd, buf, len, offset);
	return n < 0 ? -errno : (int)n;
}

static int take_mark(const char *text, size_t len)
{
	if (len && text[len - 1] == '\n')
		len--;
	if (len != 4 || (memcmp(text, "fail", 4) && memcmp(text, "work", 4)))
		return log_entry(WRITE_LOG_MARK, 0, text, len);
	disk.failing = text[0] == 'f';
	return 0;
}

static int disk_write(const char *path, const char *buf, size_t len,
		      off_t offset, struct fuse_file_info *fi)
{
	ssize_t n;
	int err;

	(void)fi;
	if (!is_disk(path)) {
		err = take_mark(buf, len);
		return err < 0 ? err : (int)len;
	}
	if (disk.failing)
		return -EIO;
	n = pwrite(disk.data_fd, buf, len, offset);
	if (n != (ssize_t)len)
		return n < 0 ? -errno : -EIO;
	err = log_entry(0, (uint64_t)offset, buf, len);
	return err < 0 ? err : (int)len;
}

static int disk_fsync(const char *path, int datasync, struct fuse_file_info *fi)
{
	(void)datasync;
	(void)fi;
	if (!is_disk(path))
		return 0;
	return disk.failing ? -EIO : log_entry(WRITE_LOG_FLUSH, 0, NULL, 0);
}

static void write_super(void)
{
	struct write_log_super super = {
		.magic = htole64(WRITE_LOG_MAGIC),
		.version = htole64(WRITE_LOG_VERSION),
		.n_entries = htole64(disk.n_entries),
		.sector_size = htole32(SECTOR),
	};

	if (pwrite(disk.log_fd, &super, sizeof(super), 0) != sizeof(super))
		perror("log_disk: super block");
}

static const struct fuse_operations operations = {
	.getattr = disk_getattr,
	.open = disk_open,
	.truncate = disk_truncate,
	.read = disk_read,
	.write = disk_write,
	.fsync = disk_fsync,
};

int main(int argc, char **argv)
{
	char foreground[] = "-f", one_thread[] = "-s";
	char *fuse_argv[] = { argv[0], foreground, one_thread,
			      argc == 4 ? argv[3] : NULL, NULL };
	int status;

	if (argc != 4) {
		fputs("usage: log_disk DATA LOG MOUNTPOINT\n", stderr);
		return 2;
	}
	disk.data_fd = open(argv[1], O_RDWR | O_CLOEXEC);
	disk.log_fd = open(argv[2], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC,
			   0600);
	if (disk.data_fd < 0 || disk.log_fd < 0) {
		perror("log_disk");
		return 2;
	}
	disk.size = lseek(disk.data_fd, 0, SEEK_END);
	lseek(disk.log_fd, SECTOR, SEEK_SET);
	status = fuse_main(4, fuse_argv, &operations, NULL);
	write_super();
	return status;
}
