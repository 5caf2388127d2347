// SPDX-License-Identifier: GPL-2.0-or-later
/* A server that answers with raw bytes. */
#include "tests/unit/raw_server.h"

#include <arpa/inet.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/unit/test.h"

#define N_CONNECTIONS	64

struct connection {
	int fd;
	size_t len;
	char request[4096];
};

struct raw_server {
	raw_answer_fn answer;
	void *context;
	char url[64];
	int listen_fd, stop_fd[2];
	pthread_t thread;
	atomic_uint n;
	struct connection connections[N_CONNECTIONS];
	size_t n_connections;
};

void raw_send(int fd, const void *data, size_t len)
{
	const char *from = data;

	while (len) {
		ssize_t n = send(fd, from, len, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		from += n;
		len -= n;
	}
}

void raw_print(int fd, const char *format, ...)
{
	char text[4096];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	CHECK(n >= 0 && (size_t)n < sizeof(text));
	raw_send(fd, text, n);
}

/* Read what is there; answer each request that is complete. */
static bool serve(struct raw_server *server, struct connection *c)
{
	ssize_t n = recv(c->fd, c->request + c->len,
			 sizeof(c->request) - 1 - c->len, 0);
	char *end;

	if (n <= 0)
		return false;
	c->len += n;
	c->request[c->len] = '\0';
	while ((end = strstr(c->request, "\r\n\r\n"))) {
		size_t used = end + 4 - c->request;

		end[2] = '\0';
		if (server->answer(server->context, c->fd, c->request,
				   atomic_fetch_add(&server->n, 1)) != 0)
			return false;
		memmove(c->request, c->request + used, c->len - used + 1);
		c->len -= used;
	}
	return true;
}

static void *server_thread(void *arg)
{
	struct raw_server *server = arg;
	struct pollfd fds[N_CONNECTIONS + 2];

	for (;;) {
		size_t i;

		fds[0] = (struct pollfd){ server->stop_fd[0], POLLIN, 0 };
		fds[1] = (struct pollfd){ server->listen_fd, POLLIN, 0 };
		for (i = 0; i < server->n_connections; i++)
			fds[2 + i] = (struct pollfd){
				server->connections[i].fd, POLLIN, 0 };
		CHECK(poll(fds, 2 + server->n_connections, -1) > 0);
		if (fds[0].revents)
			break;
		for (i = server->n_connections; i-- > 0;) {
			struct connection *c = &server->connections[i];

			if (!fds[2 + i].revents || serve(server, c))
				continue;
			close(c->fd);
			*c = server->connections[--server->n_connections];
		}
		if (fds[1].revents) {
			int fd = accept4(server->listen_fd, NULL, NULL,
					 SOCK_CLOEXEC);

			CHECK(fd >= 0);
			CHECK(server->n_connections < N_CONNECTIONS);
			server->connections[server->n_connections++] =
				(struct connection){ .fd = fd };
		}
	}
	return NULL;
}

struct raw_server *raw_server_start(raw_answer_fn answer, void *context)
{
	struct raw_server *server = calloc(1, sizeof(*server));
	struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	socklen_t len = sizeof(address);

	CHECK(server);
	server->answer = answer;
	server->context = context;
	server->listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHECK(server->listen_fd >= 0);
	CHECK_EQ(bind(server->listen_fd, (void *)&address, len), 0);
	CHECK_EQ(listen(server->listen_fd, 128), 0);
	CHECK_EQ(getsockname(server->listen_fd, (void *)&address, &len), 0);
	snprintf(server->url, sizeof(server->url), "http://127.0.0.1:%u",
		 ntohs(address.sin_port));
	CHECK_EQ(pipe(server->stop_fd), 0);
	CHECK_EQ(pthread_create(&server->thread, NULL, server_thread, server), 0);
	return server;
}

const char *raw_server_url(const struct raw_server *server)
{
	return server->url;
}

unsigned int raw_server_n(const struct raw_server *server)
{
	return atomic_load(&server->n);
}

void raw_server_stop(struct raw_server *server)
{
	size_t i;

	CHECK_EQ(write(server->stop_fd[1], "x", 1), 1);
	CHECK_EQ(pthread_join(server->thread, NULL), 0);
	for (i = 0; i < server->n_connections; i++)
		close(server->connections[i].fd);
	close(server->listen_fd);
	close(server->stop_fd[0]);
	close(server->stop_fd[1]);
	free(server);
}
