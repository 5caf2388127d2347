// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/ingest/quota_share.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/full_io.h"

struct slot {
	uint64_t booked;
	uint64_t landed;
};

_Static_assert(sizeof(struct slot) == 16, "as in the file");

static off_t place_of(unsigned int slot)
{
	return (off_t)slot * (off_t)sizeof(struct slot);
}

/* Take the lock of a slot; false if another process has it. */
static bool lock(int fd, unsigned int slot, short type)
{
	struct flock range = {
		.l_type = type,
		.l_whence = SEEK_SET,
		.l_start = place_of(slot),
		.l_len = sizeof(struct slot),
	};

	return fcntl(fd, F_OFD_SETLK, &range) == 0;
}

static bool read_slots(int fd, struct slot ret[QUOTA_SHARE_SLOTS])
{
	if (full_pread(fd, ret, QUOTA_SHARE_SLOTS * sizeof(*ret), 0) < 0)
		return false;
	for (unsigned int i = 0; i < QUOTA_SHARE_SLOTS; i++) {
		ret[i].booked = le64toh(ret[i].booked);
		ret[i].landed = le64toh(ret[i].landed);
	}
	return true;
}

static int write_slot(int fd, unsigned int slot, uint64_t booked, uint64_t landed)
{
	const struct slot bytes = { htole64(booked), htole64(landed) };

	return full_pwrite(fd, &bytes, sizeof(bytes), place_of(slot));
}

int quota_share_open(struct quota_share *share, int objects_fd)
{
	CLEANUP_CLOSE int fd = openat(objects_fd, "../quota",
				      O_RDWR | O_CREAT | O_NOFOLLOW |
				      O_NONBLOCK | O_CLOEXEC, 0600);
	struct slot slots[QUOTA_SHARE_SLOTS];
	struct stat st;
	unsigned int slot = 0;
	int err;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EEXIST;
	if (st.st_size < (off_t)sizeof(slots) && ftruncate(fd, sizeof(slots)) < 0)
		return -errno;
	while (slot < QUOTA_SHARE_SLOTS && !lock(fd, slot, F_WRLCK))
		slot++;
	if (slot == QUOTA_SHARE_SLOTS)
		return -EBUSY;
	if (!read_slots(fd, slots))
		return -EIO;
	/* Landed goes on from where the last owner was: others count from there. */
	err = write_slot(fd, slot, 0, slots[slot].landed);
	if (err < 0)
		return err;
	share->slot = slot;
	share->landed = slots[slot].landed;
	share->fd = take_fd(&fd);
	share->open = true;
	quota_share_measure(share);
	return 0;
}

void quota_share_close(struct quota_share *share)
{
	if (!share->open)
		return;
	(void)write_slot(share->fd, share->slot, 0, share->landed);
	close(share->fd);
	share->open = false;
}

void quota_share_publish(struct quota_share *share, uint64_t booked,
			 uint64_t landed)
{
	if (!share->open)
		return;
	share->landed += landed;
	(void)write_slot(share->fd, share->slot, booked, share->landed);
}

void quota_share_measure(struct quota_share *share)
{
	struct slot slots[QUOTA_SHARE_SLOTS];

	if (!share->open || !read_slots(share->fd, slots))
		return;
	for (unsigned int i = 0; i < QUOTA_SHARE_SLOTS; i++) {
		share->base[i] = slots[i].landed;
		if (i == share->slot || !slots[i].booked ||
		    !lock(share->fd, i, F_WRLCK))
			continue;
		/* Its owner has ended, and did not say so. */
		(void)write_slot(share->fd, i, 0, slots[i].landed);
		(void)lock(share->fd, i, F_UNLCK);
	}
}

uint64_t quota_share_others(const struct quota_share *share)
{
	struct slot slots[QUOTA_SHARE_SLOTS];
	uint64_t sum = 0;

	if (!share->open || !read_slots(share->fd, slots))
		return 0;
	for (unsigned int i = 0; i < QUOTA_SHARE_SLOTS; i++) {
		if (i == share->slot)
			continue;
		sum += slots[i].booked;
		if (slots[i].landed > share->base[i])
			sum += slots[i].landed - share->base[i];
	}
	return sum;
}
