/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One GET of an object of 10 bytes, made with a client and a loop of its own, and what
 * came of it.  Everything aborts on failure.
 */
#ifndef TESTS_UNIT_HTTP_RIG_H
#define TESTS_UNIT_HTTP_RIG_H

#include <stdbool.h>
#include <stddef.h>

#include "fetcher/http/config.h"
#include "fetcher/http/get.h"
#include "fetcher/loop/loop.h"

#define BODY	"0123456789"
#define SIZE	10
#define OK	"HTTP/1.1 200 OK\r\n"
#define LEN	"Content-Length: 10\r\n"

struct outcome {
	struct http_get get;
	struct loop *loop;
	struct http *http;
	struct http_answer answer;
	char etag[HTTP_ETAG_MAX];
	char body[64 * 1024];
	size_t len;
	int data_err;		/* what data returns */
	bool pause_once;
	struct loop_timer resume;
};

/** http_take_data() - callback of a GET: into the outcome that it is in */
int http_take_data(struct http_get *get, const void *data, size_t len);

/** http_take_answer() - callback of a GET: stops the loop */
void http_take_answer(struct http_get *get, const struct http_answer *answer);

/** http_quick_config() - the caller's, to fetch_config_free(); waits for little */
void http_quick_config(struct fetch_config *config);

/**
 * http_get_with() - one GET, to its end
 * @o: its get's size and the like are filled in by the caller
 */
void http_get_with(struct outcome *o, const struct fetch_config *config,
		   const char *url);

/** http_get_from() - the same with the quick configuration */
void http_get_from(struct outcome *o, const char *url);

#endif /* TESTS_UNIT_HTTP_RIG_H */
