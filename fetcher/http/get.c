// SPDX-License-Identifier: GPL-2.0-or-later
/* One GET: its phases, its redirects, and how it ended. */
#include "fetcher/http/get.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "cache/base/container_of.h"
#include "cache/base/descriptor_limit.h"
#include "fetcher/http/config.h"
#include "fetcher/http/client.h"
#include "fetcher/http/policy.h"
#include "fetcher/http/result.h"

static void start_timer(struct http_transfer *t, uint64_t ms)
{
	uint64_t now_ms = loop_now_ms(t->http->loop);

	if (now_ms + ms > t->ends_ms)
		ms = t->ends_ms > now_ms ? t->ends_ms - now_ms : 0;
	loop_timer_start(t->http->loop, &t->timer, ms);
}

void http_start_stall_timer(struct http_transfer *t)
{
	t->window_bytes = 0;
	start_timer(t, t->http->config->stall_ms);
}

/* Without a proxy, the address is the server's. */
static bool place_allowed(struct http_transfer *t, enum http_place place)
{
	if (t->http->config->proxy || place == HTTP_PLACE_PUBLIC)
		return true;
	if (t->n_redirects == 0) {
		t->mirror_places |= place;
		return true;
	}
	return t->mirror_places & place;
}

curl_socket_t http_socket_open(void *context, curlsocktype purpose,
			       struct curl_sockaddr *address)
{
	struct http_transfer *t = context;
	curl_socket_t fd;

	(void)purpose;
	if (!place_allowed(t, http_place(&address->addr))) {
		t->place_refused = true;
		return CURL_SOCKET_BAD;
	}
	if (t->phase == HTTP_CONNECT)
		start_timer(t, t->http->config->connect_ms);
	fd = socket(address->family, address->socktype | SOCK_CLOEXEC,
		    address->protocol);
	if (fd < 0)
		t->no_descriptor = is_descriptor_error(-errno);
	return fd;
}

int http_request_goes_out(void *context, char *remote, char *local,
			  int remote_port, int local_port)
{
	struct http_transfer *t = context;

	(void)local;
	(void)remote_port;
	(void)local_port;
	if (!place_allowed(t, http_place_parse(remote))) {
		t->place_refused = true;
		return CURL_PREREQFUNC_ABORT;
	}
	t->phase = HTTP_REQUEST;
	start_timer(t, t->http->config->first_byte_ms);
	return CURL_PREREQFUNC_OK;
}

/* The URL that is asked for. */
static const char *now_at(const struct http_transfer *t)
{
	return t->redirect_url ? t->redirect_url : t->get->url;
}

/* The transfer is neither in libcurl nor in our list any more. */
static void retire(struct http_transfer *t)
{
	struct http *http = t->http;

	loop_timer_stop(http->loop, &t->timer);
	LIST_REMOVE(t, active);
	t->get->transfer = NULL;
	t->get = NULL;
	curl_slist_free_all(t->headers);
	t->headers = NULL;
	free(t->redirect_url);
	t->redirect_url = NULL;
	SLIST_INSERT_HEAD(&http->idle, t, idle);
}

static void finish_with(struct http_transfer *t, enum fetch_result result,
			long status, const char *cause)
{
	struct http_get *get = t->get;
	struct http_answer answer = {
		.result = result,
		.status = (unsigned int)status,
		.sent = t->phase != HTTP_CONNECT,
		.first_byte_ms = t->first_byte_ms,
		.body_size = t->body_size,
	};
	curl_off_t retry_after = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RETRY_AFTER, &retry_after);
	if (retry_after > 0)
		answer.retry_after_ms = retry_after < INT32_MAX ?
						retry_after * 1000 : INT32_MAX;
	memcpy(answer.etag, t->etag, sizeof(answer.etag));
	if (result != FETCH_RESULT_OK)
		http_reason(t, result, status, cause, answer.reason);
	retire(t);
	get->done(get, &answer);
}

static void finish(struct http_transfer *t, enum fetch_result result,
		   const char *cause)
{
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	finish_with(t, result, status, cause);
}

