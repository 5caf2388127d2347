/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Read a profile as its bytes come: digests in order of first use, one a line.
 *
 *	<64 hex>
 *	# anything
 *
 * This is the one parser; whatever takes a profile means the same by it:
 *
 *	white space	blanks, tabs and CR around a line's text do not count
 *	empty line	ignored
 *	# ...		a comment of any length; the callback gets its first
 *			PROFILE_LINE_MAX bytes
 *	64 hex digits	a digest, in lower case
 *	anything else	counted in n_bad and skipped; so is a digest in a line of
 *			more than PROFILE_LINE_MAX bytes
 *	the end		the last line may lack its newline
 *	PROFILE_MAX	what stands behind so many bytes is not read, nor the line
 *			that is not complete there: too_long
 *
 * Nothing in it is trusted: what a digest means is for the callback to judge.  Costs
 * no memory beyond the struct, whatever comes.
 *
 * Ownership: the struct is the caller's.  Pure; single-threaded.
 */
#ifndef CACHE_MIRROR_PROFILE_H
#define CACHE_MIRROR_PROFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/verity/digest.h"

/* Bytes; about 120,000 digests. */
#define PROFILE_MAX		((uint64_t)8 << 20)

/* Bytes of a line that are looked at. */
#define PROFILE_LINE_MAX	256

/**
 * struct profile_reader - somewhere in a profile
 * @digest: called for each digest; 0 to go on, -errno to stop
 * @comment: called for each comment, without its #; or NULL; as @digest
 * @context: passed to both
 * @n_bytes: that were read
 * @n_digests: that @digest was called for
 * @n_bad: lines that are neither digest nor comment
 * @too_long: there are more than PROFILE_MAX bytes
 */
struct profile_reader {
	int (*digest)(void *context, const struct cfs_digest *digest);
	int (*comment)(void *context, const char *text);
	void *context;
	uint64_t n_bytes;
	uint64_t n_digests;
	uint64_t n_bad;
	bool too_long;
	/* private: */
	bool cut;			/* the line is longer than what is kept */
	size_t len;
	char line[PROFILE_LINE_MAX + 1];
};

/**
 * profile_read() - the next bytes
 * @reader: zeroed at first but for the callbacks
 *
 * Return: 0, -EFBIG (too_long: no more is wanted) or what a callback returned.
 */
int profile_read(struct profile_reader *reader, const void *data, size_t len);

/** profile_read_end() - that was all; 0 or what a callback returned */
int profile_read_end(struct profile_reader *reader);

/**
 * profile_read_file() - read a whole file, or its first PROFILE_MAX bytes
 * @fd: borrowed; read from where it is
 *
 * Return: 0, what a callback returned, or -errno of the file.
 */
int profile_read_file(struct profile_reader *reader, int fd);

#endif /* CACHE_MIRROR_PROFILE_H */
