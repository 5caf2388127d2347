/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is the process that waits for an answer about to die?
 *
 * The kernel sends FUSE_INTERRUPT for any signal, handled ones included, and
 * sends it once per request.  An answer of EINTR to all of them would make
 * open() fail under programs that get signals all day (Go, anything with a
 * timer), so only a requester that is dying gets it.  What shows that, in
 * /proc/<tid>/status:
 *
 *	State: Z or X			it is dead already
 *	SigPnd or ShdPnd: KILL		killed; the kernel turns a signal that ends a
 *					process without a core into KILL, but only if
 *					it finds a thread that no other signal is
 *					waiting for
 *	pending, ends a process by	it will die of it once it returns from the
 *	default, and is not caught,	system call that we are holding up, whatever
 *	blocked or ignored		handlers it runs before
 *
 * Signals that are blocked in this thread are another thread's to take; if that one
 * dies of them, this one gets KILL.
 */
#ifndef FETCHER_MOUNT_REQUESTER_H
#define FETCHER_MOUNT_REQUESTER_H

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

/**
 * requester_status_fatal() - decide from the text of /proc/<tid>/status
 * @status: read to its end; what is missing in it counts as no signal
 */
bool requester_status_fatal(FILE *status);

enum requester_state {
	REQUESTER_LIVES,
	REQUESTER_DYING,
	REQUESTER_UNSEEN,	/* gone, hidden, or of another pid namespace */
};

/**
 * requester_look() - look at a requester
 * @proc_fd: folder of a proc file system
 * @tid: thread id from the request's header; 0 if it has none here, because it
 *	lives outside our pid namespace
 *
 * About 10 us.
 */
enum requester_state requester_look(int proc_fd, pid_t tid);

#endif /* FETCHER_MOUNT_REQUESTER_H */