void http_phase_over(struct loop_timer *timer)
{
	struct http_transfer *t =
		container_of(timer, struct http_transfer, timer);
	const struct fetch_config *config = t->http->config;
	curl_off_t connected_us = 0;
	const char *reason = NULL;

	if (t->broken) {
		curl_multi_remove_handle(t->http->multi, t->easy);
		http_transfer_ended(t, CURLE_WRITE_ERROR);
		return;
	}
	switch (t->phase) {
	case HTTP_CONNECT:
		curl_easy_getinfo(t->easy, CURLINFO_CONNECT_TIME_T,
				  &connected_us);
		if (connected_us && http_is_https(now_at(t)) && !t->tls_phase) {
			t->tls_phase = true;
			start_timer(t, config->tls_ms);
			return;
		}
		reason = connected_us ? "TLS handshake timed out" :
					"connecting timed out";
		break;
	case HTTP_REQUEST:
		reason = "no answer in time";
		break;
	case HTTP_STREAM:
		if (t->paused || t->window_bytes >= (uint64_t)config->stall_rate *
						    config->stall_ms / 1000) {
			if (loop_now_ms(t->http->loop) < t->ends_ms) {
				http_start_stall_timer(t);
				return;
			}
			reason = "took too long";
		} else {
			reason = "stalled";
		}
		break;
	}
	curl_multi_remove_handle(t->http->multi, t->easy);
	finish(t, FETCH_RESULT_TIMEOUT, reason);
}

/*
 * Has the proxy refused to connect to the mirror?  What it has to say then is not the
 * mirror's word.
 */
static bool proxy_refused(const struct http_transfer *t, long *ret_status)
{
	long proxy_error = 0;

	curl_easy_getinfo(t->easy, CURLINFO_HTTP_CONNECTCODE, ret_status);
	curl_easy_getinfo(t->easy, CURLINFO_PROXY_ERROR, &proxy_error);
	return *ret_status / 100 > 2 || proxy_error == CURLPX_USER_REJECTED ||
	       proxy_error == CURLPX_NO_AUTH;
}

static enum fetch_result result_of_proxy(long status)
{
	return status >= 500 ? FETCH_RESULT_UNREACHABLE : FETCH_RESULT_PROXY;
}

/* For a socket, a name server's answer, a file of certificates: libcurl does not tell. */
static bool lacks_descriptors(const struct http_transfer *t, CURLcode code)
{
	switch (http_result_of_code(code)) {
	case FETCH_RESULT_UNREACHABLE:
	case FETCH_RESULT_TLS:
	case FETCH_RESULT_LOCAL:
		return t->no_descriptor || descriptors_exhausted();
	default:
		return false;
	}
}

/* Send a request: the first one, or the one that a redirect asks for. */
static int send_request(struct http_transfer *t, const char *url, bool at_mirror)
{
	t->phase = HTTP_CONNECT;
	t->tls_phase = false;
	t->place_refused = false;
	t->no_descriptor = false;
	t->header_len = 0;
	t->ignored_size = 0;
	t->paused = false;
	t->broken = false;
	t->error[0] = '\0';
	http_forget_answer(t);
	if (http_request_set(t, url, at_mirror) < 0)
		return -ENOMEM;
	start_timer(t, t->http->config->connect_ms);
	if (curl_multi_add_handle(t->http->multi, t->easy) != CURLM_OK)
		return -ENOMEM;
	return 0;
}

static void follow_redirect(struct http_transfer *t, const char *to)
{
	static const char *const refused[] = {
		[HTTP_REDIRECT_TOO_MANY] = "redirected in a loop, or too often",
		[HTTP_REDIRECT_DOWNGRADE] = "redirect from https to http refused",
		[HTTP_REDIRECT_BAD_URL] = "redirect to what is no http or https URL refused",
	};
	enum http_redirect judged =
		http_redirect_judge(now_at(t), to, t->n_redirects);
	char *copy;

	if (judged != HTTP_REDIRECT_OK) {
		finish(t, FETCH_RESULT_REDIRECT, refused[judged]);
		return;
	}
	copy = strdup(to);
	if (!copy) {
		finish(t, FETCH_RESULT_LOCAL, "out of memory");
		return;
	}
	free(t->redirect_url);
	t->redirect_url = copy;
	t->n_redirects++;
	if (send_request(t, copy, http_same_origin(t->get->url, copy)) < 0)
		finish(t, FETCH_RESULT_LOCAL, "out of memory");
}

