// SPDX-License-Identifier: GPL-2.0-or-later
/* Ask each mirror what else it has, and remember the answer. */
#include "fetcher/mirror/offers.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/container_of.h"
#include "fetcher/engine/state.h"
#include "fetcher/http/get.h"
#include "fetcher/loop/loop.h"
#include "fetcher/mirror/mirrors.h"

#define AGAIN_MS	(10 * 60 * 1000)
#define BROKEN_MS	(60 * 1000)
#define UNREACHED_MIN_MS	1000
#define UNREACHED_MAX_MS	(30 * 1000)

struct offer {
	struct mirror_offers *offers;
	char *url;
	struct http_get get;
	bool asking;			/* get is active */
	bool tried;			/* it has ended once */
	bool heard;			/* it has ended, and the mirror is there */
	uint64_t pause_ms;		/* nothing learnt: how long until the next try */
	unsigned int folders;
	struct loop_timer timer;
	size_t len;
	char text[CFS_MIRROR_FILE_MAX];
};

struct mirror_offers {
	struct loop *loop;
	const struct fetch_transport *transport;	/* NULL: stopped */
	void *context;
	const struct mirrors *mirrors;
	LIST_HEAD(, mirror_offers_watcher) watchers;
	bool patient;			/* no limit to waiting for a first answer */
	bool impatient;			/* the limit is over */
	struct loop_timer patience;
	size_t n;
	struct offer offer[];
};

static void tell(struct mirror_offers *offers)
{
	struct mirror_offers_watcher *watcher, *next;

	for (watcher = LIST_FIRST(&offers->watchers); watcher; watcher = next) {
		next = LIST_NEXT(watcher, entry);
		watcher->changed(watcher);
	}
}

static int get_data(struct http_get *get, const void *data, size_t len)
{
	struct offer *offer = container_of(get, struct offer, get);

	if (len > sizeof(offer->text) - offer->len)
		return -EFBIG;
	memcpy(offer->text + offer->len, data, len);
	offer->len += len;
	return 0;
}

/* Is the mirror there? */
static bool is_answer(enum fetch_result result)
{
	switch (result) {
	case FETCH_RESULT_UNREACHABLE:
	case FETCH_RESULT_TIMEOUT:
	case FETCH_RESULT_TLS:
	case FETCH_RESULT_LOCAL:
	case FETCH_RESULT_DESCRIPTORS:
		return false;
	default:
		return true;
	}
}

/* Has it said what it has?  Else what it said before still holds. */
static bool is_usable(enum fetch_result result)
{
	switch (result) {
	case FETCH_RESULT_BUSY:
	case FETCH_RESULT_STATUS:
	case FETCH_RESULT_SHORT:
		return false;
	default:
		return is_answer(result);
	}
}

static void wait_for_mirror(struct offer *offer)
{
	loop_timer_start(offer->offers->loop, &offer->timer, offer->pause_ms);
	offer->pause_ms *= 2;
	if (offer->pause_ms > UNREACHED_MAX_MS)
		offer->pause_ms = UNREACHED_MAX_MS;
}

static void get_done(struct http_get *get, const struct http_answer *answer)
{
	struct offer *offer = container_of(get, struct offer, get);
	struct mirror_offers *offers = offer->offers;
	bool usable = is_usable(answer->result);

	offer->asking = false;
	offer->tried = true;
	offer->heard |= answer->sent || is_answer(answer->result);
	if (usable) {
		offer->folders = 0;
		offer->pause_ms = UNREACHED_MIN_MS;
	}
	/* What is not such a file promises nothing, like one that is not there. */
	if (answer->result == FETCH_RESULT_OK)
		(void)cfs_mirror_file_parse(offer->text, offer->len,
					    &offer->folders);
	if (usable)
		loop_timer_start(offers->loop, &offer->timer, AGAIN_MS);
	else
		wait_for_mirror(offer);
	tell(offers);
}

