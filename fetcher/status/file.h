/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The status as a file outside the mount, for mounts that no path leads to.
 *
 * It appears whole, is written again once a second while its counters move, and
 * stays behind with the last word when the process ends.
 *
 * Ownership: status_file_new() gives the caller what status_file_free() takes;
 * all else is borrowed.  Runs on the loop's thread; a write blocks on its disk, which
 * is best a tmpfs such as /run.
 */
#ifndef FETCHER_STATUS_FILE_H
#define FETCHER_STATUS_FILE_H

struct loop;
struct status;
struct status_file;

/**
 * status_file_new() - write the file, and go on doing so
 * @path: of the file; copied
 * @ret: untouched on failure
 *
 * Return: 0 or -errno: it can't be written.
 */
int status_file_new(struct loop *loop, const struct status *status,
		    const char *path, struct status_file **ret);

/** status_file_free() - write the last word */
void status_file_free(struct status_file *file);

#endif /* FETCHER_STATUS_FILE_H */