void http_transfer_ended(struct http_transfer *t, CURLcode code)
{
	const struct http_get *get = t->get;
	const char *redirect = NULL;
	long status = 0;

	if (t->place_refused && code != CURLE_OK) {
		finish(t, FETCH_RESULT_REDIRECT,
		       "redirect to an address that is not public");
		return;
	}
	if (t->verdict != FETCH_RESULT_OK) {
		finish(t, t->verdict, t->reason);
		return;
	}
	if (code != CURLE_OK && lacks_descriptors(t, code)) {
		finish(t, FETCH_RESULT_DESCRIPTORS, "too many open files; see ulimit -n, LimitNOFILE=");
		return;
	}
	if (code != CURLE_OK && proxy_refused(t, &status)) {
		finish_with(t, result_of_proxy(status), status, NULL);
		return;
	}
	/* A body that is not wanted may have been cut off by us. */
	if (code != CURLE_OK && t->body != HTTP_BODY_IGNORED) {
		finish(t, http_result_of_code(code), t->error[0] ? t->error :
			       curl_easy_strerror(code));
		return;
	}
	if (t->body == HTTP_BODY_UNKNOWN) {
		finish(t, FETCH_RESULT_PROTOCOL, "no header");
		return;
	}
	if (t->body == HTTP_BODY_WANTED) {
		if (get->size != UINT64_MAX &&
		    t->body_size != http_expected_size(get))
			finish(t, FETCH_RESULT_SHORT, "the body is short");
		else
			finish(t, FETCH_RESULT_OK, NULL);
		return;
	}
	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(t->easy, CURLINFO_REDIRECT_URL, &redirect);
	if (redirect)
		follow_redirect(t, redirect);
	else
		finish(t, http_result_of_status(status, t->get->if_none_match), NULL);
}

int http_get_start(struct http *http, struct http_get *get)
{
	const struct fetch_config *config = http->config;
	struct http_transfer *t = SLIST_FIRST(&http->idle);
	uint64_t size = get->size == UINT64_MAX ? get->max_size : get->size;
	int err;

	if (t)
		SLIST_REMOVE_HEAD(&http->idle, idle);
	else
		t = http_transfer_new(http);
	if (!t)
		return -ENOMEM;
	t->get = get;
	t->n_redirects = 0;
	t->mirror_places = 0;
	t->started_ms = loop_now_ms(http->loop);
	t->ends_ms = t->started_ms + config->object_ms +
		     size / config->object_rate * 1000;
	t->first_byte_ms = 0;
	t->body_size = 0;
	t->verdict = FETCH_RESULT_OK;
	t->reason = NULL;
	LIST_INSERT_HEAD(&http->active, t, active);
	get->transfer = t;
	err = send_request(t, get->url, true);
	if (err < 0)
		retire(t);
	return err;
}

void http_get_resume(struct http *http, struct http_get *get)
{
	struct http_transfer *t = get->transfer;

	if (!t || !t->paused)
		return;
	t->paused = false;
	http_start_stall_timer(t);
	if (curl_easy_pause(t->easy, CURLPAUSE_CONT) != CURLE_OK) {
		/* What data refused for good: libcurl would leave it at that. */
		t->broken = true;
		loop_timer_start(http->loop, &t->timer, 0);
		return;
	}
	loop_timer_start(http->loop, &http->timer, 0);
}

void http_get_cancel(struct http *http, struct http_get *get)
{
	struct http_transfer *t = get->transfer;

	if (!t)
		return;
	curl_multi_remove_handle(http->multi, t->easy);
	retire(t);
}
