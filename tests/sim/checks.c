// SPDX-License-Identifier: GPL-2.0-or-later
/* What must hold after every step, and at the end. */
#include "fetcher/ingest/chunks.h"
#include "fetcher/mirror/mirrors.h"
#include "tests/sim/sim.h"

/* See engine/fetch.c and engine/delivery.c: chunks beside one for each transfer. */
#define SPARE_CHUNKS	(32 + 48)

/* So long after all is well again everything must have been had; but see below. */
#define HEALED_MS	(5 * 60 * 1000)

static void check_memory(void)
{
	uint64_t most = (sim.config.max_transfers + SPARE_CHUNKS) * CHUNK_LEN;

	if (sim_disk_mapped() > most)
		sim_fail("%llu bytes of chunks, %llu at most",
			 (unsigned long long)sim_disk_mapped(),
			 (unsigned long long)most);
}

static void check_gauges(void)
{
	const struct fetch_stats *stats = fetcher_stats(sim.fetcher);

	if (stats->queued > 1000 || stats->in_flight > 1000 ||
	    stats->sealing > 1000 || stats->waiters > 1000)
		sim_fail("a gauge is below zero");
	if (stats->in_flight > sim.config.max_transfers)
		sim_fail("%u transfers, %u at most", stats->in_flight,
			 sim.config.max_transfers);
}

/* What a mirror still drips from before may take as long as its limit says. */
static uint64_t healed_until_ms(void)
{
	uint64_t most = sim.sizes_unknown ? sim.config.max_unknown_size : 0;

	for (int i = 0; i < sim.n_objects; i++)
		if (sim.objects[i]->size > most)
			most = sim.objects[i]->size;
	return sim.healed_ms + HEALED_MS + sim.config.object_ms +
	       most / sim.config.object_rate * 1000;
}

void sim_check_step(void)
{
	check_memory();
	check_gauges();
	sim_readers_check();
	if (sim.phase == SIM_HEALED && sim_now_ms() > healed_until_ms())
		sim_fail("all is well since %llu, and somebody still waits",
			 (unsigned long long)sim.healed_ms);
}

void sim_check_end(void)
{
	const struct fetch_stats *stats = fetcher_stats(sim.fetcher);

	SIM_CHECK(sim_gets_active() == 0);
	/* Each one was seen by disk.c, and compared. */
	SIM_CHECK(sim_disk_named() >= stats->objects);
	SIM_CHECK(stats->waiters == 0);
	SIM_CHECK(stats->queued == 0);
	SIM_CHECK(stats->in_flight == 0);
	SIM_CHECK(stats->sealing == 0);
	for (size_t i = 0; i < sim.n_mirrors; i++)
		SIM_CHECK(mirrors_stats(fetcher_mirrors(sim.fetcher), i)
				  ->in_flight == 0);
}
