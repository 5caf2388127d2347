/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The limit of open files.  Batches of objects, deep trees and crowds of clients need more
 * than the usual 1024: programs ask for all they may have, and do with less what can be
 * done with less.
 */
#ifndef CACHE_BASE_DESCRIPTOR_LIMIT_H
#define CACHE_BASE_DESCRIPTOR_LIMIT_H

#include <errno.h>
#include <stdbool.h>

/** descriptor_limit_raise() - as far as it goes; failing costs nothing but that */
void descriptor_limit_raise(void);

/** descriptor_limit() - how many files may be open, all together */
unsigned int descriptor_limit(void);

/** descriptors_free() - how many more may be opened; what is open may be anywhere */
unsigned int descriptors_free(void);

/** descriptors_exhausted() - can none be opened now, by the process or the machine? */
bool descriptors_exhausted(void);

/** is_descriptor_error() - does this -errno say so? */
static inline bool is_descriptor_error(int err)
{
	return err == -EMFILE || err == -ENFILE;
}

#endif /* CACHE_BASE_DESCRIPTOR_LIMIT_H */
