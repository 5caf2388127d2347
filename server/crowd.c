// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/crowd.h"

#include "server/connection.h"

/* How many of each kind are looked at. */
#define LOOK_AT		128
/* A peer with so many times the newcomer's connections loses busy ones, too. */
#define UNFAIR		4
/* A request's head may take so long before it counts as waiting. */
#define HEAD_MS		1000

enum rank {
	RANK_IDLE,
	RANK_SLOW,
	RANK_BUSY,
	RANK_NONE,
};

struct choice {
	struct connection *conn;	/* NULL: none yet */
	unsigned int load;
	enum rank rank;
};

static enum rank rank_of(const struct connection *conn)
{
	const struct worker *worker = conn->worker;

	switch (conn->state) {
	case CONNECTION_LINGERING:
		return RANK_IDLE;
	case CONNECTION_RECEIVING:
		if (conn->in_len == 0 || conn->crowded)
			return RANK_IDLE;
		return conn->timeout.due_ms - worker->now_ms <=
				       (int64_t)worker->shared->limits.head_ms -
					       HEAD_MS ? RANK_SLOW : RANK_BUSY;
	case CONNECTION_SENDING:
	case CONNECTION_STREAMING:
		return connection_is_slow(conn) ? RANK_SLOW : RANK_BUSY;
	case CONNECTION_OPENING:
	case CONNECTION_LOADING:
		break;
	}
	return RANK_NONE;
}

static void look_at(const struct timeout_list *list, unsigned int load,
		    struct choice *choice)
{
	struct timeout *timeout = list->first;
	unsigned int i;

	for (i = 0; timeout && i < LOOK_AT; i++, timeout = timeout->next) {
		struct connection *conn = connection_of(timeout);
		struct peer_limit *peers =
			conn->worker->shared->peers[conn->role];
		unsigned int its_load = peer_limit_load(peers, &conn->peer);
		enum rank rank;

		if (conn->cut || its_load < load ||
		    (choice->conn && its_load < choice->load))
			continue;
		rank = rank_of(conn);
		if (rank == RANK_NONE ||
		    (rank == RANK_BUSY && (!load || its_load / UNFAIR < load)))
			continue;
		if (choice->conn && its_load == choice->load &&
		    rank >= choice->rank)
			continue;
		*choice = (struct choice){ conn, its_load, rank };
	}
}

bool crowd_make_way(struct worker *worker, enum listen_role role,
		    unsigned int load)
{
	const struct worker_waits *waits = &worker->waits[role];
	struct choice choice = { 0 };

	look_at(&waits->lingering, load, &choice);
	look_at(&waits->idle, load, &choice);
	look_at(&waits->head, load, &choice);
	look_at(&waits->sending, load, &choice);
	if (!choice.conn)
		return false;
	connection_give_way(choice.conn);
	return true;
}

void crowd_thin_out(struct worker *worker, enum listen_role role,
		    unsigned int load, unsigned int n)
{
	while (n-- && peer_limit_is_crowded(worker->shared->peers[role]) &&
	       crowd_make_way(worker, role, load))
		;
}

bool crowd_ask(struct worker *worker, enum listen_role role, unsigned int load)
{
	struct serve_shared *shared = worker->shared;
	struct worker *most = NULL;
	uint64_t n, max = 0;
	size_t i;

	if (crowd_make_way(worker, role, load)) {
		crowd_thin_out(worker, role, load, 1);
		return true;
	}
	for (i = 0; i < shared->n_workers; i++) {
		struct worker *other = shared->workers[i];

		n = __atomic_load_n(&other->metrics.values[METRIC_OPEN],
				    __ATOMIC_RELAXED);
		if (other != worker && n > max) {
			most = other;
			max = n;
		}
	}
	if (most)
		worker_make_way(most, role, load);
	return false;
}
