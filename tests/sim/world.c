// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One world, from its seed to its end:
 *
 *	             so many steps             all objects had
 *	RUNNING ---------+---------> HEALED -----------------+--> STOPPING --> STOPPED
 *	                 |                                   |
 *	                 +-----------------------------------+
 */
#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fetcher/mirror/offers.h"
#include "tests/sim/sim.h"

struct sim sim;

static struct sim_event script, change;
static uint64_t steps_to_run;
static bool heals;

static void set_config(void)
{
	struct fetch_config *config = &sim.config;

	fetch_config_init(config);
	for (size_t i = 0; i < sim.n_mirrors; i++) {
		char url[64];

		snprintf(url, sizeof(url), "http://mirror%zu", i);
		SIM_CHECK(fetch_config_add_mirror(config, url) == 0);
	}
	config->max_transfers = (unsigned int)sim_between(1, 12);
	config->hard = sim_chance(4);
	config->deadline_ms = sim_chance(2) ? 30000 : sim_between(500, 60000);
	config->large_size = sim_between(100 << 10, 2 << 20);
	config->fill_percent = (unsigned int)sim_between(0, 100);
	config->in_batches = sim_chance(3);
	config->no_hedge = sim_chance(4);
	config->max_unknown_size = 64 << 20;
	fetch_config_limit_ahead(config);
	sim.deadline_ms = config->hard ? UINT64_MAX : config->deadline_ms;
}

static void stopped(void *context)
{
	(void)context;
	sim_trace("stopped");
	sim.phase = SIM_STOPPED;
	loop_stop(sim.loop);
}

static void stop(void)
{
	sim_trace("stop");
	sim.phase = SIM_STOPPING;
	sim_event_stop(&change);
	sim_readers_stop();
	sim_background_stop();
	if (sim_chance(2))
		sim_disk_fail(0, 0);
	fetcher_stop(sim.fetcher, stopped, NULL);
}

static void heal(void)
{
	sim_trace("heal");
	sim.phase = SIM_HEALED;
	sim.healed_ms = sim_now_ms();
	sim_event_stop(&change);
	sim_mirrors_heal();
	sim_disk_fail(0, 0);
	sim_readers_heal();
}

/* Looks now and then whether it is time for the next phase. */
static void script_fire(struct sim_event *event)
{
	if (sim.phase == SIM_RUNNING && sim.steps >= steps_to_run) {
		if (!heals) {
			stop();
			return;
		}
		heal();
	} else if (sim.phase == SIM_HEALED && sim_readers_content()) {
		stop();
		return;
	}
	sim_event_start(event, sim_between(1, 300));
}

static void change_fire(struct sim_event *event)
{
	static const int errors[] = { -ENOSPC, -ENOSPC, -EIO, -EDQUOT };

	if (sim_chance(4))
		sim_disk_fail(sim_chance(2) ? 0 : (unsigned int)sim_between(1, 30),
			      errors[sim_below(4)]);
	else
		sim_mirrors_change();
	sim_event_start(event, sim_between(1, sim_chance(3) ? 60000 : 3000));
}

