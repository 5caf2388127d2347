/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * When all places are taken, a connection that only waits gives its own to one that
 * comes: it is idle, or sends its request, or takes its response, too slowly.
 *
 * Fair by address: of those that may go, the one goes whose peer has most
 * connections, so that a crowd from a few addresses displaces itself; then an idle
 * one rather than a slow one, then the one that has waited longest.  A peer that has
 * fewer connections than the newcomer's loses none.  Responses that make progress
 * are cut only if their peer has many times as many connections.
 *
 *	newcomer --> a place --------------------------------> served
 *	    |
 *	    +--> extra, another gives way at once -----------> served
 *	    |
 *	    +--> extra, a worker that has more is asked -----> served, or, if it has
 *	    |						none either by the time of
 *	    |						the request: 503, but for
 *	    |						/healthz
 *	    +--> no extra place left ------------------------> 503
 *
 * Connections to --metrics have places of their own.  Each worker looks at its own
 * connections only, and of each kind at those that have waited longest only: the
 * work does not grow with the crowd.
 *
 * Single-threaded: on the worker's thread.
 */
#ifndef SERVER_CROWD_H
#define SERVER_CROWD_H

#include <stdbool.h>

#include "server/listen.h"

struct worker;

/**
 * crowd_make_way() - let one of this worker's connections give way
 * @role: one of that kind
 * @load: connections of the peer that wants the place, the new one included; 0 if
 *	descriptors are short, not places: then none goes that makes progress
 *
 * Return: false if none may.
 */
bool crowd_make_way(struct worker *worker, enum listen_role role,
		    unsigned int load);

/** crowd_thin_out() - at most @n times, while there are extra connections */
void crowd_thin_out(struct worker *worker, enum listen_role role,
		    unsigned int load, unsigned int n);

/**
 * crowd_ask() - let one give way for a newcomer, and one more if there are extra ones
 *
 * Return: false if this worker has none that may; another one has been asked then.
 */
bool crowd_ask(struct worker *worker, enum listen_role role, unsigned int load);

#endif /* SERVER_CROWD_H */
