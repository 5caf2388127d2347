/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The sockets to accept from: our own, or those that systemd has opened.
 *
 * Ownership: every function that fills in listeners gives the caller their
 * descriptors to listener_close().  Texts passed in are borrowed.
 */
#ifndef SERVER_LISTEN_H
#define SERVER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

/* What may be asked on a listener's connections. */
enum listen_role {
	LISTEN_OBJECTS,		/* everything but /metrics */
	LISTEN_METRICS,		/* /metrics and /healthz only */
	N_LISTEN_ROLES,
};

struct listener {
	int fd;
	enum listen_role role;
};

/* More sockets than this make no sense to one server. */
#define LISTENERS_MAX	32

/**
 * listen_parse() - is this ADDR:PORT, [IPv6]:PORT or :PORT?
 *
 * Return: 0 or -EINVAL.
 */
int listen_parse(const char *text);

/**
 * listen_open() - open a socket of our own
 * @text: ADDR:PORT, [IPv6]:PORT, or :PORT for all addresses
 * @role: what it is for
 * @shared_port: several sockets, one for each worker, listen on this port
 * @ret: the listener; untouched on failure
 *
 * Return: 0, -EINVAL if @text is none of these, or -errno.
 */
int listen_open(const char *text, enum listen_role role, bool shared_port,
		struct listener *ret);

/**
 * listen_inherited() - take over the sockets that the service manager opened
 * @ret: room for LISTENERS_MAX
 *
 * A socket named "metrics" (FileDescriptorName=) is for metrics.  Clears the
 * variables of the protocol from the environment.
 *
 * Return: their number, 0 if there are none; -EINVAL if one is not a listening
 * stream socket; -E2BIG; or -errno.
 */
int listen_inherited(struct listener ret[LISTENERS_MAX]);

/** listener_close() - close a listener's socket */
void listener_close(struct listener *listener);

#endif /* SERVER_LISTEN_H */
