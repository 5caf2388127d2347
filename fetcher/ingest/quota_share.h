/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What other processes with a quota on the same store are about to put there.
 *
 *	STORE/quota	64 slots of two numbers, little-endian, 8 bytes each:
 *		booked	bytes that are on their way
 *		landed	bytes that have landed since the file was made; only grows
 *
 * A process has a slot for as long as it holds an fcntl(2) lock (of the open file) on
 * its bytes.  A slot without one is free: what was booked there is not on its way.
 *
 *	own write, then others read:	two that book at once both see the other
 *
 * So between two measures of the store each knows what the others have added since.
 * The file may be removed at any time; without it each process knows of itself only.
 *
 * Ownership: the struct is the caller's, zeroed at first; quota_share_open() to
 * quota_share_close().
 * One thread at a time.
 */
#ifndef FETCHER_INGEST_QUOTA_SHARE_H
#define FETCHER_INGEST_QUOTA_SHARE_H

#include <stdbool.h>
#include <stdint.h>

#define QUOTA_SHARE_SLOTS	64

struct quota_share {
	bool open;			/* else it knows of no others */
	int fd;
	unsigned int slot;
	uint64_t landed;		/* our own */
	uint64_t base[QUOTA_SHARE_SLOTS];	/* landed, at the last measure */
};

/**
 * quota_share_open() - take a slot
 * @objects_fd: of the store
 *
 * Return: 0; -EBUSY (all slots are taken) or -errno: the struct knows of no others.
 */
int quota_share_open(struct quota_share *share, int objects_fd);

/** quota_share_close() - give the slot back; nothing is on its way */
void quota_share_close(struct quota_share *share);

/** quota_share_publish() - so much of ours is on its way; @landed more has landed */
void quota_share_publish(struct quota_share *share, uint64_t booked,
			 uint64_t landed);

/** quota_share_measure() - the store is about to be measured: count from here on */
void quota_share_measure(struct quota_share *share);

/** quota_share_others() - bytes that others have booked, or landed since then */
uint64_t quota_share_others(const struct quota_share *share);

#endif /* FETCHER_INGEST_QUOTA_SHARE_H */
