/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The place from which the root file system is served.
 *
 * A fetcher that serves "/" was started in the initramfs, whose files are gone after
 * switch_root, and must never open a file of the root it serves: it would wait for
 * itself.  So it moves into a mount namespace of its own, which shutdown can't take
 * apart, with a root that has nothing but
 *
 *	/proc
 *	/run/composefs		the initramfs' own: the store, the status
 *	/etc -> /run/composefs/etc	resolv.conf, hosts, ssl; the running system may
 *				write there
 */
#ifndef FETCHER_PROGRAMS_PRIVATE_ROOT_H
#define FETCHER_PROGRAMS_PRIVATE_ROOT_H

/**
 * root_place_enter() - move there
 *
 * For a process of one thread, root's, before it opens anything that it keeps.
 *
 * Return: 0 or -errno.
 */
int root_place_enter(void);

/**
 * root_place_mark() - have systemd leave this process alone
 * @argv0: main()'s argv[0]
 *
 * systemd spares processes of uid 0 whose command line begins with '@' when it kills
 * all others, at switch_root and at shutdown.
 */
void root_place_mark(char *argv0);

#endif /* FETCHER_PROGRAMS_PRIVATE_ROOT_H */