static void ask(struct offer *offer)
{
	struct mirror_offers *offers = offer->offers;

	offer->len = 0;
	offer->get = (struct http_get){
		.url = offer->url,
		.size = UINT64_MAX,
		.max_size = CFS_MIRROR_FILE_MAX,
		.data = get_data,
		.done = get_done,
	};
	offer->asking = offers->transport->start(offers->context,
						 &offer->get) == 0;
	if (!offer->asking)
		wait_for_mirror(offer);
}

static void again(struct loop_timer *timer)
{
	ask(container_of(timer, struct offer, timer));
}

static void patience_over(struct loop_timer *timer)
{
	struct mirror_offers *offers =
		container_of(timer, struct mirror_offers, patience);

	offers->impatient = true;
	tell(offers);
}

int mirror_offers_new(struct loop *loop, const struct mirrors *mirrors,
		      struct mirror_offers **ret)
{
	size_t i, n = mirrors_count(mirrors);
	struct mirror_offers *offers =
		calloc(1, sizeof(*offers) + n * sizeof(offers->offer[0]));

	if (!offers)
		return -ENOMEM;
	offers->loop = loop;
	offers->mirrors = mirrors;
	offers->patience.expired = patience_over;
	offers->n = n;
	for (i = 0; i < n; i++) {
		struct offer *offer = &offers->offer[i];

		offer->offers = offers;
		offer->timer.expired = again;
		offer->pause_ms = UNREACHED_MIN_MS;
		if (asprintf(&offer->url, "%s/mirror",
			     mirrors_url(mirrors, i)) < 0) {
			offer->url = NULL;
			mirror_offers_free(offers);
			return -ENOMEM;
		}
	}
	*ret = offers;
	return 0;
}

void mirror_offers_start(struct mirror_offers *offers,
			 const struct fetch_transport *transport, void *context,
			 uint64_t patience_ms)
{
	size_t i;

	offers->transport = transport;
	offers->context = context;
	offers->patient = patience_ms == MIRROR_OFFERS_PATIENT;
	if (!offers->patient)
		loop_timer_start(offers->loop, &offers->patience, patience_ms);
	for (i = 0; i < offers->n; i++)
		ask(&offers->offer[i]);
}

void mirror_offers_stop(struct mirror_offers *offers)
{
	size_t i;

	if (!offers->transport)
		return;
	loop_timer_stop(offers->loop, &offers->patience);
	for (i = 0; i < offers->n; i++) {
		struct offer *offer = &offers->offer[i];

		if (offer->asking)
			offers->transport->cancel(offers->context, &offer->get);
		offer->asking = false;
		loop_timer_stop(offers->loop, &offer->timer);
	}
	offers->transport = NULL;
}

void mirror_offers_free(struct mirror_offers *offers)
{
	size_t i;

	if (!offers)
		return;
	for (i = 0; i < offers->n; i++)
		free(offers->offer[i].url);
	free(offers);
}

bool mirror_offers(const struct mirror_offers *offers, size_t mirror,
		   unsigned int folder)
{
	return offers->offer[mirror].folders & folder;
}

bool mirror_offers_settled(const struct mirror_offers *offers)
{
	bool heard = false;
	size_t i;

	if (offers->impatient)
		return true;
	for (i = 0; i < offers->n; i++) {
		if (!offers->offer[i].tried)
			return false;
		heard = heard || offers->offer[i].heard;
	}
	return heard || !offers->patient || mirrors_answered(offers->mirrors);
}

void mirror_offers_broken(struct mirror_offers *offers, size_t mirror,
			  unsigned int folder)
{
	struct offer *offer = &offers->offer[mirror];

	if (!(offer->folders & folder))
		return;
	offer->folders &= ~folder;
	if (offers->transport && !offer->asking)
		loop_timer_start(offers->loop, &offer->timer, BROKEN_MS);
}

void mirror_offers_watch(struct mirror_offers *offers,
			 struct mirror_offers_watcher *watcher)
{
	LIST_INSERT_HEAD(&offers->watchers, watcher, entry);
	watcher->watching = true;
}

void mirror_offers_unwatch(struct mirror_offers_watcher *watcher)
{
	if (watcher->watching)
		LIST_REMOVE(watcher, entry);
	watcher->watching = false;
}
