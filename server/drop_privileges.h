/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Become an ordinary user for good.
 */
#ifndef SERVER_DROP_PRIVILEGES_H
#define SERVER_DROP_PRIVILEGES_H

/**
 * drop_privileges() - become a user: its uid, gid and groups, nothing else
 * @name: the user's name; borrowed
 *
 * Afterwards no capability is left and none can be gained, by exec either.
 * Call it before there are threads.
 *
 * Return: 0, -ENOENT if there is no such user, -EPERM, or -errno.
 */
int drop_privileges(const char *name);

#endif /* SERVER_DROP_PRIVILEGES_H */
