// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Test cache/base/beneath.c: with openat2(2), and where a filter of system calls
 * says that there is none.
 */
#include "cache/base/beneath.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/openat2.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "tests/unit/store_dir.h"

struct place {
	char path[256];
	int fd;			/* of path/inside */
};

static void make(const char *folder, const char *name, const char *what)
{
	char path[600];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	if (!what) {
		CHECK_EQ(mkdir(path, 0755), 0);
		return;
	}
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL, 0644);
	CHECK(fd >= 0);
	CHECK_EQ(write(fd, what, strlen(what)), (ssize_t)strlen(what));
	close(fd);
}

static struct place place_new(void)
{
	struct place place;
	char inside[300];

	folder_new(place.path);
	make(place.path, "inside", NULL);
	make(place.path, "inside/aa", NULL);
	make(place.path, "inside/aa/file", "inside");
	make(place.path, "outside", NULL);
	make(place.path, "outside/file", "outside");
	snprintf(inside, sizeof(inside), "%s/inside", place.path);
	place.fd = open(inside, O_PATH | O_DIRECTORY);
	CHECK(place.fd >= 0);
	CHECK_EQ(symlinkat("../outside", place.fd, "link"), 0);
	CHECK_EQ(symlinkat("aa/file", place.fd, "leaf"), 0);
	return place;
}

static void place_free(struct place *place)
{
	close(place->fd);
	folder_free(place->path);
}

static int try_open(const struct place *place, const char *path, int flags)
{
	int fd = beneath_open(place->fd, path, flags, 0600);

	if (fd < 0)
		return fd;
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	return 0;
}

static void check_paths(void)
{
	struct place place = place_new();

	CHECK_EQ(try_open(&place, "aa/file", O_RDONLY), 0);
	CHECK_EQ(try_open(&place, "aa", O_PATH | O_DIRECTORY), 0);
	CHECK_EQ(try_open(&place, "aa/new", O_RDWR | O_CREAT), 0);
	CHECK_EQ(try_open(&place, "aa/none", O_RDONLY), -ENOENT);
	CHECK_EQ(try_open(&place, "none/file", O_RDONLY), -ENOENT);
	CHECK_EQ(try_open(&place, "aa/file/x", O_RDONLY), -ENOTDIR);
	CHECK_EQ(try_open(&place, "", O_RDONLY), -ENOENT);
	CHECK_EQ(try_open(&place, "link/file", O_RDONLY), -ELOOP);
	CHECK_EQ(try_open(&place, "link", O_RDONLY | O_DIRECTORY), -ELOOP);
	CHECK_EQ(try_open(&place, "link", O_PATH | O_DIRECTORY), -ELOOP);
	CHECK_EQ(try_open(&place, "leaf", O_RDONLY), -ELOOP);
	CHECK_EQ(try_open(&place, "leaf", O_PATH), -ELOOP);
	CHECK_EQ(try_open(&place, "leaf", O_RDWR | O_CREAT), -ELOOP);
	CHECK_EQ(try_open(&place, "../outside/file", O_RDONLY), -EXDEV);
	CHECK_EQ(try_open(&place, "/etc", O_RDONLY), -EXDEV);
	place_free(&place);
}

/* Folder and link change places all the time: what is opened is inside, or nothing. */
static void check_exchange(void)
{
	struct place place = place_new();
	int i, opened = 0, refused = 0;
	char text[16];
	pid_t pid = fork();

	CHECK(pid >= 0);
	while (pid == 0)
		if (renameat2(place.fd, "aa", place.fd, "link", RENAME_EXCHANGE) < 0)
			_exit(1);
	for (i = 0; i < 20000 || (i < 2000000 && !(opened && refused)); i++) {
		int fd = beneath_open(place.fd, "aa/file", O_RDONLY, 0);

		if (fd < 0) {
			/* ENOENT: looked at a link after it was a folder again */
			CHECK(fd == -ELOOP || fd == -ENOENT || fd == -ENOTDIR);
			refused++;
			continue;
		}
		CHECK_EQ(read(fd, text, sizeof(text)), 6);
		CHECK(memcmp(text, "inside", 6) == 0);
		close(fd);
		opened++;
	}
	CHECK(opened && refused);
	kill(pid, SIGKILL);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	place_free(&place);
}

/* Run in a child, since it enters a mount namespace of its own. */
static void check_mounts(void)
{
	struct place place = place_new();
	char aa[300], file[300];
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		snprintf(file, sizeof(file), "%s/outside/file", place.path);
		if (unshare(CLONE_NEWNS) < 0)
			_exit(77);
		CHECK_EQ(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
		/* The descriptor is of a mount of the old namespace. */
		close(place.fd);
		snprintf(aa, sizeof(aa), "%s/inside", place.path);
		place.fd = open(aa, O_PATH | O_DIRECTORY);
		make(place.path, "inside/aa/bound", "inside");
		snprintf(aa, sizeof(aa), "%s/inside/aa/bound", place.path);
		CHECK_EQ(mount(file, aa, NULL, MS_BIND, NULL), 0);
		CHECK_EQ(try_open(&place, "aa/bound", O_RDONLY), -EXDEV);
		CHECK_EQ(try_open(&place, "aa/file", O_RDONLY), 0);
		snprintf(aa, sizeof(aa), "%s/inside/aa", place.path);
		snprintf(file, sizeof(file), "%s/outside", place.path);
		CHECK_EQ(mount(file, aa, NULL, MS_BIND, NULL), 0);
		CHECK_EQ(try_open(&place, "aa/file", O_RDONLY), -EXDEV);
		CHECK_EQ(try_open(&place, "aa", O_PATH | O_DIRECTORY), -EXDEV);
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	CHECK(WEXITSTATUS(status) == 0 ||
	      (WEXITSTATUS(status) == 77 && geteuid() != 0));
	place_free(&place);
}

static void test_with_openat2(void)
{
	check_paths();
	check_exchange();
	check_mounts();
}

static void forbid_openat2(int errno_given)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat2, 0, 1),
		BPF_STMT(BPF_RET | BPF_K,
			 SECCOMP_RET_ERRNO | (unsigned int)errno_given),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = {
		.len = sizeof(filter) / sizeof(filter[0]),
		.filter = filter,
	};
	const struct open_how how = { .flags = O_RDONLY };

	CHECK_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	CHECK_EQ(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
	CHECK_EQ(syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof(how)), -1);
	CHECK_EQ(errno, errno_given);
}

static void test_without_openat2(void)
{
	const int errnos[] = { ENOSYS, EPERM };

	for (size_t i = 0; i < 2; i++) {
		int status;
		pid_t pid = fork();

		CHECK(pid >= 0);
		if (pid == 0) {
			forbid_openat2(errnos[i]);
			check_paths();
			check_exchange();
			check_mounts();
			_exit(0);
		}
		CHECK_EQ(waitpid(pid, &status, 0), pid);
		CHECK_EQ(status, 0);
	}
}

RUN_TESTS(T(test_with_openat2), T(test_without_openat2))
