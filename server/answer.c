// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Decide what a request is answered with.
 */
#include "server/answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "server/connection.h"
#include "server/crowd.h"
#include "server/tree_maker.h"
#include "server/mirror_text.h"

static void count(struct connection *conn, enum metric metric)
{
	metrics_add(&conn->worker->metrics, metric, 1);
}

/* Answer with a text that stays where it is until the response is sent. */
static enum answer_step answer_text(struct connection *conn, int status,
				    const char *text)
{
	conn->text = text;
	conn->response = (struct http_response){
		.status = status,
		.keep_alive = conn->request.keep_alive,
		.content_type = "text/plain; charset=utf-8",
		.has_length = true,
		.length = strlen(text),
	};
	return ANSWER_SEND;
}

enum answer_step answer_refuse(struct connection *conn, int status)
{
	const char *why = http_status_text(status);

	object_unref(conn->worker->cache, conn->object);
	conn->object = NULL;
	return answer_text(conn, status, why);
}

static enum answer_step answer_metrics(struct connection *conn)
{
	struct serve_shared *shared = conn->worker->shared;
	struct metrics sum = { 0 };
	size_t i;

	for (i = 0; i < shared->n_workers; i++)
		metrics_sum(&shared->workers[i]->metrics, &sum);
	sum.values[METRIC_LOG_DROPPED] = access_log_dropped(shared->log);
	conn->owned_text = metrics_format(&sum);
	if (!conn->owned_text)
		return answer_refuse(conn, 503);
	return answer_text(conn, 200, conn->owned_text);
}

static enum answer_step answer_health(struct connection *conn)
{
	return answer_text(conn, 200, "ok\n");
}

static enum http_cache cache_of(const struct connection *conn)
{
	if (conn->by_name)
		return HTTP_CACHE_REVALIDATE;
	switch (conn->target.kind) {
	case URL_OBJECT:
	case URL_VERITY:
		return HTTP_CACHE_IMMUTABLE;
	case URL_ZST:
	case URL_PACK:
		return HTTP_CACHE_HOUR;
	case URL_IMAGE:
	case URL_MIRROR:
	case URL_PROFILE:
	case URL_HEALTHZ:
	case URL_METRICS:
		break;
	}
	return HTTP_CACHE_REVALIDATE;
}

/* A 304, a range, or the whole. */
static enum answer_step answer_object(struct connection *conn)
{
	const struct http_request *request = &conn->request;
	struct object *object = conn->object;
	struct http_response *response = &conn->response;
	unsigned long long first = 0, len = object->size;
	bool ranged;

	*response = (struct http_response){
		.status = 200,
		.keep_alive = request->keep_alive,
		.content_type = conn->target.kind == URL_MIRROR ?
					"text/plain; charset=utf-8" :
					"application/octet-stream",
		.etag = object->etag,
		.cache = cache_of(conn),
		.has_length = true,
		.length = object->size,
		.size = object->size,
	};
	if (request->if_none_match.text &&
	    http_etag_matches(&request->if_none_match, object->etag)) {
		response->status = 304;
		response->content_type = NULL;
		response->has_length = false;
		return ANSWER_SEND;
	}
	/* Ranges are defined for GET; a stale If-Range asks for the whole. */
	ranged = request->range.text && request->method == HTTP_GET &&
		 (!request->if_range.text ||
		  (request->if_range.len == strlen(object->etag) &&
		   memcmp(request->if_range.text, object->etag,
			  request->if_range.len) == 0));
	if (!ranged)
		return ANSWER_SEND;
	switch (http_range_resolve(&request->range, object->size, &first,
				   &len)) {
	case HTTP_RANGE_WHOLE:
		break;
	case HTTP_RANGE_UNSATISFIABLE:
		response->status = 416;
		response->content_type = NULL;
		response->length = 0;
		break;
	default:
		response->status = 206;
		response->first = first;
		response->length = len;
		break;
	}
	return ANSWER_SEND;
}

/* Find what an image's name pins right now: names, unlike objects, change. */
static int follow_name(struct connection *conn)
{
	struct cfs_digest digest;
	int err = cfs_store_image_get(conn->worker->shared->files.store,
				      conn->target.name, &digest);

	switch (err) {
	case 0:
		url_target_object(&digest, &conn->target);
		conn->by_name = true;
		return 0;
	case CFS_STORE_DAMAGED:
		count(conn, METRIC_REJECTED_FILES);
		return 404;
	case CFS_STORE_MISS:
		return 404;
	default:
		count(conn, METRIC_READ_ERRORS);
		return 500;
	}
}

static enum answer_step open_target(struct connection *conn)
{
	conn->op.kind = IO_OPEN;
	conn->op.file_fd = object_where(&conn->worker->shared->files,
					&conn->target, &conn->op.path);
	conn->op.how = &object_open_how;
	return ANSWER_OPEN;
}

/* Was it let in though there was no place, and has none become free since? */
static bool is_crowded_out(struct connection *conn)
{
	if (conn->crowded)
		conn->crowded = peer_limit_is_crowded(
			conn->worker->shared->peers[conn->role]);
	return conn->crowded;
}

static enum answer_step refuse_for_good(struct connection *conn)
{
	count(conn, METRIC_REFUSED_TOTAL);
	conn->request.keep_alive = false;
	return answer_refuse(conn, 503);
}

enum answer_step answer_begin(struct connection *conn)
{
	struct worker *worker = conn->worker;
	int status;

