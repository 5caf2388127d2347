// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/part_rig.h"

#include <stdlib.h>
#include <string.h>

#include "cache/base/container_of.h"
#include "cache/base/full_io.h"
#include "fetcher/engine/internal.h"
#include "tests/unit/test.h"

struct partials *part_all(void)
{
	return rig.fetcher->partials;
}

static void part_done(struct partial_reader *reader, int err)
{
	struct part_reader *r = container_of(reader, struct part_reader, reader);

	r->calls++;
	r->err = err;
}

struct partial_handle *open_it(void)
{
	struct partial_handle *handle;

	CHECK(partials_readable(part_all(), &large.digest, SIZE));
	CHECK_EQ(partial_open(part_all(), &large.digest, SIZE, &handle), 0);
	return handle;
}

int want(struct partial_handle *handle, struct part_reader *r,
		uint64_t offset, uint64_t len)
{
	*r = (struct part_reader){ .reader.done = part_done };
	return partial_read(handle, offset, len, &r->reader);
}

void check_bytes(const struct partial_handle *handle, uint64_t offset,
			size_t len)
{
	uint8_t *data = malloc(len);

	CHECK_EQ(full_pread(partial_fd(handle), data, len, offset), 0);
	CHECK(memcmp(data, large.data + offset, len) == 0);
	free(data);
}
