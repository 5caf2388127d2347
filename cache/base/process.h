/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a program inherits from the process that starts it, and may not rely on.
 *
 *	inherited			may be
 *	descriptors 0, 1, 2		closed: the next file that is opened would be
 *					what messages are written into
 *	SIGCHLD				ignored: then no child can be waited for
 *	SIGXFSZ, RLIMIT_FSIZE		low: death in the middle of a write, instead of EFBIG
 *	signal mask			anything
 *	umask				0777: files that the program itself can't open again;
 *					what it says of others is kept
 */
#ifndef CACHE_BASE_PROCESS_H
#define CACHE_BASE_PROCESS_H

/**
 * process_begin() - put that right; main() calls it before anything else
 *
 * A standard descriptor that is closed becomes one that can't be used for what it is for
 * either, so that a program which has to print still fails.
 */
void process_begin(void);

/**
 * process_begin_child() - between fork() and execv(): no signal is blocked, those that
 *	end a daemon are not ignored, and no limit on CPU time, memory or the size of files
 *	is lower than it must be
 */
void process_begin_child(void);

#endif /* CACHE_BASE_PROCESS_H */
