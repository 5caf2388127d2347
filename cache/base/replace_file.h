/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A file that appears whole, or not at all.
 *
 *	begin ---> write to ->fd ---> commit	the name leads to the new bytes
 *			      \-----> abandon	the name is as it was
 *
 * Until commit nothing has a name, so a process that dies leaves nothing behind.
 * What is no regular file, and a descriptor whatever it leads to (see
 * output_place.h), has no other place to be written to: its bytes are gone when
 * they are written.  So it is with a file on which something is mounted, at commit.
 *
 * A file that is replaced keeps mode, owner and group, as far as the caller may
 * set them, but no ACL and no xattr; its other hard links keep the old bytes.
 *
 * Ownership: the struct is the caller's; commit and abandon end it.
 */
#ifndef CACHE_BASE_REPLACE_FILE_H
#define CACHE_BASE_REPLACE_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct replace_file {
	int fd;				/* write here; borrowed */
	int dir_fd;
	char *name;			/* inside dir_fd; owned */
	bool in_place;			/* no regular file: written directly */
	bool in_memory;			/* fd has no place in dir_fd's file system */
	bool fixed_mode;		/* @mode, whatever the umask is */
	bool exists;			/* there is a file to be replaced */
	bool keeps_owner;		/* of it: */
	uid_t uid;
	gid_t gid;
	mode_t mode;
};

/**
 * replace_file_begin() - start a new file that will replace @path
 * @file: filled in on success
 * @path: "-" for standard output, or the name; symlinks at its end are followed
 * @mode: permissions if there is no such file yet; the umask applies
 *
 * Waits for the reader of a FIFO.
 *
 * Return: 0 or -errno, see output_place_find().
 */
int replace_file_begin(struct replace_file *file, const char *path,
		       mode_t mode);

/**
 * replace_file_begin_at() - the same, for a name in an open folder
 * @dir_fd: the folder; borrowed
 * @name: without a slash; a symlink of that name is replaced, not followed
 */
int replace_file_begin_at(struct replace_file *file, int dir_fd,
			  const char *name, mode_t mode);

/**
 * replace_file_begin_no_wait() - the same, for those who must not wait for a reader
 *
 * Writing to what is no regular file fails with EAGAIN when it is full.
 *
 * Return: as above, and -ENXIO if a FIFO has no reader.
 */
int replace_file_begin_no_wait(struct replace_file *file, const char *path,
			       mode_t mode);

/**
 * replace_file_commit() - give the written bytes their name
 *
 * Does not wait for the disk.  Signals are held back for the moment between
 * naming and renaming.
 *
 * Return: 0, or -errno; the name is then as it was.
 */
int replace_file_commit(struct replace_file *file);

/**
 * replace_file_sweep() - remove what commits that were cut short left in a folder
 * @dir_fd: the folder; where nobody but this module makes names that begin with
 *	".tmp-"
 *
 * Does nothing while some commit is under way there; the next time will do.
 *
 * Return: the bytes on disk that this has freed.
 */
uint64_t replace_file_sweep(int dir_fd);

/** replace_file_abandon() - forget what was written */
void replace_file_abandon(struct replace_file *file);

#endif /* CACHE_BASE_REPLACE_FILE_H */
