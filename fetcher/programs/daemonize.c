// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/full_io.h"
#include "cache/base/log.h"
#include "cache/base/sd_notify.h"
#include "fetcher/programs/daemonize.h"
#include "fetcher/programs/fetch_options.h"

static int log_into(const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_WRONLY | O_APPEND | O_CREAT |
						  O_CLOEXEC, 0640);

	if (fd < 0)
		return -errno;
	if (dup2(fd, STDERR_FILENO) < 0)
		return -errno;
	log_with_time();
	return 0;
}

/* The process that was started: end as the daemon's set-up does. */
static void wait_for_daemon(int fd, pid_t pid) __attribute__((__noreturn__));

static void wait_for_daemon(int fd, pid_t pid)
{
	int status;
	char byte;
	ssize_t n;

	do {
		n = read(fd, &byte, 1);
	} while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	while (waitpid(pid, &status, 0) < 0) {
		if (errno != EINTR)
			_exit(EXIT_FAILED);
	}
	_exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) :
							 EXIT_FAILED);
}

int background_begin(struct background *background, bool foreground,
		     int ready_fd, const char *log_file)
{
	CLEANUP_CLOSE int read_fd = -1;
	CLEANUP_CLOSE int write_fd = -1;
	struct stat st;
	int fds[2];
	pid_t pid;

	*background = (struct background){
		.parent_fd = -1,
		.ready_fd = ready_fd,
		.own_log = log_file,
	};
	if (ready_fd >= 0 && fcntl(ready_fd, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	if (!foreground) {
		if (pipe2(fds, O_CLOEXEC) < 0)
			return -errno;
		read_fd = fds[0];
		write_fd = fds[1];
		pid = fork();
		if (pid < 0)
			return -errno;
		if (pid > 0) {
			close(take_fd(&write_fd));
			wait_for_daemon(read_fd, pid);
		}
		setsid();
		background->parent_fd = take_fd(&write_fd);
	}
	if (log_file)
		return log_into(log_file);
	if (fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode))
		log_with_time();
	return 0;
}

static void leave_stdio(bool own_log)
{
	CLEANUP_CLOSE int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (null_fd < 0)
		return;
	dup2(null_fd, STDIN_FILENO);
	dup2(null_fd, STDOUT_FILENO);
	if (own_log)
		return;
	/* Without syslog there is nobody to tell; the status has the last errors. */
	(void)log_to_syslog("cfs-fetch");
	dup2(null_fd, STDERR_FILENO);
}

void background_ready(struct background *background)
{
	if (background->ready_fd >= 0) {
		(void)full_write(background->ready_fd, "ready\n", 6);
		close(take_fd(&background->ready_fd));
	}
	(void)sd_notify_send("READY=1");
	if (background->parent_fd < 0)
		return;
	leave_stdio(background->own_log);
	if (chdir("/") < 0)	/* so as not to keep a file system busy */
		log_line(LOG_WARNING, "chdir error=\"%s\"", strerror(errno));
	(void)full_write(background->parent_fd, "", 1);
	close(take_fd(&background->parent_fd));
}
