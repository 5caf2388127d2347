/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One client's connection.
 *
 *	            a whole head         not open yet          small
 *	RECEIVING ---------------+------> OPENING -------+---> LOADING
 *	   ^  |                  |           |           |        |
 *	   |  | closed, idle,    | in memory | an error, |        |
 *	   |  | or too slow      v           v or large  |        v
 *	   |  |               SENDING <------+-----------+--------+
 *	   |  |                |   |
 *	   |  |      large body|   | all sent
 *	   |  |                v   v
 *	   |  |           STREAMING --+--- keep-alive ---> RECEIVING
 *	   |  |                       |
 *	   |  v                       | the request was refused
 *	   | (gone) <-- LINGERING <---+
 *	   |               otherwise: (gone)
 *	   +---------------------------------------------- ...
 *
 *	RECEIVING	waits for bytes; ->in holds the beginning of a head
 *	OPENING		the target's file is being opened
 *	LOADING		a small file is being read into memory
 *	SENDING		head and, if it is in memory, body
 *	STREAMING	the body, from its descriptor
 *	LINGERING	everything was sent and said so; what still comes in is
 *			thrown away, for a reset would destroy what was sent
 *
 * Exactly one operation is under way at any time, so nothing is ever cancelled
 * but by shutdown(); bytes of the next request wait in the socket.  A connection
 * that must go is marked ->cut, and goes when its operation completes.
 *
 * Ownership: a connection belongs to its worker and frees itself.
 * Single-threaded: it lives on its worker's thread.
 */
#ifndef SERVER_CONNECTION_H
#define SERVER_CONNECTION_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/uio.h>

#include "server/http_condition.h"
#include "server/http_request.h"
#include "server/url_target.h"
#include "server/worker.h"

enum connection_state {
	CONNECTION_RECEIVING,
	CONNECTION_OPENING,
	CONNECTION_LOADING,
	CONNECTION_SENDING,
	CONNECTION_STREAMING,
	CONNECTION_LINGERING,
};

struct connection {
	struct io_op op;		/* ->fd is the socket */
	struct worker *worker;
	struct connection *prev, *next;	/* of the worker's */
	struct peer peer;
	enum listen_role role;
	enum connection_state state;
	bool cut;
	bool counted;			/* among its peer's */
	bool crowded;			/* an extra one: see crowd.h */
	struct timeout timeout;

	/* Bytes received and not answered yet; NULL while there are none. */
	char *in;
	size_t in_len, in_room;

	/* The request being answered; its texts lie in ->in. */
	struct http_request request;
	bool refused;
	struct url_target target;
	bool by_name;			/* an image, through its name: */
	time_t named;			/* when it got that */
	char named_text[HTTP_DATE_MAX];
	bool opened_again;		/* for want of descriptors */
	int64_t started_ms;
	int64_t sending_ms;		/* when the response began */

	/* The answer. */
	struct http_response response;
	struct object *object;		/* NULL: the body is ->text */
	const char *text;
	char *owned_text;		/* to free afterwards, or NULL */
	uint64_t loaded;		/* bytes of ->object->data */
	struct msghdr msg;
	struct iovec iov[2];
	char head[HTTP_RESPONSE_HEAD_MAX];
	size_t head_left;
	uint64_t stream_offset, stream_left;
	uint64_t body_sent;
	uint64_t taken, taken_mark;	/* bytes sent; acknowledged at last look */
	uint64_t discarded;
};

/**
 * connection_new() - take over an accepted socket
 * @worker: that accepted it
 * @fd: owned by the connection from now on, also if it is turned away
 * @role: of the listener
 */
void connection_new(struct worker *worker, int fd, enum listen_role role);

static inline struct connection *connection_of(struct timeout *timeout)
{
	return (struct connection *)((char *)timeout -
				     offsetof(struct connection, timeout));
}

/**
 * connection_is_slow() - has its peer left it waiting, so far, for longer than
 * others should wait for its place?
 */
bool connection_is_slow(const struct connection *conn);

/** connection_give_way() - go for the sake of another one; its place is free at once */
void connection_give_way(struct connection *conn);

/** connection_timed_out() - the limit in ->timeout is over */
void connection_timed_out(struct connection *conn);

/** connection_stop() - the worker stops: go, if idle, now */
void connection_stop(struct connection *conn);

/** connection_cut() - go as soon as the operation under way lets go */
void connection_cut(struct connection *conn);

#endif /* SERVER_CONNECTION_H */
