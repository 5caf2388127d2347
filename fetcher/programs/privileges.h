/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the process may do, and what may be done to it.
 */
#ifndef FETCHER_PROGRAMS_PRIVILEGES_H
#define FETCHER_PROGRAMS_PRIVILEGES_H

/**
 * privileges_harden() - set up what outlives a change of user; before any thread
 *
 * No new privileges by exec; the kernel does not enter file systems to find memory for us, since those may wait
 * for us; and we are among the last that the OOM killer takes.  What the kernel
 * refuses is left as it is.
 */
void privileges_harden(void);

/**
 * privileges_check() - is that a user who may do less?
 *
 * Return: 0, -ENOENT (no such user), -EPERM (it is root) or -errno.
 */
int privileges_check(const char *user);

/**
 * privileges_drop() - become a user, with its groups and no capabilities
 * @user: name, from the user database
 *
 * Return: 0, -ENOENT (no such user), -EPERM (it is root), or -errno: some of it may have happened, so
 * end the process.
 */
int privileges_drop(const char *user);

#endif /* FETCHER_PROGRAMS_PRIVILEGES_H */