static int remove_one(const char *path, const struct stat *st, int type,
		      struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void sim_path_make(char ret[SIM_PATH_MAX])
{
	snprintf(ret, SIM_PATH_MAX, "%s/cfs-sim.XXXXXX",
		 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/var/tmp");
	SIM_CHECK(mkdtemp(ret));
}

void sim_path_remove(const char *path)
{
	SIM_CHECK(nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS) == 0);
}

/* ---- from begin to end ---- */

static void log_event(void *context, const struct fetch_event *event)
{
	(void)context;
	sim_background_event(event);
}

/* What is read in parts takes more than was allowed. */
static bool any_large(void)
{
	for (int i = 0; i < sim.n_objects; i++)
		if (sim.objects[i]->size >= sim.config.large_size)
			return true;
	return false;
}

static void collected(void *context, const struct fetch_collection *done)
{
	const struct fetch_stats *stats = fetcher_stats(sim.fetcher);
	bool begun = stats->in_flight || stats->sealing;

	(void)context;
	sim_trace("collected: %d, %llu objects", done->err,
		  (unsigned long long)done->report.removed.objects);
	if (!sim.quota_known && done->err == 0 && sim.limits.max_size &&
	    !any_large()) {
		sim.quota_known = true;
		/* What was begun before could not be refused. */
		sim.quota_slack = sim_disk_used() > sim.limits.max_size ?
				  sim_disk_used() - sim.limits.max_size : 0;
		for (int i = 0; i < sim.n_objects; i++)
			if (cfs_store_check(sim.store, &sim.objects[i]->digest,
					    sim.objects[i]->size) != 0)
				sim.quota_slack += sim.objects[i]->size * begun;
	}
	sim_background_collected();
}

static void set_limits(void)
{
	uint64_t all = 0;

	sim.has_limits = sim_chance(4);
	sim.quota_known = false;
	sim.limits = (struct fetch_limits){ .max_size = 0 };
	if (!sim.has_limits)
		return;
	for (int i = 0; i < sim.n_objects; i++)
		all += sim.objects[i]->size;
	if (!sim_chance(4))
		sim.limits.max_size = sim_between(all / 10, all * 2) + 4096;
	if (sim_chance(4))
		sim.limits.reserve = 1 << 20;
	fetcher_limit(sim.fetcher, &sim.limits, collected, NULL);
}

/* All that is random about a world and stays the same in all its lives. */
static void begin(uint64_t seed, const char *path)
{
	sim = (struct sim){ .seed = seed, .random = seed };
	sim_loop_reset();
	sim_disk_reset();
	sim_transport_reset();
	sim.healthy = sim_chance(6);
	sim.verity = sim_chance(4);
	sim.no_tmpfile = sim_chance(8);
	sim_objects_pick();
	sim.sizes_unknown = !sim.image && sim_chance(6);
	sim_mirrors_make();
	set_config();
	SIM_CHECK(cfs_store_open(path, CFS_STORE_CREATE, &sim.store) == 0);
	sim_background_put_image();
	cfs_store_close(sim.store);
}

/* From a start of the daemon to its end. */
static void live(const char *path)
{
	sim.phase = SIM_RUNNING;
	steps_to_run = sim.steps + sim_between(100, 1500);
	heals = sim.healthy || sim_chance(3);
	SIM_CHECK(cfs_store_open(path, CFS_STORE_CREATE, &sim.store) == 0);
	SIM_CHECK(loop_new(0, (unsigned int)sim_between(1, 16), &sim.loop) == 0);
	SIM_CHECK(fetcher_new(sim.loop, sim.store, &sim.config, log_event, NULL,
			      &sim.fetcher) == 0);
	sim_transport_use(sim.fetcher);
	sim_background_make();
	/* As the daemon does: partial objects wait for it. */
	if (sim.healthy || !sim_chance(6))
		fetcher_ask_for_offers(sim.fetcher, sim_chance(2) ?
				       MIRROR_OFFERS_PATIENT : 5000);
	set_limits();
	sim_background_start();
	script = (struct sim_event){ .fire = script_fire };
	change = (struct sim_event){ .fire = change_fire };
	sim_event_start(&script, 1);
	if (!sim.healthy)
		sim_event_start(&change, sim_below(1000));
	sim_readers_start();

	SIM_CHECK(loop_run(sim.loop) == 0);

	SIM_CHECK(sim.phase == SIM_STOPPED);
	sim_event_stop(&script);
	sim_readers_close();
	sim_check_end();
	sim_background_free(false);
	fetcher_free(sim.fetcher);
	loop_free(sim.loop);
	sim_background_free(true);
	cfs_store_close(sim.store);
	sim.store = NULL;
	SIM_CHECK(sim_disk_mapped() == 0);
	SIM_CHECK(sim_events_left() == 0);
}

void sim_world_run(uint64_t seed, bool print_trace)
{
	char path[SIM_PATH_MAX];
	unsigned int n_lives;

	sim_path_make(path);
	sim_trace_reset(print_trace);
	begin(seed, path);
	n_lives = sim_chance(3) ? (unsigned int)sim_between(2, 3) : 1;
	for (unsigned int i = 0; i < n_lives; i++)
		live(path);
	fetch_config_free(&sim.config);
	sim_path_remove(path);
}
