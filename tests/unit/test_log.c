// SPDX-License-Identifier: GPL-2.0-or-later
/* Test cache/base/log.c by reading what it writes to stderr. */
#include "cache/base/log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/test.h"

static int pipe_fds[2], real_stderr;
static char line[2 * LOG_LINE_MAX];

static void capture(void)
{
	CHECK_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
	real_stderr = dup(STDERR_FILENO);
	CHECK_EQ(dup2(pipe_fds[1], STDERR_FILENO), STDERR_FILENO);
}

static const char *captured(void)
{
	ssize_t n;

	CHECK_EQ(dup2(real_stderr, STDERR_FILENO), STDERR_FILENO);
	close(real_stderr);
	close(pipe_fds[1]);
	n = read(pipe_fds[0], line, sizeof(line) - 1);
	CHECK(n >= 0);
	line[n] = '\0';
	close(pipe_fds[0]);
	return line;
}

static void test_a_line_is_what_was_said(void)
{
	capture();
	log_line(LOG_INFO, "object=%s bytes=%d", "ab", 5);
	CHECK(strcmp(captured(), "object=ab bytes=5\n") == 0);
}

static void test_less_important_levels_are_silent(void)
{
	capture();
	log_line(LOG_DEBUG, "noise");
	CHECK(strcmp(captured(), "") == 0);
	log_set_level(LOG_DEBUG);
	capture();
	log_line(LOG_DEBUG, "noise");
	CHECK(strcmp(captured(), "noise\n") == 0);
	log_set_level(LOG_INFO);
}

/* A mirror's words can't look like a line of ours. */
static void test_no_value_can_forge_a_line(void)
{
	capture();
	log_line(LOG_INFO, "reason=%s", "a\nobject=b\033[2J");
	CHECK(strcmp(captured(), "reason=a\\x0aobject=b\\x1b[2J\n") == 0);
}

static void test_a_long_line_is_cut(void)
{
	char text[3000];
	size_t len;

	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	capture();
	log_line(LOG_INFO, "%s", text);
	len = strlen(captured());
	CHECK(len <= LOG_LINE_MAX);
	CHECK(strcmp(line + len - 4, "...\n") == 0);
	memset(text, '\n', sizeof(text) - 1);
	capture();
	log_line(LOG_INFO, "%s", text);
	CHECK(strlen(captured()) <= LOG_LINE_MAX);
}

/* Only if JOURNAL_STREAM is this very stderr. */
static void test_the_journal_gets_levels(void)
{
	char stream[64];
	struct stat st;

	capture();
	CHECK_EQ(fstat(STDERR_FILENO, &st), 0);
	snprintf(stream, sizeof(stream), "%llu:%llu",
		 (unsigned long long)st.st_dev, (unsigned long long)st.st_ino);
	setenv("JOURNAL_STREAM", stream, 1);
	log_line(LOG_ERR, "result=EIO");
	CHECK(strcmp(captured(), "<3>result=EIO\n") == 0);
	setenv("JOURNAL_STREAM", "1:1", 1);
	capture();
	log_line(LOG_ERR, "result=EIO");
	CHECK(strcmp(captured(), "result=EIO\n") == 0);
	unsetenv("JOURNAL_STREAM");
}

/* From here on every line has it, so this comes last. */
static void test_lines_can_carry_the_time(void)
{
	struct tm tm;
	char *rest;

	log_with_time();
	capture();
	log_line(LOG_INFO, "started");
	rest = strptime(captured(), "%Y-%m-%dT%H:%M:%SZ ", &tm);
	CHECK(rest && strcmp(rest, "started\n") == 0);
}

static void test_values_are_quoted_only_if_they_must_be(void)
{
	static const struct {
		const char *text, *expected;
	} cases[] = {
		{ "http://a/b?c=d", "http://a/b?c=d" },
		{ "", "\"\"" },
		{ "no route", "\"no route\"" },
		{ "a\"b\\c\n", "\"a\\\"b\\\\c\\x0a\"" },
		{ "0123456789 0123456789", "\"0123456789 0123456\"" },
	};
	char buf[21];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK(strcmp(log_quote(cases[i].text, buf, sizeof(buf)),
			     cases[i].expected) == 0);
}

/* A reader that stopped reading stops nobody; what it missed is counted. */
static void test_a_full_pipe_drops_lines(void)
{
	uint64_t before = log_dropped();

	capture();
	for (int i = 0; i < 20000; i++)
		log_line(LOG_INFO, "line=%d", i);
	captured();
	CHECK(log_dropped() > before && log_dropped() < before + 20000);
}

/* The first ten of ten seconds pass; the next window tells what was held back. */
static void test_a_limit_holds_lines_back(void)
{
	struct log_limit limit = { 0 };
	int passed = 0;

	for (int i = 0; i < 100; i++)
		passed += log_limit_pass(&limit, 5000 + i);
	CHECK_EQ(passed, 10);
	CHECK_EQ(limit.suppressed, 0);
	CHECK(log_limit_pass(&limit, 15000));
	CHECK_EQ(limit.suppressed, 90);
	CHECK(log_limit_pass(&limit, 15001));
	CHECK_EQ(limit.suppressed, 0);

	limit = (struct log_limit){ .lines = 40 };
	for (passed = 0; log_limit_pass(&limit, 5000);)
		passed++;
	CHECK_EQ(passed, 40);
}

RUN_TESTS(T(test_a_line_is_what_was_said),
	  T(test_a_full_pipe_drops_lines), T(test_a_limit_holds_lines_back),
	  T(test_less_important_levels_are_silent),
	  T(test_no_value_can_forge_a_line), T(test_a_long_line_is_cut),
	  T(test_the_journal_gets_levels),
	  T(test_values_are_quoted_only_if_they_must_be),
	  T(test_lines_can_carry_the_time))
