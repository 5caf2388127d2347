// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * check_store STORE [NAME...]: do the rules of store_rules.h hold, and are these
 * image names there?  Exit status 0 if so, 1 if not, 2 if that can't be told.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "tests/crash/store_rules.h"

int main(int argc, char **argv)
{
	struct store_rules rules = { 0 };
	int err;

	if (argc < 2) {
		fputs("usage: check_store STORE [NAME...]\n", stderr);
		return 2;
	}
	err = store_rules_check(argv[1], (const char *const *)argv + 2, &rules);
	if (err < 0) {
		fprintf(stderr, "check_store: %s: %s\n", argv[1],
			strerror(-err));
		return 2;
	}
	printf("%" PRIu64 " objects, %" PRIu64 " unsealed, %" PRIu64
	       " images, %" PRIu64 " rules broken\n", rules.objects,
	       rules.unsealed, rules.images, store_rules_broken(&rules));
	return store_rules_broken(&rules) > 0;
}
