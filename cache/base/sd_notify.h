/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a service manager and its services say to each other: the sd_notify and
 * socket activation protocols, without the library.
 *
 * Ownership: everything is borrowed, except the descriptors that
 * listen_fds_take() gives to the caller.
 */
#ifndef CACHE_BASE_SD_NOTIFY_H
#define CACHE_BASE_SD_NOTIFY_H

enum {
	SD_NOTIFY_ALONE = 1,	/* nobody listens: not started as a service */
};

/* Socket activation hands over descriptors from this one on. */
#define LISTEN_FDS_START	3

/**
 * sd_notify_send() - tell the service manager something; any thread
 * @format: lines such as "READY=1", "STOPPING=1", "STATUS=text"
 *
 * Return: 0, SD_NOTIFY_ALONE, -EINVAL (no usable NOTIFY_SOCKET), -EMSGSIZE or
 * what sendmsg gave.
 */
int sd_notify_send(const char *format, ...)
	__attribute__((format(printf, 1, 2)));

/**
 * listen_fds_take() - sockets that the service manager opened for this process
 *
 * They are made close-on-exec, and the environment variables that speak of them
 * are removed; call once, before there are threads.
 *
 * Return: how many, from LISTEN_FDS_START on, owned by the caller; 0 if none are
 * meant for this process; or -EINVAL, -EBADF.
 */
int listen_fds_take(void);

#endif /* CACHE_BASE_SD_NOTIFY_H */
