// SPDX-License-Identifier: GPL-2.0-or-later
/* Test cache/base/sd_notify.c against sockets of our own. */
#include "cache/base/sd_notify.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "tests/unit/test.h"

static int bind_at(const char *name, size_t name_len)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	memcpy(address.sun_path, name, name_len);
	CHECK(fd >= 0);
	CHECK_EQ(bind(fd, (struct sockaddr *)&address,
		      offsetof(struct sockaddr_un, sun_path) + name_len), 0);
	return fd;
}

static void expect(int fd, const char *text)
{
	char buf[600];
	ssize_t n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);

	CHECK_EQ(n, strlen(text));
	CHECK(memcmp(buf, text, n) == 0);
}

static void test_nobody_listening_is_no_error(void)
{
	unsetenv("NOTIFY_SOCKET");
	CHECK_EQ(sd_notify_send("READY=1"), SD_NOTIFY_ALONE);
	setenv("NOTIFY_SOCKET", "", 1);
	CHECK_EQ(sd_notify_send("READY=1"), SD_NOTIFY_ALONE);
	setenv("NOTIFY_SOCKET", "relative", 1);
	CHECK_EQ(sd_notify_send("READY=1"), -EINVAL);
	setenv("NOTIFY_SOCKET", "/nonexistent/socket", 1);
	CHECK_EQ(sd_notify_send("READY=1"), -ENOENT);
}

static void test_words_arrive_at_a_path_and_at_an_abstract_name(void)
{
	char path[] = "/tmp/test_notify.XXXXXX", name[64], text[600];
	int fd;

	CHECK(mkdtemp(path));
	snprintf(name, sizeof(name), "%s/s", path);
	fd = bind_at(name, strlen(name));
	setenv("NOTIFY_SOCKET", name, 1);
	CHECK_EQ(sd_notify_send("READY=1\nSTATUS=%d objects", 7), 0);
	expect(fd, "READY=1\nSTATUS=7 objects");
	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	CHECK_EQ(sd_notify_send("STATUS=%s", text), -EMSGSIZE);
	close(fd);
	CHECK_EQ(unlink(name), 0);
	CHECK_EQ(rmdir(path), 0);

	snprintf(name, sizeof(name), "@test_notify.%d", getpid());
	setenv("NOTIFY_SOCKET", name, 1);
	name[0] = '\0';
	fd = bind_at(name, 1 + strlen(name + 1));
	CHECK_EQ(sd_notify_send("STOPPING=1"), 0);
	expect(fd, "STOPPING=1");
	close(fd);
	unsetenv("NOTIFY_SOCKET");
}

static int take(const char *pid, const char *n)
{
	setenv("LISTEN_PID", pid, 1);
	setenv("LISTEN_FDS", n, 1);
	return listen_fds_take();
}

static void test_handed_over_sockets_are_taken_once(void)
{
	char pid[32], other[32];

	snprintf(pid, sizeof(pid), "%d", getpid());
	snprintf(other, sizeof(other), "%d", getppid());
	CHECK_EQ(dup2(STDERR_FILENO, LISTEN_FDS_START), LISTEN_FDS_START);
	CHECK_EQ(take(pid, "1"), 1);
	CHECK_EQ(fcntl(LISTEN_FDS_START, F_GETFD), FD_CLOEXEC);
	CHECK(!getenv("LISTEN_FDS") && !getenv("LISTEN_PID"));
	CHECK_EQ(listen_fds_take(), 0);
	CHECK_EQ(take(other, "1"), 0);
	CHECK(!getenv("LISTEN_FDS"));
	CHECK_EQ(take(pid, "0"), 0);
	CHECK_EQ(take(pid, "-1"), -EINVAL);
	CHECK_EQ(take(pid, "1x"), -EINVAL);
	CHECK_EQ(take(pid, ""), -EINVAL);
	CHECK_EQ(take(pid, "99999999999999999999"), -EINVAL);
	CHECK_EQ(take("x", "1"), -EINVAL);
	close(LISTEN_FDS_START);
	CHECK_EQ(take(pid, "1"), -EBADF);
}

RUN_TESTS(T(test_nobody_listening_is_no_error),
	  T(test_words_arrive_at_a_path_and_at_an_abstract_name),
	  T(test_handed_over_sockets_are_taken_once))
