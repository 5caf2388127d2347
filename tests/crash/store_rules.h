/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What must hold of a store after a crash, a failure or a kill, whatever was going
 * on.  The rules are checked from outside: bytes are read and digested here.
 *
 *	before anything writes to it
 *	1. no name in objects/ leads to wrong or short bytes; where there is
 *	   fs-verity, a file without a seal is a miss, not wrong
 *	2. no name in images/ dangles or leads to something that is no image
 *	3. a name that begins with "whole" leads to an image that lacks no object
 *	   (those that mkcomposefs has made; cfs-seed pins an image first)
 *
 *	after one start of a tool
 *	4. no temporary file is left
 *
 * Ownership: everything is borrowed for the duration of the call; any thread.
 */
#ifndef TESTS_CRASH_STORE_RULES_H
#define TESTS_CRASH_STORE_RULES_H

#include <stdint.h>

/**
 * struct store_rules - what was found; a store that is not there yet is sound
 * @objects: names in objects/
 * @unsealed: of these, misses: no seal where the file system has them
 * @wrong: of these, with bytes that are not what the name says
 * @images: names in images/
 * @dangling: of these, leading to no image
 * @incomplete: of these, "whole", and lacking objects
 * @absent: names that were to be there and are not
 * @stray: files after one start that are no part of a store
 */
struct store_rules {
	uint64_t objects, unsealed, wrong;
	uint64_t images, dangling, incomplete, absent;
	uint64_t stray;
};

/**
 * store_rules_check() - look at a store, start a tool on it, look again
 * @path: the store
 * @expected: NULL-terminated image names that must be there; may be NULL
 * @ret: added to
 *
 * Each breach is printed to stderr.
 *
 * Return: 0, also if rules are broken, or -errno if that could not be told.
 */
int store_rules_check(const char *path, const char *const *expected,
		      struct store_rules *ret);

/** store_rules_broken() - how many breaches? */
uint64_t store_rules_broken(const struct store_rules *rules);

#endif /* TESTS_CRASH_STORE_RULES_H */
