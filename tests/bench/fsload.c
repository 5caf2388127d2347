// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fsload [-n RUNS] OPERATION [ARGUMENT]...: do one kind of work on the files of the
 * current directory and print what each run took, a line each:
 *
 *	ELAPSED CPU	nanoseconds of the clock, and of this process and its children
 *
 *	run COMMAND [ARGUMENT]...	a program, its output thrown away
 *	stat, open, read	each path of stdin: lstat(2); open and close; and read
 *	seq FILE	read(2) in pieces of 128 KiB to the end
 *	mmap FILE	touch each page of a shared mapping
 *
 * What a guest that counts instructions (qemu -icount) calls a nanosecond is one of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIECE	(128 * 1024)

static char piece[PIECE];
static char **paths;
static size_t n_paths;

static void fail(const char *what)
{
	fprintf(stderr, "fsload: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void read_paths(void)
{
	char *line = NULL;
	size_t size = 0, room = 0;
	ssize_t len;

	while ((len = getline(&line, &size, stdin)) > 0) {
		line[strcspn(line, "\n")] = '\0';
		if (n_paths == room) {
			room = room ? 2 * room : 1024;
			paths = reallocarray(paths, room, sizeof(*paths));
			if (!paths)
				fail("memory");
		}
		paths[n_paths++] = strdup(line);
	}
	free(line);
}

static int open_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		fail(path);
	return fd;
}

static void read_all(int fd, const char *path)
{
	ssize_t n;

	while ((n = read(fd, piece, PIECE)) > 0)
		;
	if (n < 0)
		fail(path);
}

static void do_path(const char *operation, const char *path)
{
	struct stat st;
	int fd;

	if (!strcmp(operation, "stat")) {
		if (lstat(path, &st))
			fail(path);
		return;
	}
	fd = open_file(path);
	if (strcmp(operation, "open"))
		read_all(fd, path);
	close(fd);
}

static void touch_pages(const char *path)
{
	int fd = open_file(path);
	const volatile char *bytes;
	struct stat st;
	off_t i;

	if (fstat(fd, &st))
		fail(path);
	bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		fail(path);
	for (i = 0; i < st.st_size; i += 4096)
		(void)bytes[i];
	munmap((void *)(unsigned long)bytes, (size_t)st.st_size);
	close(fd);
}

static void run(char **command)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		fail("fork");
	if (child == 0) {
		int null = open("/dev/null", O_WRONLY);

		dup2(null, STDOUT_FILENO);
		execvp(command[0], command);
		_exit(127);
	}
	if (waitpid(child, &status, 0) < 0 || status != 0) {
		fprintf(stderr, "fsload: %s failed\n", command[0]);
		exit(1);
	}
}

static void work(char **arguments)
{
	const char *operation = arguments[0];
	size_t i;
	int fd;

	if (!strcmp(operation, "run")) {
		run(arguments + 1);
	} else if (!strcmp(operation, "seq")) {
		fd = open_file(arguments[1]);
		read_all(fd, arguments[1]);
		close(fd);
	} else if (!strcmp(operation, "mmap")) {
		touch_pages(arguments[1]);
	} else {
		for (i = 0; i < n_paths; i++)
			do_path(operation, paths[i]);
	}
}

static long long ns(const struct timespec *t)
{
	return t->tv_sec * 1000000000LL + t->tv_nsec;
}

static long long elapsed(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return ns(&t);
}

/* Of children only in microseconds, as the kernel counts them. */
static long long cpu(void)
{
	struct rusage children;
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	getrusage(RUSAGE_CHILDREN, &children);
	return ns(&t) +
	       (children.ru_utime.tv_sec + children.ru_stime.tv_sec) * 1000000000LL +
	       (children.ru_utime.tv_usec + children.ru_stime.tv_usec) * 1000LL;
}

int main(int argc, char **argv)
{
	int option, runs = 1;

	while ((option = getopt(argc, argv, "+n:")) == 'n')
		runs = atoi(optarg);
	/* Without an argument: what is done to the paths of stdin. */
	if (option != -1 || optind >= argc) {
		fprintf(stderr, "usage: fsload [-n RUNS] OPERATION [ARGUMENT]...\n");
		return 2;
	}
	if (optind + 1 == argc)
		read_paths();
	while (runs-- > 0) {
		long long t = elapsed(), c = cpu();

		work(argv + optind);
		printf("%lld %lld\n", elapsed() - t, cpu() - c);
		fflush(stdout);
	}
	return 0;
}
