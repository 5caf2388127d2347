// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * fsmount [--remount] DIR [KEY[=VALUE]]...: mount composefs with fsconfig(2).
 *
 * Each option is one call.  What the kernel says goes to stdout, a line each; an
 * error ends it with status 1 and the errno's name as the last line.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

static void print_log(int fd)
{
	char line[8192];
	ssize_t n;

	while ((n = read(fd, line, sizeof(line))) > 0)
		printf("%.*s\n", (int)n, line);
}

static int check(int ret, int fd)
{
	int error = errno;

	if (ret >= 0)
		return ret;
	if (fd >= 0)
		print_log(fd);
	printf("%s\n", strerrorname_np(error));
	exit(1);
}

static void configure(int fd, const char *option)
{
	char *key = strdup(option);
	char *value = strchr(key, '=');

	if (value) {
		*value = '\0';
		check(fsconfig(fd, FSCONFIG_SET_STRING, key, value + 1, 0), fd);
	} else {
		check(fsconfig(fd, FSCONFIG_SET_FLAG, key, NULL, 0), fd);
	}
	free(key);
}

int main(int argc, char **argv)
{
	bool remount = argc > 1 && !strcmp(argv[1], "--remount");
	int fd, mnt, i = remount ? 2 : 1;
	const char *dir = argv[i++];

	if (i > argc) {
		fprintf(stderr, "usage: fsmount [--remount] DIR [KEY[=VALUE]]...\n");
		return 2;
	}
	if (remount)
		fd = check(fspick(AT_FDCWD, dir, 0), -1);
	else
		fd = check(fsopen("composefs", 0), -1);
	for (; i < argc; i++)
		configure(fd, argv[i]);
	if (remount) {
		check(fsconfig(fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0),
		      fd);
		print_log(fd);
		return 0;
	}
	check(fsconfig(fd, FSCONFIG_CMD_CREATE, NULL, NULL, 0), fd);
	print_log(fd);
	mnt = check(fsmount(fd, 0, 0), fd);
	check(move_mount(mnt, "", AT_FDCWD, dir, MOVE_MOUNT_F_EMPTY_PATH), -1);
	return 0;
}
