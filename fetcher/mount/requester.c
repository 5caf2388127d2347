// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "fetcher/mount/requester.h"

static const int core_signals[] = {
	SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS,
	SIGFPE, SIGSEGV, SIGXCPU, SIGXFSZ, SIGSYS,
};

static uint64_t bit_of(int signal)
{
	return 1ull << (signal - 1);
}

/* If @line is "NAME:<blanks>VALUE", the value; else NULL. */
static const char *value_of(const char *line, const char *name)
{
	size_t len = strlen(name);

	if (strncmp(line, name, len) != 0 || line[len] != ':')
		return NULL;
	return line + len + 1 + strspn(line + len + 1, " \t");
}

static void add_mask(uint64_t *mask, const char *line, const char *name)
{
	const char *value = value_of(line, name);

	if (value)
		*mask |= strtoull(value, NULL, 16);
}

bool requester_status_fatal(FILE *status)
{
	uint64_t pending = 0, survived = 0, core = 0;
	bool dead = false, at_start = true;
	char line[256];

	/* Some lines are longer (Groups: has no limit); their rest is skipped. */
	while (fgets(line, sizeof(line), status)) {
		if (at_start) {
			const char *state = value_of(line, "State");

			dead |= state && (*state == 'Z' || *state == 'X');
			add_mask(&pending, line, "SigPnd");
			add_mask(&pending, line, "ShdPnd");
			add_mask(&survived, line, "SigBlk");
			add_mask(&survived, line, "SigIgn");
			add_mask(&survived, line, "SigCgt");
		}
		at_start = strchr(line, '\n');
	}
	for (size_t i = 0; i < sizeof(core_signals) / sizeof(*core_signals); i++)
		core |= bit_of(core_signals[i]);
	return dead || pending & bit_of(SIGKILL) || pending & core & ~survived;
}

bool requester_is_dying(int proc_fd, pid_t tid)
{
	char path[32];
	FILE *status;
	bool dying;

	if (tid <= 0)
		return true;
	snprintf(path, sizeof(path), "%d/status", (int)tid);

	CLEANUP_CLOSE int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return true;
	status = fdopen(fd, "r");
	if (!status)
		return true;
	take_fd(&fd);
	dying = requester_status_fatal(status) || ferror(status);
	fclose(status);
	return dying;
}
