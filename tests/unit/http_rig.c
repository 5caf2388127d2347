// SPDX-License-Identifier: GPL-2.0-or-later
#include "tests/unit/http_rig.h"

#include <string.h>

#include "cache/base/container_of.h"
#include "tests/unit/test.h"

int http_take_data(struct http_get *get, const void *data, size_t len)
{
	struct outcome *o = container_of(get, struct outcome, get);

	if (o->pause_once) {
		o->pause_once = false;
		loop_timer_start(o->loop, &o->resume, 20);
		return HTTP_DATA_PAUSE;
	}
	if (o->data_err)
		return o->data_err;
	CHECK(o->len + len <= sizeof(o->body));
	memcpy(o->body + o->len, data, len);
	o->len += len;
	return 0;
}

void http_take_answer(struct http_get *get, const struct http_answer *answer)
{
	struct outcome *o = container_of(get, struct outcome, get);

	o->answer = *answer;
	loop_stop(o->loop);
}

static void resume(struct loop_timer *timer)
{
	struct outcome *o = container_of(timer, struct outcome, resume);

	http_get_resume(o->http, &o->get);
}

void http_quick_config(struct fetch_config *config)
{
	fetch_config_init(config);
	config->connect_ms = 300;
	config->first_byte_ms = 300;
	config->stall_ms = 300;
	config->stall_rate = 1000;
}

void http_get_with(struct outcome *o, const struct fetch_config *config,
		   const char *url)
{
	CHECK_EQ(loop_new(0, 1, &o->loop), 0);
	CHECK_EQ(http_new(o->loop, config, &o->http), 0);
	o->get.url = url;
	o->get.data = http_take_data;
	o->get.done = http_take_answer;
	o->resume.expired = resume;
	CHECK_EQ(http_get_start(o->http, &o->get), 0);
	CHECK_EQ(loop_run(o->loop), 0);
	http_free(o->http);
	loop_free(o->loop);
}

void http_get_from(struct outcome *o, const char *url)
{
	struct fetch_config config;

	http_quick_config(&config);
	http_get_with(o, &config, url);
	fetch_config_free(&config);
}
