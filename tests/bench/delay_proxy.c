// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * delay_proxy LISTEN_PORT TARGET_PORT RTT_MS [MB_PER_S]: a TCP proxy on the loopback that
 * stands for a link with a round trip of RTT_MS, where the kernel has no netem.
 *
 *	from --read--> [ chunk, due at t + RTT/2 ] --write--> to
 *	        ^                                       |
 *	        +---- room, acknowledged RTT/2 later ---+
 *
 * Each direction of a connection begins with a window of ten segments, which grows by
 * what is acknowledged (slow start), as a new TCP connection's does.  A connection's
 * first bytes wait one round trip more, for the handshake.  All connections share
 * MB_PER_S (10^6 bytes a second, 0 for no limit) in each direction, first come first
 * served.  There is no loss.
 *
 * Ownership: a connection owns its two directions; each direction has a thread that
 * reads and one that writes; the last of the four frees the connection.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FIRST_WINDOW	14600
#define LAST_WINDOW	((size_t)6 << 20)
#define CHUNK_LEN	((size_t)64 << 10)
#define STACK_LEN	((size_t)256 << 10)
#define N_THREADS	4	/* of a connection */

struct chunk {
	STAILQ_ENTRY(chunk) entry;
	int64_t due;		/* to be written; then: acknowledged */
	size_t len;		/* 0: the end */
	char data[];
};

STAILQ_HEAD(chunks, chunk);

struct direction {
	struct connection *connection;
	int from, to;
	int64_t not_before;
	pthread_mutex_t lock;	/* of all below */
	pthread_cond_t changed;
	struct chunks waiting, sent;
	size_t in_flight, window;
	bool broken;
};

struct connection {
	struct direction directions[2];
	pthread_mutex_t lock;
	int n_threads;		/* that are left */
};

static int64_t delay_ns;	/* of one way */
static double bytes_per_ns;	/* 0: no limit */
static int64_t link_free_ns[2];	/* when each direction has sent what it took */
static pthread_mutex_t link_lock = PTHREAD_MUTEX_INITIALIZER;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static struct timespec at(int64_t ns)
{
	return (struct timespec){
		.tv_sec = ns / 1000000000,
		.tv_nsec = ns % 1000000000,
	};
}

static void leave(struct connection *connection)
{
	bool last;

	pthread_mutex_lock(&connection->lock);
	last = --connection->n_threads == 0;
	pthread_mutex_unlock(&connection->lock);
	if (!last)
		return;
	close(connection->directions[0].from);
	close(connection->directions[0].to);
	for (int i = 0; i < 2; i++) {
		struct direction *d = &connection->directions[i];
		struct chunk *chunk;

		STAILQ_CONCAT(&d->waiting, &d->sent);
		while ((chunk = STAILQ_FIRST(&d->waiting))) {
			STAILQ_REMOVE_HEAD(&d->waiting, entry);
			free(chunk);
		}
	}
	free(connection);
}

/* Called with the lock held: what has been acknowledged by now. */
static void take_acknowledged(struct direction *d)
{
	struct chunk *chunk;

	while ((chunk = STAILQ_FIRST(&d->sent)) && chunk->due <= now_ns()) {
		STAILQ_REMOVE_HEAD(&d->sent, entry);
		d->in_flight -= chunk->len;
		d->window += chunk->len;
		if (d->window > LAST_WINDOW)
			d->window = LAST_WINDOW;
		free(chunk);
	}
}

/* Bytes that may be read; 0: the connection is broken. */
static size_t wait_for_room(struct direction *d)
{
	size_t room = 0;

	pthread_mutex_lock(&d->lock);
	while (!d->broken) {
		const struct chunk *first;

		take_acknowledged(d);
		room = d->window > d->in_flight ? d->window - d->in_flight : 0;
		if (room)
			break;
		first = STAILQ_FIRST(&d->sent);
		if (first) {
			struct timespec until = at(first->due);

			pthread_cond_timedwait(&d->changed, &d->lock, &until);
		} else {
			pthread_cond_wait(&d->changed, &d->lock);
		}
	}
	pthread_mutex_unlock(&d->lock);
	return room < CHUNK_LEN ? room : CHUNK_LEN;
}

/* When bytes that are ready at @ns have left for the link. */
static int64_t pass_link(const struct direction *d, int64_t ns, size_t len)
{
	int64_t *free_ns = &link_free_ns[d != d->connection->directions];

	if (bytes_per_ns == 0)
		return ns;
	pthread_mutex_lock(&link_lock);
	if (*free_ns < ns)
		*free_ns = ns;
	*free_ns += (int64_t)((double)len / bytes_per_ns);
	ns = *free_ns;
	pthread_mutex_unlock(&link_lock);
	return ns;
}

