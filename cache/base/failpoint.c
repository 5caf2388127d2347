// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/base/failpoint.h"

#ifdef CFS_FAILPOINTS

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SPECS_MAX	4

static const struct {
	const char *name;
	int err;
} actions[] = {
	{ "EIO", -EIO },
	{ "ENOSPC", -ENOSPC },
	{ "EDQUOT", -EDQUOT },
	{ "EROFS", -EROFS },
	{ "EOPNOTSUPP", -EOPNOTSUPP },
};

static int act(const char *action, size_t len)
{
	if (len == 4 && memcmp(action, "kill", 4) == 0)
		raise(SIGKILL);
	if (len == 4 && memcmp(action, "stop", 4) == 0)
		return raise(SIGSTOP);	/* 0, once somebody continues us */
	for (size_t i = 0; i < sizeof(actions) / sizeof(actions[0]); i++)
		if (strlen(actions[i].name) == len &&
		    memcmp(actions[i].name, action, len) == 0)
			return actions[i].err;
	fprintf(stderr, "CFS_FAILPOINT: unknown action '%.*s'\n", (int)len,
		action);
	abort();	/* a test that would test nothing */
}

int failpoint_hit(const char *name)
{
	static atomic_ulong n_hits[SPECS_MAX];
	const char *spec = getenv("CFS_FAILPOINT");
	size_t len = strlen(name);

	for (int i = 0; spec && i < SPECS_MAX; i++) {
		const char *action = spec + len + 1;
		size_t spec_len = strcspn(spec, ","), action_len;
		unsigned long n = 1;

		if (strncmp(spec, name, len) != 0 || spec[len] != ':') {
			spec = spec[spec_len] ? spec + spec_len + 1 : NULL;
			continue;
		}
		action_len = strcspn(action, "@,");
		if (action[action_len] == '@')
			n = strtoul(action + action_len + 1, NULL, 10);
		return atomic_fetch_add(&n_hits[i], 1) + 1 == n ?
			       act(action, action_len) : 0;
	}
	return 0;
}

#else
/* ISO C wants something in every file. */
typedef int failpoint_none;
#endif
