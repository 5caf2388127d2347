/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Small files that an administrator writes: tokens, headers, passwords, keys.
 *
 * A token, a secret header or a key must not be in a file that others may read or change.
 * A group may read it, since that is how services are given secrets, but that is said.
 * Files in a format of other programs, with the mode that these gave them (a proxy's URL,
 * credentials of S3), are taken if others may read them, which is said, and refused if
 * others may change them.  Pipes and the like are as they are.
 */
#ifndef FETCHER_HTTP_SECRET_FILE_H
#define FETCHER_HTTP_SECRET_FILE_H

#include <stddef.h>

/* Who else may read it. */
enum {
	SECRET_FILE_PRIVATE = 0,	/* none but its owner */
	SECRET_FILE_GROUP = 1,		/* its group may read it */
	SECRET_FILE_READABLE = 2,	/* others may read it */
	SECRET_FILE_OPEN = 3,		/* others may change it */
};

/**
 * struct secret_file - a file in memory
 * @text: with a NUL at its end; the owner's, to secret_file_free()
 * @len: without that
 * @access: SECRET_FILE_*, as it was when it was read
 */
struct secret_file {
	char *text;
	size_t len;
	int access;
};

/**
 * secret_file_read() - read a small text file whole
 * @ret: filled on success
 *
 * Return: 0, -EINVAL (a NUL in it), -EFBIG (over 64 KiB), -ENOMEM or what open and read
 * gave.
 */
int secret_file_read(const char *path, struct secret_file *ret);

/** secret_file_free() - forget what it says */
void secret_file_free(struct secret_file *file);

#endif /* FETCHER_HTTP_SECRET_FILE_H */
