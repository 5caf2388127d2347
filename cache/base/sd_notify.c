// SPDX-License-Identifier: GPL-2.0-or-later
/* What a service manager and its services say to each other. */
#include "cache/base/sd_notify.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

/* More sockets than anybody hands to one service. */
#define LISTEN_FDS_MAX	1024

static int notify_address(const char *path, struct sockaddr_un *ret,
			  socklen_t *ret_len)
{
	size_t len = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || len < 2 ||
	    len >= sizeof(ret->sun_path))
		return -EINVAL;
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path, path, len);
	if (path[0] == '@')		/* an abstract name */
		ret->sun_path[0] = '\0';
	*ret_len = offsetof(struct sockaddr_un, sun_path) + len;
	return 0;
}

int sd_notify_send(const char *format, ...)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	socklen_t address_len;
	char text[512];
	va_list args;
	int err, len;

	if (!path || !*path)
		return SD_NOTIFY_ALONE;
	err = notify_address(path, &address, &address_len);
	if (err < 0)
		return err;
	va_start(args, format);
	len = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	if (len < 0 || len >= (int)sizeof(text))
		return -EMSGSIZE;

	CLEANUP_CLOSE int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || sendto(fd, text, len, MSG_NOSIGNAL,
			     (struct sockaddr *)&address, address_len) < 0)
		return -errno;
	return 0;
}

static int parse_count(const char *text, long max, long *ret)
{
	char *end;
	long n;

	errno = 0;
	n = strtol(text, &end, 10);
	if (errno || end == text || *end || n < 0 || n > max)
		return -EINVAL;
	*ret = n;
	return 0;
}

static int take_fds(const char *pid_text, const char *n_text)
{
	long pid, n, i;

	if (!pid_text || !n_text)
		return 0;
	if (parse_count(pid_text, LONG_MAX, &pid) < 0 ||
	    parse_count(n_text, LISTEN_FDS_MAX, &n) < 0)
		return -EINVAL;
	if (pid != getpid())		/* meant for a parent of ours */
		return 0;
	for (i = LISTEN_FDS_START; i < LISTEN_FDS_START + n; i++)
		if (fcntl(i, F_SETFD, FD_CLOEXEC) < 0)
			return -errno;
	return n;
}

int listen_fds_take(void)
{
	int n = take_fds(getenv("LISTEN_PID"), getenv("LISTEN_FDS"));

	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return n;
}
