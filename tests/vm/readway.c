// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * readway WAY FILE: copy a file to stdout by one of the ways a program can read it.
 *
 * An error is the last line of stderr, as the errno's name, or SIGBUS; status 1.
 * "maps" prints the line of /proc/self/maps that a mapping of FILE has; "holes" prints
 * what SEEK_HOLE and SEEK_DATA say from the start of FILE; "resident" prints how many of
 * its pages are in the page cache; "dontneed" asks posix_fadvise(2) to drop them.
 */
#include <errno.h>
#include <fcntl.h>
#include <liburing.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define CHUNK	65536

static void fail(int error)
{
	fprintf(stderr, "%s\n", strerrorname_np(error));
	exit(1);
}

static void on_sigbus(int signal)
{
	static const char text[] = "SIGBUS\n";

	(void)signal;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(2);
	_exit(1);
}

static void put(const void *buf, size_t len)
{
	if (fwrite(buf, 1, len, stdout) != len)
		exit(2);
}

static void *aligned_chunk(void)
{
	void *buf = NULL;

	if (posix_memalign(&buf, 4096, CHUNK))
		exit(2);
	return buf;
}

static void by_read(int fd)
{
	void *buf = aligned_chunk();
	ssize_t n;

	while ((n = read(fd, buf, CHUNK)) > 0)
		put(buf, (size_t)n);
	if (n < 0)
		fail(errno);
	free(buf);
}

/* Only what the page cache has at once; the rest by an ordinary read. */
static void by_nowait(int fd)
{
	void *buf = aligned_chunk();
	struct iovec iov = { buf, CHUNK };
	off_t pos = 0;
	ssize_t n;

	for (;; pos += n) {
		n = preadv2(fd, &iov, 1, pos, RWF_NOWAIT);
		if (n < 0 && errno == EAGAIN)
			n = preadv2(fd, &iov, 1, pos, 0);
		if (n <= 0)
			break;
		put(buf, (size_t)n);
	}
	if (n < 0)
		fail(errno);
	free(buf);
}

static void *map(int fd, int prot, int flags, size_t *ret_len)
{
	struct stat st;
	void *bytes;

	if (fstat(fd, &st))
		fail(errno);
	*ret_len = (size_t)st.st_size;
	bytes = mmap(NULL, *ret_len, prot, flags, fd, 0);
	if (bytes == MAP_FAILED)
		fail(errno);
	return bytes;
}

/* By a copy, so that it is this program that faults and not the kernel in write(2). */
static void put_mapped(const unsigned char *bytes, size_t len)
{
	static unsigned char copy[CHUNK];
	size_t n;

	for (; len > 0; bytes += n, len -= n) {
		n = len < CHUNK ? len : CHUNK;
		memcpy(copy, bytes, n);
		put(copy, n);
	}
}

static void by_mmap(int fd, int flags)
{
	size_t len;
	const void *bytes = map(fd, PROT_READ, flags, &len);

	put_mapped(bytes, len);
}

/* Write to a private mapping: the file stays as it is. */
static void by_mmap_written(int fd)
{
	size_t len, i;
	unsigned char *bytes = map(fd, PROT_READ | PROT_WRITE, MAP_PRIVATE, &len);

	for (i = 0; i < len; i += 4096)
		bytes[i] ^= 0xff;
	for (i = 0; i < len; i += 4096)
		bytes[i] ^= 0xff;
	put_mapped(bytes, len);
}

static void by_sendfile(int fd)
{
	ssize_t n;

	fflush(stdout);
	while ((n = sendfile(STDOUT_FILENO, fd, NULL, CHUNK)) > 0)
		;
	if (n < 0)
		fail(errno);
}

static void by_splice(int fd)
{
	char buf[CHUNK];
	int ends[2];
	ssize_t n;

	if (pipe(ends))
		fail(errno);
	while ((n = splice(fd, NULL, ends[1], NULL, CHUNK, 0)) > 0) {
		ssize_t got = read(ends[0], buf, (size_t)n);

		if (got != n)
			exit(2);
		put(buf, (size_t)n);
	}
	if (n < 0)
		fail(errno);
}

