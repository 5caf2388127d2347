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

/* What does not end a process that has no handler for it. */
static const int harmless[] = {
	SIGCHLD, SIGCONT, SIGURG, SIGWINCH,
	SIGSTOP, SIGTSTP, SIGTTIN, SIGTTOU,
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
	uint64_t pending = 0, survived = 0;
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
	for (size_t i = 0; i < sizeof(harmless) / sizeof(*harmless); i++)
		survived |= bit_of(harmless[i]);
	survived &= ~bit_of(SIGKILL);
	return dead || pending & ~survived;
}

enum requester_state requester_look(int proc_fd, pid_t tid)
{
	char path[32], buffer[4096];
	enum requester_state state;
	FILE *status;

	if (tid <= 0)
		return REQUESTER_UNSEEN;
	snprintf(path, sizeof(path), "%d/status", (int)tid);

	CLEANUP_CLOSE int fd = openat(proc_fd, path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return REQUESTER_UNSEEN;
	status = fdopen(fd, "r");
	if (!status)
		return REQUESTER_UNSEEN;
	take_fd(&fd);
	setvbuf(status, buffer, _IOFBF, sizeof(buffer));
	state = requester_status_fatal(status) ? REQUESTER_DYING :
						 REQUESTER_LIVES;
	/* It ended while it was read. */
	if (ferror(status))
		state = REQUESTER_UNSEEN;
	fclose(status);
	return state;
}
