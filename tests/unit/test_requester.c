// SPDX-License-Identifier: GPL-2.0-or-later
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fetcher/mount/requester.h"
#include "tests/unit/test.h"

/* As the kernel writes it, shortened. */
#define STATUS(state, sigpnd, shdpnd, blk, ign, cgt)			\
	"Name:\tcat\nUmask:\t0022\nState:\t" state "\nTgid:\t77\n"	\
	"Groups:\t0 1000 \nSigQ:\t1/31000\n"				\
	"SigPnd:\t" sigpnd "\nShdPnd:\t" shdpnd "\n"			\
	"SigBlk:\t" blk "\nSigIgn:\t" ign "\nSigCgt:\t" cgt "\n"	\
	"CapInh:\t0000000000000000\n"

#define NONE	"0000000000000000"
#define SLEEPS	"S (sleeping)"

static bool fatal(const char *text)
{
	FILE *status = fmemopen((void *)text, strlen(text), "r");
	bool ret;

	CHECK(status);
	ret = requester_status_fatal(status);
	fclose(status);
	return ret;
}

/* Only what ends the process ends its wait. */
static void test_only_fatal_signals_are_fatal(void)
{
	static const struct {
		const char *why, *text;
		bool fatal;
	} cases[] = {
		{ "no signal", STATUS(SLEEPS, NONE, NONE, NONE, NONE, NONE), false },
		{ "KILL, and TERM by default", STATUS("D (disk sleep)", "0000000000000100", NONE, NONE, NONE, NONE), true },
		{ "KILL to the process, not yet handed to a thread", STATUS(SLEEPS, NONE, "0000000000000100", NONE, NONE, NONE), true },
		{ "KILL beside blocked everything", STATUS(SLEEPS, "0000000000000100", NONE, "fffffffe7ffbfeff", NONE, NONE), true },
		{ "uncaught ABRT", STATUS(SLEEPS, NONE, "0000000000000020", NONE, NONE, NONE), true },
		{ "uncaught SEGV of this thread", STATUS(SLEEPS, "0000000000000400", NONE, NONE, NONE, NONE), true },
		{ "caught ABRT", STATUS(SLEEPS, NONE, "0000000000000020", NONE, NONE, "0000000000000020"), false },
		{ "blocked QUIT", STATUS(SLEEPS, NONE, "0000000000000004", "0000000000000004", NONE, NONE), false },
		{ "ignored QUIT", STATUS(SLEEPS, NONE, "0000000000000004", NONE, "0000000000000004", NONE), false },
		{ "caught URG, what Go sends all day", STATUS(SLEEPS, NONE, "0000000000400000", NONE, NONE, "0000000000400000"), false },
		{ "caught ALRM and CHLD", STATUS(SLEEPS, NONE, "0000000000012000", NONE, NONE, "0000000000012000"), false },
		{ "uncaught TERM behind a caught ALRM", STATUS(SLEEPS, NONE, "0000000000006000", NONE, NONE, "0000000000002000"), true },
		{ "uncaught INT of this thread behind a caught URG", STATUS(SLEEPS, "0000000000000002", "0000000000400000", NONE, NONE, "0000000000400000"), true },
		{ "uncaught HUP behind an uncaught WINCH", STATUS(SLEEPS, NONE, "0000000008000001", NONE, NONE, NONE), true },
		{ "uncaught USR1, PIPE, PWR", STATUS(SLEEPS, NONE, "0000000020001200", NONE, NONE, NONE), true },
		{ "the last realtime signal", STATUS(SLEEPS, "8000000000000000", NONE, NONE, NONE, NONE), true },
		{ "blocked TERM: another thread's to take", STATUS(SLEEPS, NONE, "0000000000006000", "0000000000004000", NONE, "0000000000002000"), false },
		{ "ignored HUP", STATUS(SLEEPS, NONE, "0000000000000001", NONE, "0000000000000001", NONE), false },
		{ "caught TERM", STATUS(SLEEPS, NONE, "0000000000004000", NONE, NONE, "0000000000004000"), false },
		{ "uncaught CHLD, URG and WINCH", STATUS(SLEEPS, "0000000000400000", "0000000008010000", NONE, NONE, NONE), false },
		{ "TSTP, TTIN and TTOU", STATUS(SLEEPS, NONE, "0000000000380000", NONE, NONE, NONE), false },
		{ "STOP and CONT", STATUS("T (stopped)", NONE, "0000000000060000", NONE, NONE, NONE), false },
		{ "a dead process", STATUS("X (dead)", NONE, NONE, NONE, NONE, NONE), true },
		{ "a zombie", STATUS("Z (zombie)", NONE, NONE, NONE, NONE, NONE), true },
		{ "a name that looks like a field", "Name:\tSigPnd:\t0000000000000100\nState:\tS\n", false },
		{ "nothing at all", "", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fprintf(stderr, "  %s\n", cases[i].why);
		CHECK_EQ(fatal(cases[i].text), cases[i].fatal);
	}
}

/* A member of thousands of groups: the masks come after a very long line. */
static void test_long_lines_are_passed_over(void)
{
	static char text[200000];
	char *at = stpcpy(text, "State:\tS (sleeping)\nGroups:\t");

	for (int i = 0; i < 20000; i++)
		at += sprintf(at, "%d ", 100000 + i);
	strcpy(at, "SigPnd:\t0000000000000100\nSigPnd:\t" NONE "\n");
	CHECK(!fatal(text));
	strcpy(at, "\nSigPnd:\t0000000000000100\n");
	CHECK(fatal(text));
}

/* What the kernel really says of a process, before and after its death. */
static void test_real_processes(void)
{
	int proc_fd = open("/proc", O_PATH | O_DIRECTORY | O_CLOEXEC);
	pid_t pid;

	CHECK(proc_fd >= 0);
	CHECK_EQ(requester_look(proc_fd, getpid()), REQUESTER_LIVES);
	CHECK_EQ(requester_look(proc_fd, 0), REQUESTER_UNSEEN);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		for (;;)
			pause();
	}
	CHECK_EQ(requester_look(proc_fd, pid), REQUESTER_LIVES);
	CHECK_EQ(kill(pid, SIGKILL), 0);
	CHECK_EQ(waitid(P_PID, pid, NULL, WEXITED | WNOWAIT), 0);
	CHECK_EQ(requester_look(proc_fd, pid), REQUESTER_DYING);
	CHECK_EQ(waitpid(pid, NULL, 0), pid);
	CHECK_EQ(requester_look(proc_fd, pid), REQUESTER_UNSEEN);
	close(proc_fd);
}

RUN_TESTS(T(test_only_fatal_signals_are_fatal),
	  T(test_long_lines_are_passed_over), T(test_real_processes))
