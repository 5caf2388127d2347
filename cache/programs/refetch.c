// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Bringing back what was moved to quarantine: cfs-seed is given a profile of it.
 */
#include "cache/programs/refetch.h"

#include <errno.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/errmsg.h"
#include "cache/base/own_program.h"
#include "cache/programs/cfs_store.h"
#include "cache/store/store.h"
#include "cache/upkeep/refs.h"

#define PROGRAM		"cfs-seed"
#define FIXED_WORDS	4		/* program, --store, --quiet, profile */

/* A profile of what was moved; a descriptor that a child inherits. */
static int write_profile(const struct store_found *found, size_t n_found)
{
	int fd = memfd_create("damaged", 0);

	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < n_found; i++) {
		char hex[CFS_DIGEST_HEX_LEN + 1];

		if (found[i].state != FOUND_MOVED)
			continue;
		cfs_digest_format(&found[i].digest, hex);
		if (dprintf(fd, "%s\n", hex) < 0) {
			close(fd);
			return -EIO;
		}
	}
	return fd;
}

static int run(char *const *words)
{
	posix_spawn_file_actions_t actions;
	char program[PATH_MAX];
	int err, status;
	pid_t pid;

	if (own_program_find(words[0], program) < 0)
		return store_complain("%s is not installed: %s", words[0],
				      program);
	err = posix_spawn_file_actions_init(&actions);
	if (err)
		return store_complain("%s: %s", words[0], strerror(err));
	/* stdout is for the report of this program. */
	err = posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO,
					       STDOUT_FILENO);
	if (err == 0)
		err = posix_spawn(&pid, program, &actions, NULL, words,
				   environ);
	posix_spawn_file_actions_destroy(&actions);
	if (err)
		return store_complain("%s can't be run: %s", words[0],
				      strerror(err));
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return store_complain("%s: %m", words[0]);
	/* What is missing shows by looking; anything else it has told. */
	if (WIFEXITED(status) &&
	    (WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == 3))
		return 0;
	return store_complain("%s failed", words[0]);
}

static int seed(const char *path, const char *const *sources, size_t n_sources,
		int profile_fd)
{
	const char *words[REFETCH_SOURCES_MAX + FIXED_WORDS + 1] = { PROGRAM };
	CLEANUP_FREE char *store = NULL;
	char profile[32];
	size_t n = 1;

	if (asprintf(&store, "--store=%s", path) < 0) {
		store = NULL;
		return store_complain("out of memory");
	}
	snprintf(profile, sizeof(profile), "/proc/self/fd/%d", profile_fd);
	words[n++] = store;
	words[n++] = "--quiet";
	for (size_t i = 0; i < n_sources; i++)
		words[n++] = sources[i];
	words[n++] = profile;
	return run((char *const *)words);
}

/* What became of each? */
static void settle(struct cfs_store *store, struct store_found *found,
		   size_t n_found)
{
	struct cfs_store_refs *refs = NULL;
	size_t n;

	/* With an image that can't be read, everything may be needed. */
	(void)cfs_store_refs_new(store, NULL, 0, &refs, NULL);
	for (size_t i = 0; i < n_found; i++) {
		const struct cfs_digest *digest = &found[i].digest;

		if (found[i].state != FOUND_MOVED)
			continue;
		if (cfs_store_check(store, digest, UINT64_MAX) == 0)
			found[i].state = FOUND_REFETCHED;
		else if (refs && !cfs_store_refs_find(refs, digest, &n))
			found[i].state = FOUND_UNNEEDED;
		else
			found[i].state = FOUND_LOST;
	}
	cfs_store_refs_free(refs);
}

int store_refetch(struct cfs_store *store, const char *path,
		  const char *const *sources, size_t n_sources,
		  struct store_found *found, size_t n_found)
{
	CLEANUP_CLOSE int profile_fd = write_profile(found, n_found);
	int status;

	if (profile_fd < 0)
		status = store_complain("a list of what to fetch: %s",
					strerror(-profile_fd));
	else
		status = seed(path, sources, n_sources, profile_fd);
	settle(store, found, n_found);
	return status;
}
