/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the bytes go that a program is told to write to a path.
 *
 *	-				standard output
 *	a descriptor's name		that descriptor, from where it stands:
 *	 (/dev/stdout, /dev/fd/N,	a pipe, a socket, a file that the shell
 *	 /proc/self/fd/N)		has opened for appending
 *	any other name of a FIFO,	that, opened
 *	 device, or deleted file
 *	a regular file, or nothing	a new file that takes the name
 *
 * Symlinks are followed, also one to a file that is not there yet: the link
 * stays, and what it names is made.  Only what has a name of its own can be
 * replaced; all else has no other place to be written to.
 *
 * Ownership: output_place_find() gives the caller a place to
 * output_place_release().
 */
#ifndef CACHE_BASE_OUTPUT_PLACE_H
#define CACHE_BASE_OUTPUT_PLACE_H

#include <stdbool.h>
#include <sys/stat.h>

struct output_place {
	int fd;				/* write here, in place; -1: a name */
	char *path;			/* the name, no symlink; NULL if fd is set */
	bool exists;			/* a regular file has the name: */
	struct stat st;			/* it */
};

/**
 * output_place_find() - follow a path that is to be written to
 * @path: "-" or a path
 * @wait: for a FIFO's reader, and when a pipe is full.  Otherwise writing fails
 *	with EAGAIN, unless it is to a socket
 * @ret: filled in on success
 *
 * A descriptor must have been inherited: one that this program has opened for
 * itself is -EBADF, as one that is not open for writing is.
 *
 * Return: 0; -EISDIR; -EBADF; -ENXIO, a FIFO without reader and without @wait, or
 * a socket's name; -ELOOP; -ENOMEM; or -errno.
 */
int output_place_find(const char *path, bool wait, struct output_place *ret);

/** output_place_release() - close and free what the place holds */
void output_place_release(struct output_place *place);

#endif /* CACHE_BASE_OUTPUT_PLACE_H */
