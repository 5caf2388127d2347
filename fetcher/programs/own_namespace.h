/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A mount namespace in which a mount's own fetcher lives.
 *
 * A process keeps its mount namespace alive, and with it every mount there.  A fetcher
 * that stayed in the namespace of the mount it serves would keep that mount, and the
 * mount keeps the fetcher: neither would ever end by itself when the last other
 * process has gone.  Nor could a file system be unmounted there while the fetcher has
 * a file of it open.
 *
 * So it moves into a namespace of its own, which has copies of a few mounts only, at
 * the same paths: what it may open later.  Everything else can be unmounted and is
 * gone then.
 */
#ifndef FETCHER_PROGRAMS_OWN_NAMESPACE_H
#define FETCHER_PROGRAMS_OWN_NAMESPACE_H

#include <stddef.h>

/**
 * own_namespace_enter() - move there
 * @paths: what will be opened after this, besides what name look-ups and TLS need;
 *	absolute; those that are NULL, relative or lead nowhere do not count
 * @n_paths: how many
 *
 * For a process of one thread that holds no folder open.  A log on stderr that is a
 * regular file is opened again there.  Where mounts must not be taken apart (a user
 * namespace with mounts of its parent's) it has copies of all of them.
 *
 * Return: 0, or -errno: this process is still where it was.
 */
int own_namespace_enter(const char *const *paths, size_t n_paths);

#endif /* FETCHER_PROGRAMS_OWN_NAMESPACE_H */
