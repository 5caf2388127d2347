// SPDX-License-Identifier: GPL-2.0-or-later
/* Test server/access_log.c: one request, one line. */
#include "server/access_log.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"

static char path[] = "/tmp/test_access_log.XXXXXX";
static const struct peer peer = { .is_local = true };

static struct access_log_lines lines;

static void read_back(char *ret, size_t size)
{
	int fd = open(path, O_RDONLY);
	ssize_t n = read(fd, ret, size - 1);

	CHECK(n >= 0);
	ret[n] = '\0';
	close(fd);
}

static void test_a_line(void)
{
	struct access_log *log;
	struct access_log_entry entry = {
		.time = 784111777, .peer = &peer, .method = "GET",
		.path = "/mirror HTTP", .path_len = 7, .status = 200,
		.bytes = 5, .ms = 3,
	};
	char text[256];

	close(mkstemp(path));
	CHECK_EQ(access_log_open(path, &log), 0);
	CHECK_EQ(access_log_start(log), 0);
	access_log_add(log, &lines, &entry);
	access_log_flush(log, &lines);
	access_log_wait(log, 10000);
	read_back(text, sizeof(text));
	CHECK(strcmp(text, "time=1994-11-06T08:49:37Z peer=local method=GET "
			   "path=/mirror status=200 bytes=5 ms=3\n") == 0);
	access_log_close(log);
	unlink(path);
}

/* What a client sends can neither end the line nor add a word to it. */
static void test_no_line_can_be_forged(void)
{
	static const char sent[] = "/\nx y=\"z\"%\x7f\xff";
	struct access_log *log;
	struct access_log_entry entry = {
		.peer = &peer, .method = "-", .path = sent,
		.path_len = sizeof(sent) - 1, .status = 400,
	};
	char text[256];

	CHECK_EQ(access_log_open(path, &log), 0);
	CHECK_EQ(access_log_start(log), 0);
	access_log_add(log, &lines, &entry);
	entry.path = NULL;
	access_log_add(log, &lines, &entry);
	access_log_flush(log, &lines);
	access_log_wait(log, 10000);
	read_back(text, sizeof(text));
	CHECK(strcmp(text,
		     "time=1970-01-01T00:00:00Z peer=local method=- "
		     "path=/%0ax%20y%3d%22z%22%25%7f%ff status=400 bytes=0 ms=0\n"
		     "time=1970-01-01T00:00:00Z peer=local method=- path=- "
		     "status=400 bytes=0 ms=0\n") == 0);
	access_log_close(log);
	unlink(path);
}

/* Blocking or not: only whole lines come, and none is waited for. */
static void fill_pipe(int flags)
{
	int saved = dup(STDOUT_FILENO);
	struct access_log *log;
	struct access_log_entry entry = { .peer = &peer, .method = "GET",
					  .status = 200 };
	static char text[1 << 20];
	uint64_t dropped, written = 0;
	size_t len = 0, i;
	int fds[2];
	ssize_t n;

	CHECK_EQ(pipe2(fds, flags), 0);
	dup2(fds[1], STDOUT_FILENO);
	CHECK_EQ(access_log_open("-", &log), 0);
	CHECK_EQ(access_log_start(log), 0);
	for (i = 0; i < 10000; i++)
		access_log_add(log, &lines, &entry);
	access_log_flush(log, &lines);
	dropped = access_log_dropped(log);
	CHECK(dropped > 3000);
	access_log_close(log);
	dup2(saved, STDOUT_FILENO);
	close(saved);
	close(fds[1]);
	while ((n = read(fds[0], text + len, sizeof(text) - len)) > 0)
		len += n;
	close(fds[0]);
	for (i = 0; i < len; i++)
		written += text[i] == '\n';
	CHECK(len && text[len - 1] == '\n' && written > 300);
	CHECK(written + dropped <= 10000);
}

static void test_a_full_pipe_drops_lines(void)
{
	fill_pipe(0);
	fill_pipe(O_NONBLOCK);
	access_log_close(NULL);
}

static void test_a_full_disk_drops_lines(void)
{
	struct access_log_entry entry = { .peer = &peer, .method = "GET" };
	struct access_log *log;

	CHECK_EQ(access_log_open("/dev/full", &log), 0);
	CHECK_EQ(access_log_start(log), 0);
	access_log_add(log, &lines, &entry);
	access_log_flush(log, &lines);
	access_log_wait(log, 10000);
	CHECK_EQ(access_log_dropped(log), 1);
	access_log_close(log);
}

static void test_a_fifo_may_get_its_reader_later(void)
{
	struct access_log_entry entry = { .peer = &peer, .method = "GET" };
	struct access_log *log;
	char text[256];

	CHECK_EQ(mkfifo(path, 0600), 0);
	CHECK_EQ(access_log_open(path, &log), 0);
	CHECK_EQ(access_log_start(log), 0);
	access_log_add(log, &lines, &entry);
	access_log_flush(log, &lines);
	access_log_wait(log, 10000);
	read_back(text, sizeof(text));
	CHECK(strstr(text, "method=GET"));
	access_log_close(log);
	unlink(path);
}

static void test_a_rotated_log_goes_on_in_a_new_file(void)
{
	struct access_log *log;
	struct access_log_entry entry = { .peer = &peer, .method = "GET",
					  .status = 200 };
	char text[256];

	CHECK_EQ(access_log_open(path, &log), 0);
	CHECK_EQ(access_log_start(log), 0);
	unlink(path);
	CHECK_EQ(access_log_reopen(log), 0);
	access_log_add(log, &lines, &entry);
	access_log_flush(log, &lines);
	access_log_wait(log, 10000);
	read_back(text, sizeof(text));
	CHECK(strstr(text, "method=GET"));
	access_log_close(log);
	unlink(path);
}

RUN_TESTS(T(test_a_line), T(test_no_line_can_be_forged),
	  T(test_a_full_pipe_drops_lines),
	  T(test_a_full_disk_drops_lines),
	  T(test_a_fifo_may_get_its_reader_later),
	  T(test_a_rotated_log_goes_on_in_a_new_file))
