/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Is a folder a repository of another program?  Any thread.
 */
#ifndef CACHE_STORE_FOREIGN_H
#define CACHE_STORE_FOREIGN_H

#include <stdbool.h>

/**
 * store_foreign() - the kind of repository that a folder is, if not a store
 * @root_fd: the folder; borrowed
 * @ret_mark: the entry that shows it; untouched if there is none
 *
 * Return: words for people, such as "OSTree repository"; NULL if it is none.
 */
const char *store_foreign(int root_fd, const char **ret_mark);

#endif /* CACHE_STORE_FOREIGN_H */
