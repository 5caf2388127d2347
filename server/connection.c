// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Move a connection from state to state.
 */
#include "server/connection.h"

#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "server/answer.h"
#include "server/crowd.h"

/* Most requests fit the first; the second takes a head and one receipt more. */
#define IN_SMALL	1024
#define IN_LARGE	(HTTP_HEAD_MAX + 4096)

/* A client that goes on talking after its last response has this much of it. */
#define DISCARD_MAX	(1u << 20)

/* Where places are scarce, a response this slow for so long counts as waiting. */
#define SLOW_RATE	(32u << 10)
#define SLOW_AFTER_MS	2000

static void process(struct connection *conn);

static void count(struct connection *conn, enum metric metric, int64_t n)
{
	metrics_add(&conn->worker->metrics, metric, n);
}

/* The response has been sent, or as much of it as there will be. */
static void account(struct connection *conn)
{
	struct worker *worker = conn->worker;
	const struct http_request *request = &conn->request;
	struct access_log_entry entry = {
		.time = worker->now,
		.peer = &conn->peer,
		.method = conn->refused ? "-" :
			  request->method == HTTP_HEAD ? "HEAD" : "GET",
		.path = request->target.text,
		.path_len = request->target.len,
		.status = conn->response.status,
		.bytes = conn->body_sent,
		.ms = worker->now_ms - conn->started_ms,
	};

	count(conn, METRIC_2XX + conn->response.status / 100 - 2, 1);
	count(conn, METRIC_BYTES, (int64_t)conn->body_sent);
	access_log_add(worker->shared->log, &worker->lines, &entry);
	conn->response.status = 0;
}

static void drop_answer(struct connection *conn)
{
	object_unref(conn->worker->cache, conn->object);
	conn->object = NULL;
	conn->text = NULL;
	free(conn->owned_text);
	conn->owned_text = NULL;
}

static struct worker_waits *waits_of(struct connection *conn)
{
	return &conn->worker->waits[conn->role];
}

static void give_place(struct connection *conn)
{
	if (conn->counted)
		peer_limit_give(conn->worker->shared->peers[conn->role],
				&conn->peer);
	conn->counted = false;
}

static void connection_free(struct connection *conn)
{
	struct worker *worker = conn->worker;

	if (conn->response.status)
		account(conn);
	drop_answer(conn);
	timeout_clear(&conn->timeout);
	give_place(conn);
	*(conn->prev ? &conn->prev->next : &worker->connections) = conn->next;
	if (conn->next)
		conn->next->prev = conn->prev;
	worker->n_connections--;
	count(conn, METRIC_OPEN, -1);
	close(conn->op.fd);
	free(conn->in);
	free(conn);
}

void connection_cut(struct connection *conn)
{
	conn->cut = true;
	timeout_clear(&conn->timeout);
	shutdown(conn->op.fd, SHUT_RDWR);
}

static void receive(struct connection *conn)
{
	struct worker *worker = conn->worker;

	if (conn->in_len == 0) {
		if (worker->stopping) {
			connection_free(conn);
			return;
		}
		free(conn->in);
		conn->in = NULL;
		timeout_set(&conn->timeout, &waits_of(conn)->idle, worker->now_ms);
	} else if (conn->timeout.list != &waits_of(conn)->head) {
		/* From its first byte on; later ones win no time. */
		timeout_set(&conn->timeout, &waits_of(conn)->head, worker->now_ms);
	}
	conn->state = CONNECTION_RECEIVING;
	conn->op.kind = IO_RECV;
	io_start(worker->io, &conn->op);
}

static void linger(struct connection *conn)
{
	struct worker *worker = conn->worker;

	free(conn->in);
	conn->in = NULL;
	conn->in_len = 0;
	if (conn->state != CONNECTION_LINGERING) {
		shutdown(conn->op.fd, SHUT_WR);
		timeout_set(&conn->timeout, &waits_of(conn)->lingering,
			    worker->now_ms);
		conn->state = CONNECTION_LINGERING;
	}
	conn->op.kind = IO_RECV;
	io_start(worker->io, &conn->op);
}

