// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fsload [-n RUNS] [-j THREADS] OPERATION [ARGUMENT]...: do one kind of work on the files
 * of the current directory and print what each run took, a line each:
 *
 *	ELAPSED CPU	nanoseconds of the clock, and of this process and its children
 *
 *	run COMMAND [ARGUMENT]...	a program, its output thrown away
 *	stat, open, read	each path of stdin: lstat(2); open and close; and read; each
 *			thread (1) takes the next path, a path that fails is named
 *	seq FILE	read(2) in pieces of 128 KiB to the end
 *	mmap FILE	touch each page of a shared mapping
 *
 * What a guest that counts instructions (qemu -icount) calls a nanosecond is one of them.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PIECE		(128 * 1024)
#define THREADS_MAX	64

static char **paths;
static size_t n_paths;
static atomic_size_t next_path;
static const char *operation;
static atomic_bool failed;

static void complain(const char *what)
{
	fprintf(stderr, "fsload: %s: %s\n", what, strerror(errno));
	failed = true;
}

static void fail(const char *what)
{
	complain(what);
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

static bool read_all(int fd)
{
	static _Thread_local char piece[PIECE];
	ssize_t n;

	while ((n = read(fd, piece, PIECE)) > 0)
		;
	return n == 0;
}

static bool do_path(const char *path)
{
	struct stat st;
	bool ok;
	int fd;

	if (!strcmp(operation, "stat"))
		return lstat(path, &st) == 0;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	ok = !strcmp(operation, "open") || read_all(fd);
	close(fd);
	return ok;
}

static void *do_paths(void *unused)
{
	size_t i;

	(void)unused;
	while ((i = next_path++) < n_paths) {
		if (!do_path(paths[i]))
			complain(paths[i]);
	}
	return NULL;
}

static void in_threads(int n)
{
	pthread_t threads[THREADS_MAX];
	int i;

	next_path = 0;
	for (i = 1; i < n; i++) {
		errno = pthread_create(&threads[i], NULL, do_paths, NULL);
		if (errno)
			fail("thread");
	}
	do_paths(NULL);
	for (i = 1; i < n; i++)
		pthread_join(threads[i], NULL);
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

static void work(char **arguments, int n_threads)
{
	int fd;

	if (!strcmp(operation, "run")) {
		run(arguments);
	} else if (!strcmp(operation, "seq")) {
		fd = open_file(arguments[0]);
		if (!read_all(fd))
			fail(arguments[0]);
		close(fd);
	} else if (!strcmp(operation, "mmap")) {
		touch_pages(arguments[0]);
	} else {
		in_threads(n_threads);
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

static int usage(void)
{
	fprintf(stderr,
		"usage: fsload [-n RUNS] [-j THREADS] OPERATION [ARGUMENT]...\n");
	return 2;
}

int main(int argc, char **argv)
{
	int option, runs = 1, n_threads = 1;

	while ((option = getopt(argc, argv, "+n:j:")) != -1) {
		if (option == 'n')
			runs = atoi(optarg);
		else if (option == 'j')
			n_threads = atoi(optarg);
		else
			return usage();
	}
	if (optind >= argc || n_threads < 1 || n_threads > THREADS_MAX)
		return usage();
	operation = argv[optind++];
	/* Without an argument: what is done to the paths of stdin. */
	if (optind == argc)
		read_paths();
	while (runs-- > 0) {
		long long t = elapsed(), c = cpu();

		work(argv + optind, n_threads);
		printf("%lld %lld\n", elapsed() - t, cpu() - c);
		fflush(stdout);
	}
	return failed;
}
