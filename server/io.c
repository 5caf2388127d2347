// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Choose an engine.
 */
#include "server/io.h"

#include <errno.h>

int io_new(enum io_engine engine, struct io **ret)
{
	int err;

	if (engine == IO_ENGINE_EPOLL)
		return io_epoll_new(ret);
	err = io_ring_new(ret);
	if (engine == IO_ENGINE_RING || !err || err == -ENOMEM ||
	    err == -EMFILE)
		return err;
	return io_epoll_new(ret);
}