static void finish_response(struct connection *conn)
{
	bool keep_alive = conn->response.keep_alive;

	account(conn);
	drop_answer(conn);
	if (conn->refused) {
		linger(conn);
		return;
	}
	if (!keep_alive) {
		connection_free(conn);
		return;
	}
	conn->in_len -= conn->request.len;
	memmove(conn->in, conn->in + conn->request.len, conn->in_len);
	timeout_clear(&conn->timeout);
	if (conn->in_len > 0)
		process(conn);
	else
		receive(conn);
}

static void stream(struct connection *conn)
{
	conn->state = CONNECTION_STREAMING;
	conn->op.kind = IO_SENDFILE;
	conn->op.file_fd = conn->object->fd;
	conn->op.offset = conn->stream_offset;
	conn->op.len = conn->stream_left;
	io_start(conn->worker->io, &conn->op);
}

static void send_more(struct connection *conn)
{
	conn->state = CONNECTION_SENDING;
	conn->op.kind = IO_SEND;
	conn->op.msg = &conn->msg;
	conn->op.flags = conn->stream_left ? MSG_MORE : 0;
	io_start(conn->worker->io, &conn->op);
}

static void send_response(struct connection *conn)
{
	struct http_response *response = &conn->response;
	const struct object *object = conn->object;
	bool has_body = response->length > 0 && response->has_length &&
			!(conn->request.method == HTTP_HEAD && !conn->refused);

	response->keep_alive &= !conn->worker->stopping;
	conn->head_left = http_response_head(response, &conn->worker->date,
					     conn->head);
	conn->iov[0].iov_base = conn->head;
	conn->iov[0].iov_len = conn->head_left;
	conn->msg = (struct msghdr){ .msg_iov = conn->iov, .msg_iovlen = 1 };
	conn->stream_left = 0;
	conn->body_sent = 0;
	conn->taken = 0;
	conn->taken_mark = 0;
	if (has_body && object && object->fd >= 0) {
		conn->stream_offset = response->first;
		conn->stream_left = response->length;
	} else if (has_body) {
		conn->iov[1].iov_base = (char *)(object ? object->data :
							  conn->text) +
					response->first;
		conn->iov[1].iov_len = response->length;
		conn->msg.msg_iovlen = 2;
	}
	conn->sending_ms = conn->worker->now_ms;
	timeout_set(&conn->timeout, &waits_of(conn)->sending, conn->sending_ms);
	send_more(conn);
}

static void sent(struct connection *conn, int res)
{
	size_t n = (size_t)res;
	size_t of_head;
	size_t i;

	if (res < 0) {
		connection_free(conn);
		return;
	}
	conn->taken += n;
	of_head = n < conn->head_left ? n : conn->head_left;
	conn->head_left -= of_head;
	conn->body_sent += n - of_head;
	for (i = 0; i < 2 && n > 0 && conn->msg.msg_iovlen > 0; i++) {
		struct iovec *iov = conn->msg.msg_iov;
		size_t step = n < iov->iov_len ? n : iov->iov_len;

		n -= step;
		iov->iov_base = (char *)iov->iov_base + step;
		iov->iov_len -= step;
		if (iov->iov_len == 0) {
			conn->msg.msg_iov++;
			conn->msg.msg_iovlen--;
		}
	}
	if (conn->msg.msg_iovlen > 0)
		send_more(conn);
	else if (conn->stream_left > 0)
		stream(conn);
	else
		finish_response(conn);
}

static void streamed(struct connection *conn, int res)
{
	if (res < 0) {
		/* The head promised more: only the end of it all tells. */
		if (res != -EPIPE && res != -ECONNRESET)
			count(conn, METRIC_READ_ERRORS, 1);
		connection_free(conn);
		return;
	}
	conn->taken += (uint64_t)res;
	conn->body_sent += (uint64_t)res;
	conn->stream_offset += (uint64_t)res;
	conn->stream_left -= (uint64_t)res;
	if (conn->stream_left > 0)
		stream(conn);
	else
		finish_response(conn);
}