static void *read_all(void *context)
{
	struct direction *d = context;
	ssize_t n = 1;

	while (n > 0) {
		size_t room = wait_for_room(d);
		struct chunk *chunk;
		int64_t now;

		if (!room)
			break;
		chunk = malloc(sizeof(*chunk) + room);
		if (!chunk)
			abort();
		do {
			n = read(d->from, chunk->data, room);
		} while (n < 0 && errno == EINTR);
		now = now_ns();
		chunk->len = n > 0 ? (size_t)n : 0;
		if (now < d->not_before)
			now = d->not_before;
		chunk->due = pass_link(d, now, chunk->len) + delay_ns;
		pthread_mutex_lock(&d->lock);
		d->in_flight += chunk->len;
		STAILQ_INSERT_TAIL(&d->waiting, chunk, entry);
		pthread_cond_broadcast(&d->changed);
		pthread_mutex_unlock(&d->lock);
	}
	leave(d->connection);
	return NULL;
}

static struct chunk *wait_for_chunk(struct direction *d)
{
	struct chunk *chunk;
	struct timespec due;

	pthread_mutex_lock(&d->lock);
	while (!(chunk = STAILQ_FIRST(&d->waiting)))
		pthread_cond_wait(&d->changed, &d->lock);
	STAILQ_REMOVE_HEAD(&d->waiting, entry);
	pthread_mutex_unlock(&d->lock);
	due = at(chunk->due);
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
		;
	return chunk;
}

static bool write_chunk(int fd, const struct chunk *chunk)
{
	size_t done = 0;

	while (done < chunk->len) {
		ssize_t n = send(fd, chunk->data + done, chunk->len - done,
				 MSG_NOSIGNAL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		done += (size_t)n;
	}
	return true;
}

static void *write_all(void *context)
{
	struct direction *d = context;
	bool end = false;

	while (!end) {
		struct chunk *chunk = wait_for_chunk(d);

		end = chunk->len == 0;
		if (end)
			shutdown(d->to, SHUT_WR);
		else if (!write_chunk(d->to, chunk))
			end = true;
		pthread_mutex_lock(&d->lock);
		chunk->due = now_ns() + delay_ns;
		STAILQ_INSERT_TAIL(&d->sent, chunk, entry);
		d->broken = end;
		pthread_cond_broadcast(&d->changed);
		pthread_mutex_unlock(&d->lock);
	}
	/* Whoever still reads for us learns it from an end of stream. */
	shutdown(d->from, SHUT_RD);
	leave(d->connection);
	return NULL;
}

static void start_thread(void *(*run)(void *), struct direction *d)
{
	pthread_attr_t attr;
	pthread_t thread;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_LEN);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	if (pthread_create(&thread, &attr, run, d)) {
		perror("delay_proxy: pthread_create");
		exit(1);
	}
	pthread_attr_destroy(&attr);
}

static void start_connection(int client_fd, int server_fd)
{
	const int fds[] = { client_fd, server_fd }, one = 1;
	struct connection *connection = calloc(1, sizeof(*connection));
	pthread_condattr_t attr;

	if (!connection)
		abort();
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&connection->lock, NULL);
	connection->n_threads = N_THREADS;
	for (int i = 0; i < 2; i++) {
		struct direction *d = &connection->directions[i];

		setsockopt(fds[i], IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
		d->connection = connection;
		d->from = fds[i];
		d->to = fds[!i];
		d->window = FIRST_WINDOW;
		d->not_before = now_ns() + 2 * delay_ns;
		pthread_mutex_init(&d->lock, NULL);
		pthread_cond_init(&d->changed, &attr);
		STAILQ_INIT(&d->waiting);
		STAILQ_INIT(&d->sent);
	}
	for (int i = 0; i < 2; i++) {
		start_thread(read_all, &connection->directions[i]);
		start_thread(write_all, &connection->directions[i]);
	}
}

static struct sockaddr_in loopback(const char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

int main(int argc, char **argv)
{
	struct sockaddr_in listen_at, target;
	int listen_fd, one = 1;

	if (argc != 4 && argc != 5) {
		fputs("usage: delay_proxy LISTEN_PORT TARGET_PORT RTT_MS [MB_PER_S]\n",
		      stderr);
		return 2;
	}
	listen_at = loopback(argv[1]);
	target = loopback(argv[2]);
	delay_ns = (int64_t)(atof(argv[3]) * 1000000 / 2);
	bytes_per_ns = argc == 5 ? atof(argv[4]) / 1000 : 0;
	listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listen_fd, (struct sockaddr *)&listen_at, sizeof(listen_at)) < 0 ||
	    listen(listen_fd, SOMAXCONN) < 0) {
		perror("delay_proxy: listening");
		return 1;
	}
	for (;;) {
		int client_fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
		int server_fd;

		if (client_fd < 0)
			continue;
		server_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connect(server_fd, (struct sockaddr *)&target,
			    sizeof(target)) < 0) {
			perror("delay_proxy: connecting to the target");
			close(client_fd);
			close(server_fd);
			continue;
		}
		start_connection(client_fd, server_fd);
	}
}
