/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Why something failed, for people: a text that travels beside the -errno, so
 * that a library which never prints can still name the file or the line.
 *
 * Ownership: the caller's; the text is copied into it.
 */
#ifndef CACHE_BASE_ERRMSG_H
#define CACHE_BASE_ERRMSG_H

#define ERRMSG_MAX	1024

struct errmsg {
	char text[ERRMSG_MAX];		/* empty: only the -errno is known */
};

/**
 * errmsg_set() - say why
 * @msg: where to; NULL is allowed
 * @err: the -errno it goes with
 *
 * A text that is too long is cut.
 *
 * Return: @err, so that "return errmsg_set(...)" is the whole error path.
 */
__attribute__((format(printf, 3, 4)))
int errmsg_set(struct errmsg *msg, int err, const char *format, ...);

#endif /* CACHE_BASE_ERRMSG_H */
