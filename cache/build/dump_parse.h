/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The dump text format, composefs-dump(5), read into a tree.
 *
 * Ownership: the text is borrowed for the duration of the call; the tree is the
 * caller's.
 */
#ifndef CACHE_BUILD_DUMP_PARSE_H
#define CACHE_BUILD_DUMP_PARSE_H

#include <stddef.h>

struct cfs_tree;
struct errmsg;

enum {
	/* refuse what is harmless but no writer of dumps produces */
	CFS_DUMP_STRICT = 1 << 0,
};

/**
 * cfs_dump_parse() - read a dump
 * @text: the whole dump; need not end in a NUL
 * @len: its length in bytes
 * @flags: CFS_DUMP_*
 * @tree: an empty tree; on failure it must still be released
 * @msg: says what is wrong and in which line; may be NULL
 *
 * Time and memory are linear in @len.
 *
 * Return: 0, -EINVAL if it is not a valid dump, or -ENOMEM.
 */
int cfs_dump_parse(const char *text, size_t len, unsigned int flags,
		   struct cfs_tree *tree, struct errmsg *msg);

#endif /* CACHE_BUILD_DUMP_PARSE_H */
