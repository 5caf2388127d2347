// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The file system below the store: system calls that pass through here on their way
 * (--wrap of the linker), to be refused now and then, and to be seen.
 *
 * When an object is given its name, its bytes are compared at once with what they
 * must be: whatever the engine thinks of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "tests/sim/sim.h"

#define BLOCK_SIZE	4096
#define DISK_BLOCKS	((uint64_t)1 << 20)

static unsigned int fail_one_in;
static int fail_err;
static uint64_t used, mapped;
static bool recount;

void sim_disk_reset(void)
{
	fail_one_in = 0;
	used = 0;
	mapped = 0;
	recount = false;
}

void sim_disk_fail(unsigned int one_in, int err)
{
	fail_one_in = one_in;
	fail_err = err;
	sim_trace("disk: %s, one call in %u", one_in ? strerror(-err) : "well",
		  one_in);
}

/* Is this call refused?  @takes_room: a full disk would. */
static bool refuse(const char *what, bool takes_room)
{
	if (!fail_one_in || (!takes_room && fail_err != -EIO) ||
	    !sim_chance(fail_one_in))
		return false;
	sim_trace("disk: %s fails: %s", what, strerror(-fail_err));
	sim.disk_failed = true;
	errno = -fail_err;
	return true;
}

/* ---- the calls ---- */

int __real_linkat(int from_fd, const char *from, int to_fd, const char *to,
		  int flags);
int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to,
		  int flags);
int __real_unlinkat(int fd, const char *name, int flags);
int __wrap_unlinkat(int fd, const char *name, int flags);
int __real_mkdirat(int fd, const char *name, mode_t mode);
int __wrap_mkdirat(int fd, const char *name, mode_t mode);
int __real_openat64(int fd, const char *name, int flags, mode_t mode);
int __wrap_openat64(int fd, const char *name, int flags, mode_t mode);
ssize_t __real_pwrite64(int fd, const void *data, size_t len, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t len, off_t offset);
int __wrap_fallocate64(int fd, int mode, off_t offset, off_t len);
int __wrap_fdatasync(int fd);
int __wrap_syncfs(int fd);
int __wrap_fstatvfs64(int fd, struct statvfs *ret);
ssize_t __wrap_getrandom(void *ret, size_t len, unsigned int flags);
void *__real_mmap64(void *at, size_t len, int prot, int flags, int fd,
		    off_t offset);
void *__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd,
		    off_t offset);
int __real_munmap(void *at, size_t len);
int __wrap_munmap(void *at, size_t len);

static void check_named(int fd, const char *name)
{
	struct cfs_digest digest;
	int i, object_fd;

	if (cfs_object_name_parse(name, strlen(name), &digest) < 0)
		return;
	i = sim_object_find(&digest);
	if (i < 0)
		sim_fail("a name for what is not an object: %s", name);
	object_fd = __real_openat64(fd, name, O_RDONLY, 0);
	SIM_CHECK(object_fd >= 0);
	if (!sim_object_same(object_fd, i, 0, UINT64_MAX))
		sim_fail("o%d was published with other bytes", i);
	close(object_fd);
	sim_trace("disk: o%d has its name", i);
	used += (sim.objects[i]->size / BLOCK_SIZE + 1) * BLOCK_SIZE;
}

int __wrap_linkat(int from_fd, const char *from, int to_fd, const char *to,
		  int flags)
{
	int ret;

	if (refuse("link", true))
		return -1;
	ret = __real_linkat(from_fd, from, to_fd, to, flags);
	if (ret == 0)
		check_named(to_fd, to);
	return ret;
}

int __wrap_unlinkat(int fd, const char *name, int flags)
{
	recount = true;
	return __real_unlinkat(fd, name, flags);
}

int __wrap_mkdirat(int fd, const char *name, mode_t mode)
{
	return refuse("mkdir", true) ? -1 : __real_mkdirat(fd, name, mode);
}

int __wrap_openat64(int fd, const char *name, int flags, mode_t mode)
{
	bool makes = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE;

	if (makes && refuse("open", true))
		return -1;
	return __real_openat64(fd, name, flags, makes ? mode : 0);
}

ssize_t __wrap_pwrite64(int fd, const void *data, size_t len, off_t offset)
{
	if (refuse("write", true))
		return -1;
	if (len > 1 && sim_chance(20))
		len = sim_between(1, len);
	return __real_pwrite64(fd, data, len, offset);
}

int sim_disk_writev(int fd, const struct iovec *pieces, unsigned int n,
		    off_t offset)
{
	int done = 0;

	if (refuse("write of the ring", true))
		return -errno;
	for (unsigned int i = 0; i < n; i++) {
		ssize_t len = (ssize_t)pieces[i].iov_len;

		if (len > 1 && sim_chance(40))
			len = (ssize_t)sim_between(1, (uint64_t)len);
		SIM_CHECK(__real_pwrite64(fd, pieces[i].iov_base, (size_t)len,
					  offset + done) == len);
		done += (int)len;
		if ((size_t)len < pieces[i].iov_len)
			break;
	}
	return done;
}

int __wrap_fallocate64(int fd, int mode, off_t offset, off_t len)
{
	(void)fd;
	(void)mode;
	(void)offset;
	(void)len;
	return refuse("fallocate", true) ? -1 : 0;
}

int __wrap_fdatasync(int fd)
{
	(void)fd;
	return refuse("fdatasync", false) ? -1 : 0;
}

int __wrap_syncfs(int fd)
{
	(void)fd;
	return refuse("syncfs", false) ? -1 : 0;
}

int __wrap_fstatvfs64(int fd, struct statvfs *ret)
{
	bool full = fail_one_in && fail_err == -ENOSPC;

	(void)fd;
	*ret = (struct statvfs){
		.f_bsize = BLOCK_SIZE,
		.f_frsize = BLOCK_SIZE,
		.f_blocks = DISK_BLOCKS,
		.f_bfree = full ? 0 : DISK_BLOCKS - sim_disk_used() / BLOCK_SIZE,
	};
	ret->f_bavail = ret->f_bfree;
	return 0;
}

ssize_t __wrap_getrandom(void *ret, size_t len, unsigned int flags)
{
	uint64_t random = sim_random();

	(void)flags;
	SIM_CHECK(len <= sizeof(random));
	memcpy(ret, &random, len);
	return (ssize_t)len;
}

void *__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd,
		    off_t offset)
{
	void *ret = __real_mmap64(at, len, prot, flags, fd, offset);

	if (ret != MAP_FAILED && (flags & MAP_ANONYMOUS))
		mapped += len;
	return ret;
}

int __wrap_munmap(void *at, size_t len)
{
	mapped -= len;
	return __real_munmap(at, len);
}

/* ---- what it has come to ---- */

uint64_t sim_disk_mapped(void)
{
	return mapped;
}

uint64_t sim_disk_used(void)
{
	char name[CFS_OBJECT_NAME_LEN + 1];
	struct stat st;

	if (!recount)
		return used;
	recount = false;
	used = 0;
	for (int i = 0; i < sim.n_objects; i++) {
		cfs_object_name_format(&sim.objects[i]->digest, name);
		if (fstatat(cfs_store_objects_fd(sim.store), name, &st, 0) == 0)
			used += (sim.objects[i]->size / BLOCK_SIZE + 1) *
				BLOCK_SIZE;
	}
	return used;
}
