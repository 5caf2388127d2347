/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The two tasks of cfs-fetch.  Each prints what went wrong to stderr and
 * returns an exit status; options are borrowed.
 */
#ifndef FETCHER_PROGRAMS_CFS_FETCH_H
#define FETCHER_PROGRAMS_CFS_FETCH_H

struct cfs_store;
struct fetch_options;

/** run_mount() - be the daemon behind a mount point, until it is unmounted */
int run_mount(struct fetch_options *options);

/** run_image() - fetch one image and print its digest */
int run_image(const struct fetch_options *options);

/** open_store() - with a complaint if that fails; 0 or an exit status */
int open_store(const char *path, struct cfs_store **ret);

#endif /* FETCHER_PROGRAMS_CFS_FETCH_H */
