// SPDX-License-Identifier: GPL-2.0-or-later
/* Running cfs-fetch for a mount. */
#include "cache/mount/fetcher.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/own_program.h"
#include "cache/base/process.h"
#include "cache/mount/context.h"
#include "cache/mount/options.h"

#define PROGRAM		"cfs-fetch"
#define READY_MS	30000

/* Program, store, mirrors (one is the URL's), the rest and NULL. */
#define ARGS_MAX	(1 + 2 + 2 * (MOUNT_MIRRORS_MAX + 1) + \
			 MOUNT_FETCHER_ARGS_MAX + 7 + 1)

struct args {
	char program[PATH_MAX];
	const char *words[ARGS_MAX];
	size_t n;
};

static void add(struct args *args, const char *word)
{
	if (args->n == ARGS_MAX - 1)
		abort();
	args->words[args->n++] = word;
	args->words[args->n] = NULL;
}

static int common_args(const struct mount_fetcher *fetcher, struct args *args,
		       struct errmsg *msg)
{
	size_t i;

	args->n = 0;
	if (own_program_find(PROGRAM, args->program) < 0)
		return errmsg_set(msg, -ENOENT,
				  PROGRAM " is not installed: %s",
				  args->program);
	add(args, PROGRAM);
	add(args, "--store");
	add(args, fetcher->store);
	for (i = 0; i < fetcher->n_mirrors; i++) {
		add(args, "--mirror");
		add(args, fetcher->mirrors[i]);
	}
	for (i = 0; i < fetcher->n_args; i++)
		add(args, fetcher->args[i]);
	return 0;
}

/* In the child: only @keep_fds, which may be -1, and the standard ones survive. */
static __attribute__((noreturn)) void become(const struct args *args,
					     const int keep_fds[2])
{
	int i;

	process_begin_child();
	close_range(3, ~0U, CLOSE_RANGE_CLOEXEC);
	for (i = 0; i < 2; i++)
		if (keep_fds[i] >= 0)
			fcntl(keep_fds[i], F_SETFD, 0);
	execv(args->program, (char *const *)args->words);
	_exit(127);
}

/* What became of a child that should have succeeded. */
static int judge(int status, struct errmsg *msg)
{
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127)
		return errmsg_set(msg, -EIO, PROGRAM " can't be run");
	if (WIFSIGNALED(status))
		return errmsg_set(msg, -EIO, PROGRAM " was killed by signal %d",
				  WTERMSIG(status));
	return errmsg_set(msg, -EIO, PROGRAM " failed (status %d)",
			  WEXITSTATUS(status));
}