static void by_uring(int fd)
{
	struct io_uring ring;
	void *buf = aligned_chunk();
	unsigned long long pos = 0;
	int err = io_uring_queue_init(4, &ring, 0);

	if (err)
		fail(-err);
	for (;;) {
		struct io_uring_sqe *sqe = io_uring_get_sqe(&ring);
		struct io_uring_cqe *cqe;
		int n;

		io_uring_prep_read(sqe, fd, buf, CHUNK, pos);
		io_uring_submit(&ring);
		err = io_uring_wait_cqe(&ring, &cqe);
		if (err)
			fail(-err);
		n = cqe->res;
		io_uring_cqe_seen(&ring, cqe);
		if (n < 0)
			fail(-n);
		put(buf, (size_t)n);
		pos += (unsigned int)n;
		/* A direct read must not begin at an odd place, as the end is. */
		if (n == 0 || n % 4096)
			break;
	}
	io_uring_queue_exit(&ring);
	free(buf);
}

static void print_maps(int fd)
{
	size_t len;
	const char *bytes = map(fd, PROT_READ, MAP_PRIVATE, &len);
	char line[8192], start[32];
	FILE *maps = fopen("/proc/self/maps", "re");

	snprintf(start, sizeof(start), "%lx-", (unsigned long)(uintptr_t)bytes);
	while (maps && fgets(line, sizeof(line), maps))
		if (!strncmp(line, start, strlen(start)))
			printf("%s", line);
}

static void print_resident(int fd)
{
	size_t len, i, n, found = 0;
	void *bytes = map(fd, PROT_READ, MAP_SHARED, &len);
	unsigned char *pages;

	n = (len + 4095) / 4096;
	pages = calloc(n, 1);
	if (!pages || mincore(bytes, len, pages))
		fail(errno);
	for (i = 0; i < n; i++)
		found += pages[i] & 1;
	printf("%zu\n", found);
	free(pages);
}

static void drop_pages(int fd)
{
	int err = posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);

	if (err)
		fail(err);
}

static void print_holes(int fd)
{
	off_t pos = 0;
	int whence = SEEK_DATA;

	for (;;) {
		pos = lseek(fd, pos, whence);
		if (pos < 0)
			break;
		printf("%s %lld\n", whence == SEEK_DATA ? "data" : "hole",
		       (long long)pos);
		whence = whence == SEEK_DATA ? SEEK_HOLE : SEEK_DATA;
	}
	if (errno != ENXIO)
		fail(errno);
}

int main(int argc, char **argv)
{
	const char *way = argc == 3 ? argv[1] : "";
	int direct = strstr(way, "direct") ? O_DIRECT : 0;
	int fd;

	if (argc != 3) {
		fprintf(stderr, "usage: readway WAY FILE\n");
		return 2;
	}
	fd = open(argv[2], O_RDONLY | O_CLOEXEC | direct);
	if (fd < 0)
		fail(errno);
	signal(SIGBUS, on_sigbus);
	if (!strcmp(way, "read") || !strcmp(way, "direct"))
		by_read(fd);
	else if (!strcmp(way, "nowait"))
		by_nowait(fd);
	else if (!strcmp(way, "mmap-private"))
		by_mmap(fd, MAP_PRIVATE);
	else if (!strcmp(way, "mmap-shared"))
		by_mmap(fd, MAP_SHARED);
	else if (!strcmp(way, "mmap-written"))
		by_mmap_written(fd);
	else if (!strcmp(way, "sendfile"))
		by_sendfile(fd);
	else if (!strcmp(way, "splice"))
		by_splice(fd);
	else if (!strcmp(way, "uring") || !strcmp(way, "uring-direct"))
		by_uring(fd);
	else if (!strcmp(way, "maps"))
		print_maps(fd);
	else if (!strcmp(way, "holes"))
		print_holes(fd);
	else if (!strcmp(way, "resident"))
		print_resident(fd);
	else if (!strcmp(way, "dontneed"))
		drop_pages(fd);
	else
		return 2;
	return fflush(stdout) ? 2 : 0;
}