static void follow(struct connection *conn, enum answer_step step)
{
	switch (step) {
	case ANSWER_SEND:
		send_response(conn);
		return;
	case ANSWER_OPEN:
		conn->state = CONNECTION_OPENING;
		break;
	case ANSWER_LOAD:
		conn->state = CONNECTION_LOADING;
		break;
	}
	timeout_clear(&conn->timeout);
	io_start(conn->worker->io, &conn->op);
}

/* ->in holds something: a request, a part of one, or nonsense. */
static void process(struct connection *conn)
{
	int outcome = http_request_parse(conn->in, conn->in_len,
					 &conn->request);

	if (outcome == HTTP_REQUEST_PARTIAL) {
		receive(conn);
		return;
	}
	conn->started_ms = conn->worker->now_ms;
	conn->refused = outcome == HTTP_REQUEST_REFUSED;
	follow(conn, conn->refused ?
			     answer_refuse(conn, conn->request.status) :
			     answer_begin(conn));
}

/* Make room for @len more bytes; false without memory. */
static bool grow(struct connection *conn, size_t len)
{
	size_t room = conn->in_len + len <= IN_SMALL ? IN_SMALL : IN_LARGE;
	char *in;

	if (conn->in && conn->in_room >= conn->in_len + len)
		return true;
	if (conn->in_len + len > IN_LARGE)
		abort();	/* the parser refuses before */
	in = realloc(conn->in, room);
	if (!in)
		return false;
	conn->in = in;
	conn->in_room = room;
	return true;
}

static void received(struct connection *conn, int res)
{
	if (res <= 0 || !grow(conn, (size_t)res)) {
		connection_free(conn);
		return;
	}
	memcpy(conn->in + conn->in_len, conn->op.bytes, (size_t)res);
	conn->in_len += (size_t)res;
	process(conn);
}

static void discard(struct connection *conn, int res)
{
	conn->discarded += res > 0 ? (uint64_t)res : 0;
	if (res <= 0 || conn->discarded > DISCARD_MAX)
		connection_free(conn);
	else
		linger(conn);
}

static void done(struct io_op *op, int res)
{
	struct connection *conn = (struct connection *)op;

	if (conn->cut) {
		if (conn->state == CONNECTION_OPENING && res >= 0)
			close(res);
		connection_free(conn);
		return;
	}
	switch (conn->state) {
	case CONNECTION_RECEIVING:
		received(conn, res);
		return;
	case CONNECTION_OPENING:
		follow(conn, answer_opened(conn, res));
		return;
	case CONNECTION_LOADING:
		follow(conn, answer_loaded(conn, res));
		return;
	case CONNECTION_SENDING:
		sent(conn, res);
		return;
	case CONNECTION_STREAMING:
		streamed(conn, res);
		return;
	case CONNECTION_LINGERING:
		discard(conn, res);
		return;
	}
}

