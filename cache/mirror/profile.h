/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Read a profile as its bytes come: digests in order of first use, one a line.
 *
 *	<64 hex>
 *	# anything
 *
 * Nothing in it is trusted.  A line that is neither is counted and passed over; more
 * than PROFILE_MAX bytes are not read; what a digest means is for the callback to
 * judge.  Costs no memory beyond the struct, whatever comes.
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

/* Of a comment, longer ones are cut. */
#define PROFILE_LINE_MAX	256

/**
 * struct profile_reader - somewhere in a profile
 * @digest: called for each digest; 0 to go on, -errno to stop
 * @comment: called for each comment, without its #; or NULL; as @digest
 * @context: passed to both
 */
struct profile_reader {
	int (*digest)(void *context, const struct cfs_digest *digest);
	int (*comment)(void *context, const char *text);
	void *context;
	uint64_t n_bytes;
	uint64_t n_digests;
	uint64_t n_bad;			/* lines that are neither */
	/* private: */
	bool cut;			/* the line is longer than what is kept */
	size_t len;
	char line[PROFILE_LINE_MAX];
};

/**
 * profile_read() - the next bytes
 * @reader: zeroed at first but for the callbacks
 *
 * Return: 0, -EFBIG (more than PROFILE_MAX bytes: what came before them counts) or
 * what a callback returned.
 */
int profile_read(struct profile_reader *reader, const void *data, size_t len);

/** profile_read_end() - that was all: the last line may lack its end; as above */
int profile_read_end(struct profile_reader *reader);

/**
 * profile_read_file() - read a whole file
 * @fd: borrowed; read from where it is
 *
 * Return: as above, or -errno of the file.
 */
int profile_read_file(struct profile_reader *reader, int fd);

#endif /* CACHE_MIRROR_PROFILE_H */
