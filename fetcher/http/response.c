// SPDX-License-Identifier: GPL-2.0-or-later
/* What of an answer is taken: header and body, as libcurl hands them over. */
#include <string.h>
#include <strings.h>

#include "fetcher/http/client.h"
#include "fetcher/http/policy.h"

#define HEADER_MAX	(64 * 1024)
/* A body we do not want is read this far, since a new connection costs more. */
#define IGNORED_MAX	(64 * 1024)

/* An answer to libcurl that is neither a length nor a pause. */
#define GIVE_UP		((size_t)-1)

/* End the transfer from inside a callback of libcurl. */
static size_t give_up(struct http_transfer *t, enum fetch_result verdict,
		      const char *reason)
{
	t->verdict = verdict;
	t->reason = reason;
	return GIVE_UP;
}

uint64_t http_expected_size(const struct http_get *get)
{
	if (get->size == UINT64_MAX)
		return get->max_size;
	return get->length ? get->length : get->size - get->offset;
}

void http_forget_answer(struct http_transfer *t)
{
	t->have_length = false;
	t->bad_header = false;
	t->range_ok = false;
	t->body = HTTP_BODY_UNKNOWN;
	t->etag[0] = '\0';
}

/* One line of a header that is not its last. */
static void take_header(struct http_transfer *t, const char *line, size_t len)
{
	const char *value;
	size_t value_len;

	if (http_header_value(line, len, "content-length", &value, &value_len)) {
		if (t->have_length ||
		    http_parse_length(value, value_len, &t->content_length) < 0)
			t->bad_header = true;
		t->have_length = true;
	} else if (http_header_value(line, len, "content-range", &value,
				     &value_len)) {
		t->range_ok = !http_get_is_part(t->get) ?
			http_range_is_whole(value, value_len) :
			http_range_matches(value, value_len, t->get->offset,
					   t->get->offset +
						   http_expected_size(t->get),
					   t->get->size);
	} else if (http_header_value(line, len, "etag", &value, &value_len)) {
		http_parse_etag(value, value_len, t->etag, sizeof(t->etag));
	}
}

/* The header is complete: is this the body we want? */
static size_t judge_header(struct http_transfer *t, size_t len)
{
	const struct http_get *get = t->get;
	long status = 0;

	curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
	if (status / 100 == 1) {
		http_forget_answer(t);
		return len;
	}
	if (t->bad_header)
		return give_up(t, FETCH_RESULT_PROTOCOL,
			       "Content-Length makes no sense");
	t->body = HTTP_BODY_IGNORED;
	if (http_get_is_part(get) && (http_status_refuses_range(status) ||
			     (status == 206 && !t->range_ok)))
		return give_up(t, FETCH_RESULT_RANGE,
			       "a part was asked for, something else came");
	/* Some servers say 206 with everything, unasked. */
	if (status != (http_get_is_part(get) || t->range_ok ? 206 : 200))
		return len;
	t->body = HTTP_BODY_WANTED;
	if (!t->have_length)
		return len;
	if (t->content_length > http_expected_size(get))
		return give_up(t, FETCH_RESULT_BAD_SIZE, "announced too long");
	if (get->size != UINT64_MAX && t->content_length != http_expected_size(get))
		return give_up(t, FETCH_RESULT_BAD_SIZE, "announced too short");
	t->get->announced = t->content_length;
	return len;
}

size_t http_take_header(char *line, size_t size, size_t n, void *context)
{
	struct http_transfer *t = context;
	size_t len = size * n;

	t->header_len += len;
	t->window_bytes += len;
	if (t->header_len > HEADER_MAX)
		return give_up(t, FETCH_RESULT_PROTOCOL, "header too long");
	if (t->phase != HTTP_STREAM) {
		t->phase = HTTP_STREAM;
		t->first_byte_ms = loop_now_ms(t->http->loop) - t->started_ms;
		http_start_stall_timer(t);
	}
	/* A trailer changes nothing any more. */
	if (t->body != HTTP_BODY_UNKNOWN)
		return len;
	if (memchr(line, '\0', len))
		return give_up(t, FETCH_RESULT_PROTOCOL, "NUL in the header");
	if (len >= 5 && strncasecmp(line, "HTTP/", 5) == 0)
		http_forget_answer(t);
	else if (line[0] == '\r' || line[0] == '\n')
		return judge_header(t, len);
	else
		take_header(t, line, len);
	return len;
}

size_t http_take_body(char *data, size_t size, size_t n, void *context)
{
	struct http_transfer *t = context;
	size_t len = size * n;
	int err;

	t->window_bytes += len;
	if (t->body != HTTP_BODY_WANTED) {
		t->ignored_size += len;
		if (t->ignored_size > IGNORED_MAX)
			return give_up(t, FETCH_RESULT_OK, NULL);
		return len;
	}
	if (len > http_expected_size(t->get) - t->body_size)
		return give_up(t, FETCH_RESULT_BAD_SIZE, "too long");
	err = t->get->data(t->get, data, len);
	if (err == HTTP_DATA_PAUSE) {
		t->window_bytes -= len;
		t->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (err < 0)
		return give_up(t, FETCH_RESULT_LOCAL, strerror(-err));
	t->body_size += len;
	return len;
}