static int wait_for(pid_t pid, int *ret_status)
{
	while (waitpid(pid, ret_status, 0) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

static size_t read_answer(int fd, char *ret, size_t size)
{
	size_t at = 0;

	while (at < size) {
		ssize_t n = read(fd, ret + at, size - at);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		at += n;
	}
	return at;
}

int mount_fetcher_get_image(const struct mount_fetcher *fetcher,
			    const char *which, struct cfs_digest *ret,
			    struct errmsg *msg)
{
	char answer[CFS_DIGEST_HEX_LEN + 2];
	int pipe_fds[2], status, err;
	struct args args;
	size_t len;
	pid_t pid;

	err = common_args(fetcher, &args, msg);
	if (err < 0)
		return err;
	add(&args, "--fetch-image");
	add(&args, which);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;

	CLEANUP_CLOSE int read_fd = pipe_fds[0];
	CLEANUP_CLOSE int write_fd = pipe_fds[1];

	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		/* No answer is wanted any more when the mount is interrupted. */
		prctl(PR_SET_PDEATHSIG, SIGTERM);
		static const int none[2] = { -1, -1 };

		dup2(write_fd, STDOUT_FILENO);
		become(&args, none);
	}
	close(take_fd(&write_fd));
	len = read_answer(read_fd, answer, sizeof(answer));
	err = wait_for(pid, &status);
	if (err == 0)
		err = judge(status, msg);
	if (err < 0)
		return err;
	if (len != CFS_DIGEST_HEX_LEN + 1 ||
	    answer[CFS_DIGEST_HEX_LEN] != '\n' ||
	    cfs_digest_parse(answer, CFS_DIGEST_HEX_LEN, ret) < 0)
		return errmsg_set(msg, -EBADMSG,
				  PROGRAM " did not answer with a digest");
	return 0;
}

static int mount_fuse(int fuse_fd, int *ret_mount_fd, struct errmsg *msg)
{
	CLEANUP_CLOSE int fd = -1;
	char number[16];
	int err = mount_context_open("fuse", &fd, msg);

	snprintf(number, sizeof(number), "%d", fuse_fd);
	if (err == 0)
		err = mount_context_string(fd, "source", PROGRAM, msg);
	if (err == 0)
		err = mount_context_string(fd, "subtype", PROGRAM, msg);
	if (err == 0)
		err = mount_context_string(fd, "fd", number, msg);
	if (err == 0)
		err = mount_context_string(fd, "rootmode", "40000", msg);
	if (err == 0)
		err = mount_context_string(fd, "user_id", "0", msg);
	if (err == 0)
		err = mount_context_string(fd, "group_id", "0", msg);
	if (err == 0)
		err = mount_context_create(fd, MOUNT_ATTR_NOSUID |
					   MOUNT_ATTR_NODEV, ret_mount_fd, msg);
	return err;
}

/* The journal as a stream: a header of seven lines, then the messages. */
static int open_journal(void)
{
	static const struct sockaddr_un address = {
		.sun_family = AF_UNIX,
		.sun_path = "/run/systemd/journal/stdout",
	};
	static const char header[] = PROGRAM "\n\n6\n1\n0\n0\n0\n";
	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (send(fd, header, strlen(header), MSG_NOSIGNAL) !=
	    (ssize_t)strlen(header))
		return -EIO;
	return take_fd(&fd);
}

static int open_log(const struct mount_fetcher *fetcher)
{
	struct stat st;
	char stream[64];
	int fd;

	if (fetcher->log)
		return open(fetcher->log,
			    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	fd = open_journal();
	if (fd < 0)
		return open("/dev/null", O_WRONLY | O_CLOEXEC);
	if (fstat(fd, &st) == 0) {
		snprintf(stream, sizeof(stream), "%llu:%llu",
			 (unsigned long long)st.st_dev,
			 (unsigned long long)st.st_ino);
		setenv("JOURNAL_STREAM", stream, 1);
	}
	return fd;
}

static int wait_ready(int ready_fd, pid_t pid, struct errmsg *msg)
{
	struct pollfd fds = { .fd = ready_fd, .events = POLLIN };
	int status, n, err;
	char byte;

	do {
		n = poll(&fds, 1, READY_MS);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n == 0)
		return errmsg_set(msg, -ETIMEDOUT,
				  PROGRAM " is not ready after %d s",
				  READY_MS / 1000);
	if (read_answer(ready_fd, &byte, 1) == 1)
		return 0;
	/* The pipe has ended without a word, and so does the daemon. */
	err = wait_for(pid, &status);
	if (err == 0)
		err = judge(status, msg);
	return err < 0 ? err : errmsg_set(msg, -EIO, PROGRAM " ended at once");
}

/* In the child: a daemon that holds nothing of ours but its two descriptors. */
static __attribute__((noreturn)) void become_daemon(const struct args *args,
						    int fuse_fd, int ready_fd,
						    int log_fd)
{
	const int keep_fds[2] = { fuse_fd, ready_fd };
	int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (chdir("/") < 0 || null_fd < 0 || dup2(null_fd, STDIN_FILENO) < 0 ||
	    dup2(null_fd, STDOUT_FILENO) < 0 || dup2(log_fd, STDERR_FILENO) < 0)
		_exit(126);
	umask(0022);
	/* A service that mounts is not ready because its mount's fetcher is. */
	unsetenv("NOTIFY_SOCKET");
	become(args, keep_fds);
}

int mount_fetcher_start(const struct mount_fetcher *fetcher,
			const struct cfs_digest *digest, int *ret_mount_fd,
			struct errmsg *msg)
{
	CLEANUP_CLOSE int fuse_fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);
	CLEANUP_CLOSE int mount_fd = -1;
	char hex[CFS_DIGEST_HEX_LEN + 1], ready[32], place[32];
	struct errmsg why = { "" };
	struct args args;
	int pipe_fds[2], err;
	pid_t pid;

	err = common_args(fetcher, &args, msg);
	if (err < 0)
		return err;
	if (fuse_fd < 0)
		return errmsg_set(msg, -errno, "/dev/fuse: %s",
				  strerror(errno));
	cfs_digest_format(digest, hex);
	if (pipe2(pipe_fds, O_CLOEXEC) < 0)
		return -errno;

	CLEANUP_CLOSE int read_fd = pipe_fds[0];
	CLEANUP_CLOSE int ready_fd = pipe_fds[1];

	snprintf(place, sizeof(place), "/dev/fd/%d", fuse_fd);
	snprintf(ready, sizeof(ready), "--ready-fd=%d", ready_fd);
	add(&args, "--foreground");	/* it is our child as it is */
	add(&args, ready);
	if (fetcher->partial_reads)
		add(&args, "--partial-reads");
	add(&args, "--image");
	add(&args, hex);
	add(&args, place);
	err = mount_fuse(fuse_fd, &mount_fd, msg);
	if (err < 0)
		return err;

	CLEANUP_CLOSE int log_fd = open_log(fetcher);

	if (log_fd < 0)
		return errmsg_set(msg, -errno, "%s: %s", fetcher->log,
				  strerror(errno));
	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0)
		become_daemon(&args, fuse_fd, ready_fd, log_fd);
	/* From here on the daemon's death ends the connection, and the pipe. */
	close(take_fd(&fuse_fd));
	close(take_fd(&ready_fd));
	err = wait_ready(read_fd, pid, &why);
	if (err == -ETIMEDOUT)
		kill(pid, SIGKILL);
	if (err < 0)
		return errmsg_set(msg, err, "%s; what it had to say is in %s",
				  why.text[0] ? why.text : strerror(-err),
				  fetcher->log ? fetcher->log :
				  "the journal, or with log=FILE in that file");
	*ret_mount_fd = take_fd(&mount_fd);
	return 0;
}