	conn->by_name = false;
	conn->opened_again = false;
	if (url_target_parse(conn->request.target.text,
			     conn->request.target.len, &conn->target))
		return answer_refuse(conn, 404);
	if (conn->target.kind == URL_HEALTHZ)
		return answer_health(conn);
	if (is_crowded_out(conn))
		return refuse_for_good(conn);
	if ((conn->target.kind == URL_METRICS) !=
	    (conn->role == LISTEN_METRICS))
		return answer_refuse(conn, 404);
	if (conn->target.kind == URL_METRICS)
		return answer_metrics(conn);
	if (conn->target.kind == URL_IMAGE) {
		status = follow_name(conn);
		if (status)
			return answer_refuse(conn, status);
	}
	if (conn->target.kind != URL_OBJECT)
		return open_target(conn);
	conn->object = object_cache_get(worker->cache, &conn->target.digest,
					worker->now_ms);
	count(conn, conn->object ? METRIC_CACHE_HITS : METRIC_CACHE_MISSES);
	return conn->object ? answer_object(conn) : open_target(conn);
}

/* There is no file of the administrator's: what the folders say. */
static enum answer_step answer_mirror(struct connection *conn)
{
	conn->owned_text = malloc(MIRROR_TEXT_MAX);
	if (!conn->owned_text)
		return answer_refuse(conn, 503);
	mirror_text(conn->worker->shared->files.root_fd, conn->owned_text);
	return answer_text(conn, 200, conn->owned_text);
}

/* Why a file can't be opened, as a status. */
static enum answer_step answer_open_error(struct connection *conn, int err)
{
	switch (err) {
	case -ENOENT:
		if (conn->target.kind == URL_MIRROR)
			return answer_mirror(conn);
		if (conn->target.kind == URL_VERITY &&
		    conn->worker->shared->trees)
			tree_maker_want(conn->worker->shared->trees,
					&conn->target.digest);
		return answer_refuse(conn, 404);
	case -ENOTDIR:
		return answer_refuse(conn, 404);
	case -ELOOP:		/* a link */
	case -EXDEV:		/* something is mounted there */
	case -ENXIO:		/* a socket, or a device that is not there */
	case -ENODEV:
	case -EBADMSG:		/* the rest: its fs-verity descriptor is broken */
	case -EINVAL:
	case -EMSGSIZE:
	case -EUCLEAN:
		count(conn, METRIC_REJECTED_FILES);
		return answer_refuse(conn, 404);
	case -EMFILE:
	case -ENFILE:
	case -ENOMEM:
		/* Once more, with the descriptors that are free now. */
		object_cache_shrink(conn->worker->cache);
		crowd_make_way(conn->worker, LISTEN_OBJECTS, 0);
		if (!conn->opened_again) {
			conn->opened_again = true;
			return open_target(conn);
		}
		return answer_refuse(conn, 503);
	default:
		count(conn, METRIC_READ_ERRORS);
		return answer_refuse(conn, 500);
	}
}

static void set_etag(struct connection *conn, const struct stat *st)
{
	char *etag = conn->object->etag;

	if (conn->target.kind == URL_OBJECT) {
		etag[0] = '"';
		cfs_digest_format(&conn->target.digest, etag + 1);
		strcpy(etag + 1 + CFS_DIGEST_HEX_LEN, "\"");
	} else {
		snprintf(etag, HTTP_ETAG_MAX, "\"%llx.%lx-%llx\"",
			 (unsigned long long)st->st_mtim.tv_sec,
			 (unsigned long)st->st_mtim.tv_nsec,
			 (unsigned long long)st->st_size);
	}
}

static void remember(struct connection *conn)
{
	if (conn->target.kind == URL_OBJECT)
		object_cache_add(conn->worker->cache, conn->object,
				 &conn->target.digest, conn->worker->now_ms);
}

static enum answer_step load_more(struct connection *conn)
{
	conn->op.kind = IO_READ;
	conn->op.file_fd = conn->object->fd;
	conn->op.buffer = conn->object->data + conn->loaded;
	conn->op.len = conn->object->size - conn->loaded;
	conn->op.offset = conn->loaded;
	return ANSWER_LOAD;
}

enum answer_step answer_opened(struct connection *conn, int res)
{
	struct worker *worker = conn->worker;
	struct stat st;
	int err;

	if (res < 0)
		return answer_open_error(conn, res);
	err = object_accept(&worker->shared->files, &conn->target, res, &st);
	if (err) {
		close(res);
		count(conn, err < 0 ? METRIC_READ_ERRORS :
				      METRIC_REJECTED_FILES);
		return answer_refuse(conn, err < 0 ? 500 : 404);
	}
	conn->object = object_new(res, (uint64_t)st.st_size);
	if (!conn->object)
		return answer_refuse(conn, 503);
	set_etag(conn, &st);
	if (st.st_size > 0 && object_reserve(worker->cache, conn->object)) {
		conn->loaded = 0;
		return load_more(conn);
	}
	remember(conn);
	return answer_object(conn);
}

enum answer_step answer_loaded(struct connection *conn, int res)
{
	if (res <= 0) {		/* 0: it has become shorter */
		count(conn, METRIC_READ_ERRORS);
		return answer_refuse(conn, 500);
	}
	conn->loaded += (uint64_t)res;
	if (conn->loaded < conn->object->size)
		return load_more(conn);
	object_loaded(conn->object);
	remember(conn);
	return answer_object(conn);
}
