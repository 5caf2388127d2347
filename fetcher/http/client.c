// SPDX-License-Identifier: GPL-2.0-or-later
/* libcurl's multi handle on the loop: its sockets, its timer, its results. */
#include "fetcher/http/client.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

#include "cache/base/container_of.h"
#include "cache/base/url_text.h"
#include "fetcher/http/config.h"
#include "fetcher/http/policy.h"

struct http_socket {
	struct loop_fd lfd;
	struct http *http;
	curl_socket_t fd;
	LIST_ENTRY(http_socket) entry;
};

void http_check_ended(struct http *http)
{
	struct CURLMsg *message;
	int n_left;

	while ((message = curl_multi_info_read(http->multi, &n_left))) {
		struct http_transfer *transfer;
		CURLcode code = message->data.result;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE,
				  (char **)&transfer);
		/* The message is gone with the handle. */
		curl_multi_remove_handle(http->multi, transfer->easy);
		http_transfer_ended(transfer, code);
	}
}

static void socket_ready(struct loop_fd *lfd, uint32_t events)
{
	struct http_socket *s = container_of(lfd, struct http_socket, lfd);
	struct http *http = s->http;
	int running, mask = 0;

	if (events & (EPOLLIN | EPOLLHUP))
		mask |= CURL_CSELECT_IN;
	if (events & EPOLLOUT)
		mask |= CURL_CSELECT_OUT;
	if (events & EPOLLERR)
		mask |= CURL_CSELECT_ERR;
	/* s may be gone after this. */
	curl_multi_socket_action(http->multi, s->fd, mask, &running);
	http_check_ended(http);
}

static uint32_t events_of(int what)
{
	switch (what) {
	case CURL_POLL_IN:
		return EPOLLIN;
	case CURL_POLL_OUT:
		return EPOLLOUT;
	case CURL_POLL_INOUT:
		return EPOLLIN | EPOLLOUT;
	}
	return 0;
}

static void socket_free(struct http_socket *s)
{
	loop_fd_stop(s->http->loop, &s->lfd);
	LIST_REMOVE(s, entry);
	free(s);
}

static int watch(struct http *http, curl_socket_t fd, int what)
{
	struct http_socket *s = calloc(1, sizeof(*s));

	if (!s)
		return -1;
	s->http = http;
	s->fd = fd;
	s->lfd.ready = socket_ready;
	if (loop_fd_start(http->loop, &s->lfd, fd, events_of(what)) < 0) {
		free(s);
		return -1;
	}
	LIST_INSERT_HEAD(&http->sockets, s, entry);
	curl_multi_assign(http->multi, fd, s);
	return 0;
}

static int socket_wanted(CURL *easy, curl_socket_t fd, int what, void *context,
			 void *socket)
{
	struct http *http = context;
	struct http_socket *s = socket;

	(void)easy;
	if (what == CURL_POLL_REMOVE) {
		if (s)
			socket_free(s);
		return 0;
	}
	if (!s)
		return watch(http, fd, what);
	return loop_fd_modify(http->loop, &s->lfd, events_of(what)) < 0 ? -1 : 0;
}

static void timer_expired(struct loop_timer *timer)
{
	struct http *http = container_of(timer, struct http, timer);
	int running;

	curl_multi_socket_action(http->multi, CURL_SOCKET_TIMEOUT, 0, &running);
	http_check_ended(http);
}

static int timer_wanted(CURLM *multi, long ms, void *context)
{
	struct http *http = context;

	(void)multi;
	if (ms < 0)
		loop_timer_stop(http->loop, &http->timer);
	else
		loop_timer_start(http->loop, &http->timer, ms);
	return 0;
}

static int append(struct curl_slist **list, const char *line)
{
	struct curl_slist *longer = curl_slist_append(*list, line);

	if (!longer)
		return -ENOMEM;
	*list = longer;
	return 0;
}

static int copy_headers(struct http *http)
{
	int err = 0;

	for (size_t i = 0; i < http->config->n_headers && err == 0; i++) {
		const char *line = http->config->headers[i];

		err = append(&http->headers, line);
		if (http_header_is_secret(line))
			http->has_secrets = true;
		else if (err == 0)
			err = append(&http->open_headers, line);
	}
	return err;
}

int http_new(struct loop *loop, const struct fetch_config *config,
	     struct http **ret)
{
	struct http *http = calloc(1, sizeof(*http));
	long n_connections = config->max_connections ? config->max_connections :
						       config->max_transfers;

	if (!http)
		return -ENOMEM;
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
		free(http);
		return -ENOMEM;
	}
	http->loop = loop;
	http->config = config;
	http->timer.expired = timer_expired;
	http->multi = curl_multi_init();
	if (config->proxy)
		http->proxy_name = url_masked(config->proxy);
	if (!http->multi || copy_headers(http) < 0 ||
	    (config->proxy && !http->proxy_name)) {
		http_free(http);
		return -ENOMEM;
	}
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, socket_wanted);
	curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, timer_wanted);
	curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
	curl_multi_setopt(http->multi, CURLMOPT_MAX_TOTAL_CONNECTIONS,
			  n_connections);
	curl_multi_setopt(http->multi, CURLMOPT_MAXCONNECTS, n_connections);
	*ret = http;
	return 0;
}

void http_free(struct http *http)
{
	struct http_transfer *transfer;
	struct http_socket *s;

	if (!http)
		return;
	while ((transfer = SLIST_FIRST(&http->idle))) {
		SLIST_REMOVE_HEAD(&http->idle, idle);
		http_transfer_free(transfer);
	}
	curl_multi_cleanup(http->multi);
	while ((s = LIST_FIRST(&http->sockets)))
		socket_free(s);
	loop_timer_stop(http->loop, &http->timer);
	curl_slist_free_all(http->headers);
	curl_slist_free_all(http->open_headers);
	free(http->proxy_name);
	curl_global_cleanup();
	free(http);
}
