/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A reader of parts of the large object of large_rig.h. */
#ifndef TESTS_UNIT_PART_RIG_H
#define TESTS_UNIT_PART_RIG_H

#include "fetcher/partial/partial.h"
#include "tests/unit/large_rig.h"

struct part_reader {
	struct partial_reader reader;
	int calls, err;
};

/** part_all() - all partial objects of the engine */
struct partials *part_all(void);

/** open_it() - open the large object, of which parts can be read */
struct partial_handle *open_it(void);

/** want() - read a part; @r is told unless partial_read() returns 0 */
int want(struct partial_handle *handle, struct part_reader *r, uint64_t offset,
	 uint64_t len);

/** check_bytes() - they are here, and right */
void check_bytes(const struct partial_handle *handle, uint64_t offset, size_t len);

#endif /* TESTS_UNIT_PART_RIG_H */
