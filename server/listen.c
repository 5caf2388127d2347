// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Open or inherit listening sockets.
 */
#include "server/listen.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/sd_notify.h"

#define BACKLOG		4096

/* Numeric only: a server must not wait for a name server to start. */
static int resolve(const char *text, struct addrinfo **ret)
{
	struct addrinfo hints = {
		.ai_family = AF_UNSPEC,
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_PASSIVE | AI_NUMERICHOST | AI_NUMERICSERV,
	};
	const char *colon = strrchr(text, ':');
	char host[64];
	size_t len;
	char *end;
	long port;

	if (!colon)
		return -EINVAL;
	port = strtol(colon + 1, &end, 10);
	if (colon[1] < '0' || colon[1] > '9' || *end || port < 1 || port > 65535)
		return -EINVAL;
	len = (size_t)(colon - text);
	if (len >= 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	} else if (memchr(text, ':', len)) {
		return -EINVAL;	/* IPv6 without brackets is ambiguous */
	}
	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (getaddrinfo(len ? host : NULL, colon + 1, &hints, ret) != 0)
		return -EINVAL;
	return 0;
}

int listen_parse(const char *text)
{
	struct addrinfo *address;

	if (resolve(text, &address))
		return -EINVAL;
	freeaddrinfo(address);
	return 0;
}

static int set_option(int fd, int level, int option, int value)
{
	return setsockopt(fd, level, option, &value, sizeof(value)) < 0 ?
		       -errno : 0;
}

/* Accepted sockets inherit this: a response goes out as one write anyway. */
static void set_nodelay(int fd)
{
	set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1);
}

static int open_socket(const struct addrinfo *address, bool shared_port,
		       int *ret_fd)
{
	CLEANUP_CLOSE int fd = socket(address->ai_family,
				      SOCK_STREAM | SOCK_CLOEXEC,
				      0);
	int err;

	if (fd < 0)
		return -errno;
	err = set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (!err && shared_port)
		err = set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (err)
		return err;
	/* "All addresses" is both families, on any machine that has both. */
	if (address->ai_family == AF_INET6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	set_nodelay(fd);
	if (bind(fd, address->ai_addr, address->ai_addrlen) < 0 ||
	    listen(fd, BACKLOG) < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

int listen_open(const char *text, enum listen_role role, bool shared_port,
		struct listener *ret)
{
	const struct addrinfo *address;
	struct addrinfo *list;
	int err = resolve(text, &list);

	if (err)
		return err;
	/* Of "all addresses", IPv6 takes IPv4 along; without it, IPv4 alone. */
	address = list;
	if (list->ai_next && list->ai_next->ai_family == AF_INET6)
		address = list->ai_next;
	err = open_socket(address, shared_port, &ret->fd);
	if (err == -EAFNOSUPPORT && address != list)
		err = open_socket(list, shared_port, &ret->fd);
	freeaddrinfo(list);
	if (!err)
		ret->role = role;
	return err;
}

/* The nth of the names, separated by colons. */
static bool name_is(const char *names, int n, const char *name)
{
	size_t len;

	for (; names && n > 0; n--) {
		names = strchr(names, ':');
		if (names)
			names++;
	}
	if (!names)
		return false;
	len = strcspn(names, ":");
	return len == strlen(name) && memcmp(names, name, len) == 0;
}

static int check_inherited(int fd)
{
	socklen_t len = sizeof(int);
	int type = 0, listening = 0;

	if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len) < 0 ||
	    type != SOCK_STREAM || !listening)
		return -EINVAL;
	set_nodelay(fd);
	return 0;
}

int listen_inherited(struct listener ret[LISTENERS_MAX])
{
	const char *given = getenv("LISTEN_FDNAMES");
	/* Taking the descriptors removes what is known of them. */
	CLEANUP_FREE char *names = given ? strdup(given) : NULL;
	int n = listen_fds_take();
	int i, err;

	if (n <= 0)
		return n;
	if (n > LISTENERS_MAX)
		return -E2BIG;
	for (i = 0; i < n; i++) {
		ret[i].fd = LISTEN_FDS_START + i;
		ret[i].role = name_is(names, i, "metrics") ? LISTEN_METRICS :
							     LISTEN_OBJECTS;
		err = check_inherited(ret[i].fd);
		if (err)
			return err;
	}
	return n;
}

void listener_close(struct listener *listener)
{
	cleanup_close(&listener->fd);
	listener->fd = -1;
}
