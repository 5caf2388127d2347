// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How servers answer.  Each is in a mood, which changes now and then, and which says
 * what share of its answers goes wrong, and how.
 */
#include <stdio.h>

#include "tests/sim/sim.h"

enum mood {
	WELL,
	GONE,			/* no connection, at once */
	SILENT,			/* takes requests and never answers */
	DRIPS,			/* sends as slowly as is allowed */
	LIES,			/* each answer is wrong somewhere */
	EMPTY,			/* has nothing */
	BUSY,			/* asks for a pause */
	NO_RANGES,		/* gives the whole, whatever is asked for */
	MIXED,			/* anything */
	N_MOODS,
};

static const char *const mood_names[N_MOODS] = {
	"well", "gone", "silent", "drips", "lies", "empty", "busy", "no ranges",
	"mixed",
};

struct server {
	enum mood mood;
	uint64_t latency_ms;
	uint64_t rate;			/* bytes a millisecond */
	uint32_t lacks;			/* bit set of objects */
	uint32_t lacks_zst, lacks_tree;
	char file[64];			/* what it says that it has */
};

static struct server servers[SIM_MIRRORS_MAX];

static void set_mood(size_t i, enum mood mood)
{
	servers[i].mood = mood;
	sim_trace("mirror%zu: %s", i, mood_names[mood]);
}

static void make(struct server *server)
{
	bool lacks_some = !sim.healthy && sim_chance(3);

	*server = (struct server){
		.latency_ms = sim_between(1, sim_chance(4) ? 400 : 40),
		.rate = sim_between(50, 20000),
		.lacks = lacks_some ? (uint32_t)(sim_random() & sim_random()) : 0,
		.lacks_zst = (uint32_t)(sim_random() & sim_random()),
		.lacks_tree = (uint32_t)(sim_random() & sim_random()),
	};
	snprintf(server->file, sizeof(server->file),
		 "composefs-mirror 1\n%s%s%s%s", sim_chance(2) ? "verity\n" : "",
		 sim_chance(2) ? "zst\n" : "", sim_chance(2) ? "packs\n" : "",
		 sim_chance(2) ? "profiles\n" : "");
}

void sim_mirrors_make(void)
{
	sim.n_mirrors = sim_between(1, SIM_MIRRORS_MAX);
	for (size_t i = 0; i < sim.n_mirrors; i++) {
		make(&servers[i]);
		set_mood(i, sim.healthy || sim_chance(2) ?
				    WELL : (enum mood)sim_below(N_MOODS));
	}
}

void sim_mirrors_change(void)
{
	set_mood(sim_below(sim.n_mirrors), sim_chance(3) ?
			 WELL : (enum mood)sim_below(N_MOODS));
}

void sim_mirrors_heal(void)
{
	for (size_t i = 0; i < sim.n_mirrors; i++) {
		servers[i].lacks = 0;
		set_mood(i, WELL);
	}
}

const char *sim_mirror_file(size_t i)
{
	return servers[i].file;
}

static bool lacks(const struct server *server, enum sim_folder folder, int i)
{
	switch (folder) {
	case SIM_OBJECT:
		return server->lacks >> i & 1;
	case SIM_ZST:
		return !sim.objects[i]->zst ||
		       ((server->lacks | server->lacks_zst) >> i & 1);
	case SIM_TREE:
		return !sim.objects[i]->tree ||
		       ((server->lacks | server->lacks_tree) >> i & 1);
	case SIM_PROFILE:
	case SIM_PACK:
		return !sim.image;
	case SIM_MIRROR_FILE:
		break;
	}
	return false;
}

/* Something that is wrong with one answer. */
static void spoil(struct sim_plan *plan, enum mood mood, uint64_t len)
{
	static const enum fetch_result at_once[] = {
		FETCH_RESULT_MISSING, FETCH_RESULT_DENIED, FETCH_RESULT_BUSY,
		FETCH_RESULT_STATUS, FETCH_RESULT_UNREACHABLE,
		FETCH_RESULT_TLS, FETCH_RESULT_BAD_SIZE, FETCH_RESULT_RANGE,
		FETCH_RESULT_REDIRECT, FETCH_RESULT_PROTOCOL,
		FETCH_RESULT_TIMEOUT,
	};
	static const enum fetch_result half_way[] = {
		FETCH_RESULT_SHORT, FETCH_RESULT_UNREACHABLE, FETCH_RESULT_OK,
		FETCH_RESULT_BAD_SIZE,
	};

	switch (mood == LIES ? 1 + sim_below(2) : sim_below(5)) {
	case 0:
		plan->bytes = 0;
		plan->result = at_once[sim_below(sizeof(at_once) /
						 sizeof(at_once[0]))];
		break;
	case 1:
		plan->flip = len ? sim_below(len) : UINT64_MAX;
		break;
	case 2:
		plan->bytes = len ? sim_below(len) : 0;
		plan->result = half_way[sim_below(sizeof(half_way) /
						  sizeof(half_way[0]))];
		break;
	case 3:
		plan->bytes = len ? sim_below(len) : 0;
		plan->stalls = true;
		break;
	default:
		plan->first_ms += sim_between(100, 12000);
		break;
	}
}

static struct sim_plan at_once(enum fetch_result result, uint64_t ms)
{
	return (struct sim_plan){
		.first_ms = ms,
		.flip = UINT64_MAX,
		.result = result,
		.retry_after_ms = result == FETCH_RESULT_BUSY && sim_chance(2) ?
					  sim_between(100, 40000) : 0,
	};
}

struct sim_plan sim_mirrors_plan(size_t mirror, enum sim_folder folder, int i,
				 const struct http_get *get)
{
	const struct server *server = &servers[mirror];
	uint64_t len = get->length ? get->length :
		       get->size != UINT64_MAX ? get->size - get->offset :
		       folder == SIM_ZST ? sim.objects[i]->zst_len :
		       folder == SIM_OBJECT ? sim.objects[i]->size :
		       folder == SIM_PACK && sim.image ? sim.image->pack_len :
		       folder == SIM_PROFILE && sim.image ?
						sim.image->profile_len : 0;
	uint64_t first_ms = server->latency_ms / 2 +
			    sim_below(server->latency_ms + 1);
	struct sim_plan plan = {
		.first_ms = first_ms,
		.slice_ms = 1 + sim_below(4),
		.bytes = UINT64_MAX,
		.flip = UINT64_MAX,
	};

	plan.burst = plan.slice_ms * server->rate + 1;
	switch (server->mood) {
	case GONE:
		return at_once(FETCH_RESULT_UNREACHABLE, sim_below(3));
	case BUSY:
		return at_once(sim_chance(2) ? FETCH_RESULT_BUSY :
					       FETCH_RESULT_STATUS, first_ms);
	case EMPTY:
		return at_once(FETCH_RESULT_MISSING, first_ms);
	case SILENT:
		plan.first_ms = UINT64_MAX;
		return plan;
	case NO_RANGES:
		if (get->length || get->offset)
			return at_once(FETCH_RESULT_RANGE, first_ms);
		break;
	case DRIPS:
		plan.slice_ms = 500;
		plan.burst = sim.config.stall_rate * 600 / 1000 + 1;
		break;
	case LIES:
		spoil(&plan, LIES, len);
		break;
	case MIXED:
		if (sim_chance(2))
			spoil(&plan, MIXED, len);
		break;
	case WELL:
	case N_MOODS:
		break;
	}
	if (lacks(server, folder, i))
		return at_once(FETCH_RESULT_MISSING, first_ms);
	return plan;
}
