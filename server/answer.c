// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Decide what a request is answered with.
 */
#include "server/answer.h"

#include <errno.h>
#include <fcntl.h>
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
				    enum http_cache cache, const char *text)
{
	const struct http_validators none = { 0 };

	if (status == 200 && http_condition_status(&conn->request, &none) == 412)
		return answer_refuse(conn, 412);
	conn->text = text;
	conn->response = (struct http_response){
		.status = status,
		.keep_alive = conn->request.keep_alive,
		.content_type = "text/plain; charset=utf-8",
		.cache = cache,
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
	return answer_text(conn, status, HTTP_CACHE_NO_STORE, why);
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
	return answer_text(conn, 200, HTTP_CACHE_NO_STORE, conn->owned_text);
}

static enum answer_step answer_health(struct connection *conn)
{
	return answer_text(conn, 200, HTTP_CACHE_NO_STORE, "ok\n");
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

/*
 * What a client's copy is compared with.  The bytes of a digest never change, but a
 * name may lead to other bytes, which may be older: then the name is newer.
 */
static struct http_validators validators_of(struct connection *conn)
{
	const struct object *object = conn->object;
	struct http_validators current = {
		.etag = object->etag,
		.modified = object->modified,
		.is_exact = conn->target.kind == URL_OBJECT && !conn->by_name,
	};

	if (conn->by_name && conn->named > object->modified)
		current.modified = conn->named;
	/* Long enough ago that nothing has come after it in the same second. */
	if (current.modified < conn->worker->now - 1)
		current.is_exact = true;
	return current;
}

/* A condition's outcome, a range, or the whole. */
static enum answer_step answer_object(struct connection *conn)
{
	const struct http_request *request = &conn->request;
	const struct http_validators current = validators_of(conn);
	struct object *object = conn->object;
	struct http_response *response = &conn->response;
	unsigned long long first = 0, len = object->size;
	int status = http_condition_status(request, &current);

	if (status == 412)
		return answer_refuse(conn, 412);
	*response = (struct http_response){
		.status = 200,
		.keep_alive = request->keep_alive,
		.content_type = conn->target.kind == URL_MIRROR ?
					"text/plain; charset=utf-8" :
					"application/octet-stream",
		.etag = object->etag,
		.modified = current.modified == object->modified ?
				    object->modified_text : conn->named_text,
		.cache = cache_of(conn),
		.has_length = true,
		.length = object->size,
		.size = object->size,
	};
	if (status == 304) {
		response->status = 304;
		response->content_type = NULL;
		response->has_length = false;
		return ANSWER_SEND;
	}
	if (!http_condition_range(request, &current))
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

/* Not later than now: no clock but ours has made this date. */
static time_t date_of(const struct connection *conn, const struct stat *st,
		      bool by_change)
{
	time_t time = st->st_mtim.tv_sec;

	if (by_change && st->st_ctim.tv_sec > time)
		time = st->st_ctim.tv_sec;
	return time < conn->worker->now ? time : conn->worker->now;
}

/* When the image's name was made, or moved there; looked at before what it says. */
static time_t image_named(const struct connection *conn)
{
	struct stat st;

	if (cfs_store_image_stat(conn->worker->shared->files.store,
				 conn->target.name, &st))
		return 0;
	return date_of(conn, &st, true);
}

/* Find what an image's name pins right now: names, unlike objects, change. */
static int follow_name(struct connection *conn)
{
	struct cfs_store *store = conn->worker->shared->files.store;
	time_t named = image_named(conn);
	struct cfs_digest digest;
	int err = cfs_store_image_get(store, conn->target.name, &digest);

	switch (err) {
	case 0:
		url_target_object(&digest, &conn->target);
		conn->by_name = true;
		conn->named = named;
		http_date_format(named, conn->named_text);
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
	return answer_text(conn, 200, HTTP_CACHE_REVALIDATE, conn->owned_text);
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

static void set_validators(struct connection *conn, const struct stat *st)
{
	struct object *object = conn->object;
	char *etag = object->etag;

	object->modified = date_of(conn, st, conn->target.kind != URL_OBJECT);
	http_date_format(object->modified, object->modified_text);

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
	set_validators(conn, &st);
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
