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
#include <libfsverity.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cache/verity/hash.h"
#include "cache/verity/measure.h"
#include "tests/sim/sim.h"

#define BLOCK_SIZE	4096
#define SEALED_MAX	8192
#define DISK_BLOCKS	((uint64_t)1 << 20)

static unsigned int fail_one_in;
static int fail_err;
static uint64_t used, mapped;
static bool recount;
static uint64_t n_named;

/* Files with fs-verity, which a tmpfs does not have. */
static struct {
	ino_t inode;
	struct cfs_digest digest;
} sealed[SEALED_MAX];

static size_t n_sealed;

void sim_disk_reset(void)
{
	fail_one_in = 0;
	used = 0;
	mapped = 0;
	recount = false;
	n_sealed = 0;
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
int __wrap_fsync(int fd);
int __real_fstatat64(int fd, const char *name, struct stat *ret, int flags);
int __wrap_fstatat64(int fd, const char *name, struct stat *ret, int flags);
time_t __wrap_time(time_t *ret);
int __wrap_libfsverity_enable(int fd,
			      const struct libfsverity_merkle_tree_params *params);
int __wrap_cfs_object_measure(int fd, struct cfs_digest *ret);
int __wrap_fsync(int fd)
{
	(void)fd;
	return refuse("fsync", false) ? -1 : 0;
}

/* Reads would set the time of use to the real one. */
int __wrap_fstatat64(int fd, const char *name, struct stat *ret, int flags)
{
	int err = __real_fstatat64(fd, name, ret, flags);

	if (err == 0)
		ret->st_atim = ret->st_mtim;
	return err;
}

int __wrap_fstatvfs64(int fd, struct statvfs *ret);
ssize_t __wrap_getrandom(void *ret, size_t len, unsigned int flags);
void *__real_mmap64(void *at, size_t len, int prot, int flags, int fd,
		    off_t offset);
void *__wrap_mmap64(void *at, size_t len, int prot, int flags, int fd,
		    off_t offset);
int __real_munmap(void *at, size_t len);
int __wrap_munmap(void *at, size_t len);

/* The store may name an object from the folder that it lies in. */
static bool parse_name(int fd, const char *name, struct cfs_digest *ret)
{
	char link[32], folder[64], whole[CFS_OBJECT_NAME_LEN + 1];
	ssize_t len;

	if (strlen(name) == CFS_OBJECT_NAME_LEN)
		return cfs_object_name_parse(name, strlen(name), ret) == 0;
	if (strlen(name) != CFS_OBJECT_NAME_LEN - 3)
		return false;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	len = readlink(link, folder, sizeof(folder) - 1);
	if (len < 2)
		return false;
	folder[len] = '\0';
	snprintf(whole, sizeof(whole), "%s/%s", folder + len - 2, name);
	return cfs_object_name_parse(whole, strlen(whole), ret) == 0;
}

static uint64_t on_disk(int i)
{
	return (sim.objects[i]->size + BLOCK_SIZE - 1) / BLOCK_SIZE * BLOCK_SIZE;
}

static void check_named(int fd, const char *name)
{
	struct cfs_digest digest;
	int i, object_fd;

	const struct timespec time = {
		.tv_sec = (time_t)(sim_now_ms() / 1000),
		.tv_nsec = (long)(sim_now_ms() % 1000) * 1000000,
	};
	const struct timespec times[2] = { time, time };

	if (!sim.store || !parse_name(fd, name, &digest))
		return;
	i = sim_object_find(&digest);
	if (i < 0)
		sim_fail("a name for what is not an object: %s", name);
	object_fd = __real_openat64(fd, name, O_RDONLY, 0);
	SIM_CHECK(object_fd >= 0);
	if (!sim_object_same(object_fd, i, 0, UINT64_MAX))
		sim_fail("o%d was published with other bytes", i);
	close(object_fd);
	/* Collections go by the time of use: it has to be the simulated one. */
	SIM_CHECK(utimensat(fd, name, times, 0) == 0);
	sim_trace("disk: o%d has its name", i);
	n_named++;
	used += on_disk(i);
	if (sim.quota_known && sim_disk_used() > sim.limits.max_size + sim.quota_slack)
		sim_fail("%llu bytes are used, %llu may be",
			 (unsigned long long)used,
			 (unsigned long long)sim.limits.max_size);
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

	if (sim.no_tmpfile && (flags & O_TMPFILE) == O_TMPFILE) {
		errno = EOPNOTSUPP;
		return -1;
	}
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
	uint8_t *bytes = ret;

	(void)flags;
	for (size_t i = 0; i < len; i++)
		bytes[i] = (uint8_t)sim_random();
	return (ssize_t)len;
}

time_t __wrap_time(time_t *ret)
{
	(void)ret;
	return (time_t)(sim_now_ms() / 1000);
}

/* ---- fs-verity ---- */

static int digest_of(int fd, struct cfs_digest *ret)
{
	static uint8_t bytes[64 * 1024];
	struct cfs_verity_hash *hash;
	off_t at = 0;
	ssize_t n;
	int err;

	SIM_CHECK(cfs_verity_hash_new(&hash) == 0);
	do {
		n = pread(fd, bytes, sizeof(bytes), at);
		SIM_CHECK(n >= 0);
		at += n;
		err = cfs_verity_hash_add(hash, bytes, (size_t)n);
	} while (n > 0 && err == 0);
	if (err == 0)
		err = cfs_verity_hash_finish(hash, ret);
	cfs_verity_hash_free(hash);
	return err;
}

int __wrap_libfsverity_enable(int fd,
			      const struct libfsverity_merkle_tree_params *params)
{
	struct stat st;

	(void)params;
	if (!sim.verity)
		return -EOPNOTSUPP;
	if (refuse("sealing", true))
		return -errno;
	/* Some process was forked meanwhile, and has it open for writing. */
	if (sim_chance(30))
		return -ETXTBSY;
	SIM_CHECK(fstat(fd, &st) == 0 && n_sealed < SEALED_MAX);
	sealed[n_sealed].inode = st.st_ino;
	return digest_of(fd, &sealed[n_sealed++].digest);
}

int __wrap_cfs_object_measure(int fd, struct cfs_digest *ret)
{
	struct stat st;

	if (!sim.verity)
		return -EOPNOTSUPP;
	SIM_CHECK(fstat(fd, &st) == 0);
	for (size_t i = 0; i < n_sealed; i++) {
		if (sealed[i].inode != st.st_ino)
			continue;
		*ret = sealed[i].digest;
		return 0;
	}
	return -ENODATA;
}

/* ---- memory ---- */

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

uint64_t sim_disk_named(void)
{
	return n_named;
}

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
			used += on_disk(i);
	}
	return used;
}
