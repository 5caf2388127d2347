// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/profile/find.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/base/beneath.h"
#include "cache/base/cleanup.h"
#include "cache/base/container_of.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/http/get.h"
#include "fetcher/loop/loop.h"
#include "fetcher/mirror/offers.h"
#include "fetcher/mirror/mirrors.h"

/* Ask mirrors that a GET did not reach again, so often, after so long. */
#define AGAIN_MOST	3
#define AGAIN_MS	250

struct profile_search {
	struct loop *loop;
	struct fetcher *fetcher;
	struct profile_wish wish;
	char path[PROFILE_PATH_MAX];
	struct mirror_offers_watcher watcher;
	struct loop_deferred end;
	uint32_t asked;			/* bit i: mirror i was */
	uint32_t unreached;		/* those of them that did not answer */
	unsigned int n_again;
	struct loop_timer again;
	size_t mirror;
	bool getting;
	struct http_get get;
	char *url;
	const char *where;
	struct profile_reader reader;
};

const char *profile_path(const struct cfs_digest *image, const char *name,
			 char ret[PROFILE_PATH_MAX])
{
	char hex[CFS_DIGEST_HEX_LEN + 1];

	cfs_digest_format(image, hex);
	snprintf(ret, PROFILE_PATH_MAX, "profiles/%s%s%.*s", hex,
		 name ? "." : "", CFS_IMAGE_NAME_MAX, name ? name : "");
	return ret;
}

static void end_deferred(struct loop_deferred *deferred)
{
	struct profile_search *search =
		container_of(deferred, struct profile_search, end);

	search->wish.over(search->wish.context, search->where, &search->reader);
}

static void end(struct profile_search *search, const char *where)
{
	mirror_offers_unwatch(&search->watcher);
	loop_timer_stop(search->loop, &search->again);
	search->where = where;
	loop_defer(search->loop, &search->end);
}

/* Each attempt is read from its start; what an earlier one listed is listed. */
static void begin_reading(struct profile_search *search)
{
	search->reader = (struct profile_reader){
		.digest = search->wish.digest,
		.context = search->wish.context,
	};
}

static bool read_local(struct profile_search *search, struct cfs_store *store)
{
	CLEANUP_CLOSE int fd = beneath_open(cfs_store_root_fd(store),
					    search->path,
					    O_RDONLY | O_NONBLOCK, 0);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return false;
	begin_reading(search);
	/* Part of a profile is a profile. */
	(void)profile_read_file(&search->reader, fd);
	return true;
}

static int get_data(struct http_get *get, const void *data, size_t len)
{
	struct profile_search *search =
		container_of(get, struct profile_search, get);

	return profile_read(&search->reader, data, len);
}

static void try_mirrors(struct profile_search *search);

/* A connection that broke must not cost the whole start its profile. */
static bool may_come_later(enum fetch_result result)
{
	return result == FETCH_RESULT_UNREACHABLE ||
	       result == FETCH_RESULT_TIMEOUT || result == FETCH_RESULT_SHORT ||
	       result == FETCH_RESULT_BUSY ||
	       result == FETCH_RESULT_DESCRIPTORS;
}

static void ask_again(struct loop_timer *timer)
{
	struct profile_search *search =
		container_of(timer, struct profile_search, again);

	search->asked &= ~search->unreached;
	search->unreached = 0;
	try_mirrors(search);
}

static void get_done(struct http_get *get, const struct http_answer *answer)
{
	struct profile_search *search =
		container_of(get, struct profile_search, get);
	struct mirrors *mirrors = fetcher_mirrors(search->fetcher);

	search->getting = false;
	/* FETCH_RESULT_LOCAL: too long, or digest() has had enough. */
	if (answer->result == FETCH_RESULT_OK ||
	    answer->result == FETCH_RESULT_LOCAL) {
		(void)profile_read_end(&search->reader);
		end(search, mirrors_url(mirrors, search->mirror));
		return;
	}
	if (may_come_later(answer->result))
		search->unreached |= (uint32_t)1 << search->mirror;
	try_mirrors(search);
}

/* Ask one mirror; false if that can't be done. */
static bool send_get(struct profile_search *search, size_t mirror)
{
	const char *base = mirrors_url(fetcher_mirrors(search->fetcher), mirror);

	free(search->url);
	if (asprintf(&search->url, "%s/%s", base, search->path) < 0) {
		search->url = NULL;
		return false;
	}
	search->mirror = mirror;
	search->get = (struct http_get){
		.url = search->url,
		.size = UINT64_MAX,
		.max_size = PROFILE_MAX,
		.data = get_data,
		.done = get_done,
	};
	begin_reading(search);
	search->getting = fetcher_get(search->fetcher, &search->get) == 0;
	return search->getting;
}

static void try_mirrors(struct profile_search *search)
{
	const struct mirror_offers *offers = fetcher_offers(search->fetcher);
	size_t i, n = mirrors_count(fetcher_mirrors(search->fetcher));

	if (search->getting)
		return;
	for (i = 0; i < n; i++) {
		uint32_t bit = (uint32_t)1 << i;

		if (search->asked & bit ||
		    !mirror_offers(offers, i, CFS_MIRROR_PROFILES))
			continue;
		search->asked |= bit;
		if (send_get(search, i))
			return;
	}
	if (loop_timer_running(&search->again) ||
	    !mirror_offers_settled(offers))
		return;
	if (search->unreached && search->n_again < AGAIN_MOST)
		loop_timer_start(search->loop, &search->again,
				 AGAIN_MS << search->n_again++);
	else
		end(search, NULL);
}

static void offers_changed(struct mirror_offers_watcher *watcher)
{
	try_mirrors(container_of(watcher, struct profile_search, watcher));
}

int profile_find(struct loop *loop, struct cfs_store *store,
		 struct fetcher *fetcher, const struct profile_wish *wish,
		 struct profile_search **ret)
{
	struct profile_search *search = calloc(1, sizeof(*search));

	if (!search)
		return -ENOMEM;
	search->loop = loop;
	search->fetcher = fetcher;
	search->wish = *wish;
	search->end.call = end_deferred;
	search->watcher.changed = offers_changed;
	search->again.expired = ask_again;
	profile_path(&wish->image, wish->name, search->path);
	*ret = search;
	if (read_local(search, store)) {
		end(search, "store");
	} else if (wish->local_only) {
		end(search, NULL);
	} else {
		mirror_offers_watch(fetcher_offers(fetcher), &search->watcher);
		try_mirrors(search);
	}
	return 0;
}

void profile_find_free(struct profile_search *search)
{
	if (!search)
		return;
	if (search->getting)
		fetcher_get_cancel(search->fetcher, &search->get);
	mirror_offers_unwatch(&search->watcher);
	loop_timer_stop(search->loop, &search->again);
	loop_undefer(search->loop, &search->end);
	free(search->url);
	free(search);
}