/* Tell a peer that there is no place for it, if it listens at once. */
static void turn_away(struct worker *worker, int fd)
{
	struct http_response response = { .status = 503, .has_length = true };
	char head[HTTP_RESPONSE_HEAD_MAX], asked[HTTP_HEAD_MAX];
	size_t len = http_response_head(&response, &worker->date, head);

	/* What it has asked already must not become a reset, which may come first. */
	recv(fd, asked, sizeof(asked), MSG_DONTWAIT);
	send(fd, head, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	shutdown(fd, SHUT_WR);
	close(fd);
}

void connection_new(struct worker *worker, int fd, enum listen_role role)
{
	struct peer_limit *peers = worker->shared->peers[role];
	struct connection *conn;
	struct peer peer;
	bool crowded;
	int outcome;

	peer_from_socket(fd, &peer);
	metrics_add(&worker->metrics, METRIC_CONNECTIONS, 1);
	outcome = peer_limit_take(peers, &peer);
	if (outcome == PEER_LIMIT_PEER || outcome == PEER_LIMIT_TOTAL) {
		metrics_add(&worker->metrics, outcome == PEER_LIMIT_PEER ?
						      METRIC_REFUSED_PEER :
						      METRIC_REFUSED_TOTAL, 1);
		turn_away(worker, fd);
		return;
	}
	crowded = outcome == PEER_LIMIT_CROWDED &&
		  !crowd_ask(worker, role, peer_limit_load(peers, &peer));
	conn = calloc(1, sizeof(*conn));
	if (!conn) {
		peer_limit_give(peers, &peer);
		turn_away(worker, fd);
		return;
	}
	conn->op.fd = fd;
	conn->op.done = done;
	conn->worker = worker;
	conn->peer = peer;
	conn->counted = true;
	conn->crowded = crowded;
	conn->role = role;
	conn->next = worker->connections;
	if (conn->next)
		conn->next->prev = conn;
	worker->connections = conn;
	worker->n_connections++;
	metrics_add(&worker->metrics, METRIC_OPEN, 1);
	receive(conn);
}

/* What the peer has acknowledged of the response; the rest lies in our socket. */
static uint64_t acknowledged_of(const struct connection *conn)
{
	uint64_t taken = conn->taken;
	int queued = 0;

	if (ioctl(conn->op.fd, SIOCOUTQ, &queued) == 0 &&
	    (uint64_t)queued <= taken)
		taken -= (uint64_t)queued;
	return taken;
}

/* Has the peer taken enough of the response since it was looked at last? */
static bool is_fast_enough(struct connection *conn)
{
	uint64_t wanted = (uint64_t)conn->worker->shared->limits.min_rate *
			  RATE_WINDOW_MS / 1000;
	uint64_t acknowledged = acknowledged_of(conn);

	if (acknowledged < conn->taken_mark + wanted)
		return false;
	conn->taken_mark = acknowledged;
	return true;
}

/* End at once; what the kernel still holds for the peer is dropped. */
static void reset(struct connection *conn)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(conn->op.fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	connection_cut(conn);
}

/* Half a request is answered with @status: 408, too late, or 503, no place. */
static void answer_half_a_head(struct connection *conn, int status)
{
	struct http_response response = {
		.status = status,
		.has_length = true,
	};
	char head[HTTP_RESPONSE_HEAD_MAX];
	size_t len = http_response_head(&response, &conn->worker->date, head);

	/* The receipt under way stays; it ends with the connection. */
	send(conn->op.fd, head, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	conn->response = response;
	conn->refused = true;
	/* The limit has run since the first byte. */
	conn->started_ms = conn->timeout.due_ms -
			   conn->worker->shared->limits.head_ms;
	connection_cut(conn);
}

void connection_timed_out(struct connection *conn)
{
	struct worker *worker = conn->worker;

	switch (conn->state) {
	case CONNECTION_RECEIVING:
		if (conn->in_len == 0) {
			connection_cut(conn);
			return;
		}
		count(conn, METRIC_CUT_SLOW, 1);
		answer_half_a_head(conn, 408);
		return;
	case CONNECTION_SENDING:
	case CONNECTION_STREAMING:
		if (is_fast_enough(conn)) {
			timeout_set(&conn->timeout, &waits_of(conn)->sending,
				    worker->now_ms);
		} else {
			count(conn, METRIC_CUT_SLOW, 1);
			reset(conn);
		}
		return;
	case CONNECTION_LINGERING:
		connection_cut(conn);
		return;
	case CONNECTION_OPENING:
	case CONNECTION_LOADING:
		return;		/* the disk has no limit */
	}
}

bool connection_is_slow(const struct connection *conn)
{
	const int64_t ms = conn->worker->now_ms - conn->sending_ms;

	return ms >= SLOW_AFTER_MS &&
	       acknowledged_of(conn) < (uint64_t)ms * SLOW_RATE / 1000;
}

void connection_give_way(struct connection *conn)
{
	count(conn, METRIC_GAVE_WAY, 1);
	give_place(conn);
	if (conn->state == CONNECTION_RECEIVING && conn->in_len > 0)
		answer_half_a_head(conn, 503);
	else if (conn->state == CONNECTION_SENDING ||
		 conn->state == CONNECTION_STREAMING)
		reset(conn);
	else
		connection_cut(conn);
}

void connection_stop(struct connection *conn)
{
	if (conn->state == CONNECTION_RECEIVING && conn->in_len == 0)
		connection_cut(conn);
}
