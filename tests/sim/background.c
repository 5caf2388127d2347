// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the daemon does without being asked, put together as fetcher/programs/daemon.c
 * does it: images are read, packs and profiles searched for, what they list is
 * fetched ahead, the rest completed, and the start recorded.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "fetcher/allow/scan.h"
#include "fetcher/prefetch/ahead.h"
#include "tests/sim/sim.h"

#define NAME	"image"

static struct allow_scan *scan;
static struct ahead *ahead;
static struct ahead_options options;
static struct sim_event look;

/* The time of the folder is the simulated one, whatever the kernel thinks. */
static void touch_images(void)
{
	const struct timespec time = {
		.tv_sec = (time_t)(sim_now_ms() / 1000),
		.tv_nsec = (long)(sim_now_ms() % 1000) * 1000000 + 1,
	};
	const struct timespec times[2] = { time, time };

	SIM_CHECK(utimensat(cfs_store_objects_fd(sim.store), "../images", times,
			    0) == 0);
}

static void pin(void)
{
	SIM_CHECK(cfs_store_image_set(sim.store, NAME,
				      &sim.image->self.digest) == 0);
	touch_images();
}

void sim_background_put_image(void)
{
	if (!sim.image)
		return;
	sim_store_put(sim.store, &sim.image->self);
	pin();
}

static void look_fire(struct sim_event *event)
{
	switch (sim_below(4)) {
	case 0:
		sim_trace("the images are read again");
		SIM_CHECK(allow_scan_again(scan) == 0);
		ahead_images_read(ahead);
		break;
	case 1:
		SIM_CHECK(allow_scan_refresh(scan) >= 0);
		break;
	default:
		ahead_look(ahead);
		break;
	}
	sim_event_start(event, sim_between(1, 20000));
}

void sim_background_make(void)
{
	const char *what;

	look = (struct sim_event){ .fire = look_fire };
	if (!sim.image)
		return;
	options = (struct ahead_options){
		.no_prefetch = sim_chance(6),
		.complete = sim_chance(3),
		.complete_rate = sim_chance(2) ? 0 : sim_between(1000, 1000000),
	};
	SIM_CHECK(allow_scan_new(sim.store, NULL, 0, &scan) == 0);
	SIM_CHECK(ahead_new(sim.loop, sim.store, scan, sim.fetcher, &options,
			    &ahead, &what) == 0);
}

void sim_background_start(void)
{
	if (!ahead)
		return;
	ahead_start(ahead);
	if (sim_chance(2))
		sim_event_start(&look, sim_below(10000));
}

void sim_background_event(const struct fetch_event *event)
{
	if (ahead && event->final && !event->err)
		ahead_event(ahead, event);
}

void sim_background_collected(void)
{
	if (ahead)
		ahead_objects_removed(ahead);
}

void sim_background_stop(void)
{
	sim_event_stop(&look);
	if (ahead)
		ahead_stop(ahead);
}

void sim_background_free(bool after_fetcher)
{
	if (!after_fetcher) {
		ahead_free(ahead);
		ahead = NULL;
		return;
	}
	allow_scan_free(scan);
	scan = NULL;
}
