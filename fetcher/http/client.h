/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Inside of http_get:
 *
 *	client.c	libcurl's multi handle on the loop
 *	transfer.c	what is the same for all requests
 *	request.c	what one request asks for
 *	get.c	phases, redirects, the end
 *	response.c	what of an answer is taken
 *	reason.c	why it failed, in words
 *
 *	          name, TCP, TLS       request sent       first byte
 *	CONNECT ------------------> REQUEST ---------> BODY ----> ended
 *	   ^                           |
 *	   +------- redirect ----------+
 *
 * Each phase has its own time limit, all of them one for the object; one timer
 * a transfer runs for the earlier of the two.
 */
#ifndef FETCHER_HTTP_CLIENT_H
#define FETCHER_HTTP_CLIENT_H

#include <curl/curl.h>
#include <sys/queue.h>

#include "fetcher/http/get.h"
#include "fetcher/loop/loop.h"

enum http_phase {
	HTTP_CONNECT,		/* no request is out */
	HTTP_REQUEST,		/* the request is out, nothing came back */
	HTTP_STREAM,		/* bytes arrive */
};

/* What is done with the body of an answer. */
enum http_body {
	HTTP_BODY_UNKNOWN,	/* no header has been seen to its end */
	HTTP_BODY_WANTED,	/* handed to data */
	HTTP_BODY_IGNORED,	/* a few KiB of it, to keep the connection */
};

struct http_transfer {
	struct http *http;
	CURL *easy;			/* lives as long as the transfer */
	struct http_get *get;		/* NULL: idle */
	SLIST_ENTRY(http_transfer) idle;
	LIST_ENTRY(http_transfer) active;

	struct curl_slist *headers;	/* of this request only, or NULL */
	char *redirect_url;		/* where it is now, or NULL */
	unsigned int n_redirects;
	unsigned int mirror_places;	/* enum http_place of the mirror itself */
	bool place_refused;
	bool no_descriptor;		/* for a socket */

	enum http_phase phase;
	struct loop_timer timer;
	uint64_t started_ms, ends_ms;	/* ends_ms: for the whole object */
	bool tls_phase;
	uint64_t first_byte_ms;
	uint64_t window_bytes;		/* since the stall timer was started */

	/* Of the answer that arrives: */
	size_t header_len;
	bool have_length, bad_header, range_ok;
	uint64_t content_length;
	char etag[HTTP_ETAG_MAX];
	enum http_body body;
	uint64_t body_size;		/* handed to data */
	uint64_t ignored_size;
	bool paused;
	bool broken;			/* ended by data from http_get_resume() */
	/* Why we ended it ourselves; FETCH_RESULT_OK: we did not. */
	enum fetch_result verdict;
	const char *reason;
	char error[CURL_ERROR_SIZE];	/* libcurl's words for its code */
};

SLIST_HEAD(http_transfer_idle, http_transfer);
LIST_HEAD(http_transfer_list, http_transfer);
struct http_socket;
LIST_HEAD(http_socket_list, http_socket);

struct http {
	struct loop *loop;
	const struct fetch_config *config;
	CURLM *multi;
	struct loop_timer timer;
	struct http_socket_list sockets;
	struct http_transfer_idle idle;
	struct http_transfer_list active;
	struct curl_slist *headers;	/* config's */
	struct curl_slist *open_headers;	/* those of them that are no secret */
	bool has_secrets;
	char *proxy_name;		/* as users may see it; NULL: none */
};

/* Is something else asked for than the whole? */
static inline bool http_get_is_part(const struct http_get *get)
{
	return get->offset > 0 || get->length > 0;
}

/**
 * http_transfer_new() - a transfer with all options that are the same each time
 *
 * Return: the transfer, or NULL without memory.
 */
struct http_transfer *http_transfer_new(struct http *http);

/** http_transfer_free() - it is not active */
void http_transfer_free(struct http_transfer *transfer);

/** http_transfer_ended() - libcurl is through with it */
void http_transfer_ended(struct http_transfer *transfer, CURLcode code);

/**
 * http_request_set() - tell libcurl what the next request asks for
 * @transfer: has a get
 * @url: of the mirror, or where it redirects; copied
 * @at_mirror: @url is at the mirror's own origin: it may see headers and signature
 *
 * Return: 0 or -ENOMEM.
 */
int http_request_set(struct http_transfer *transfer, const char *url,
		     bool at_mirror);

/** http_expected_size() - how many bytes may come, from its offset on */
uint64_t http_expected_size(const struct http_get *get);

/** http_forget_answer() - another one will come: that of a redirect, or after a 1xx */
void http_forget_answer(struct http_transfer *transfer);

/** http_start_stall_timer() - from now on bytes have to come */
void http_start_stall_timer(struct http_transfer *transfer);

/** http_phase_over() - the time of the phase is */
void http_phase_over(struct loop_timer *timer);

/*
 * libcurl's callbacks, with its own types and return values; @context: the transfer.
 *
 *	http_socket_open()		OPENSOCKET: for each address that is tried
 *	http_request_goes_out()		PREREQ: connected, perhaps since long ago
 *	http_take_header()		HEADER: one line of it
 *	http_take_body()		WRITE
 */
curl_socket_t http_socket_open(void *context, curlsocktype purpose,
			       struct curl_sockaddr *address);
int http_request_goes_out(void *context, char *remote, char *local,
			  int remote_port, int local_port);
size_t http_take_header(char *line, size_t size, size_t n, void *context);
size_t http_take_body(char *data, size_t size, size_t n, void *context);

/**
 * http_reason() - why a GET failed, in words
 * @transfer: has ended
 * @result: how, not %FETCH_RESULT_OK
 * @status: HTTP status of its last answer, or 0
 * @cause: what is known beyond that, or NULL
 */
void http_reason(const struct http_transfer *transfer, enum fetch_result result,
		 long status, const char *cause, char ret[HTTP_REASON_MAX]);

/** http_check_ended() - take what libcurl has ended; after each call into it */
void http_check_ended(struct http *http);

#endif /* FETCHER_HTTP_CLIENT_H */
