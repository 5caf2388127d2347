// SPDX-License-Identifier: GPL-2.0-or-later
/* Test cache/base/own_program.c. */
#include "cache/base/own_program.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/test.h"

/* The folder of this test, with room for a name. */
static char *own_folder(char ret[PATH_MAX])
{
	ssize_t len = readlink("/proc/self/exe", ret, PATH_MAX - 1);

	CHECK(len > 0);
	ret[len] = '\0';
	return strrchr(ret, '/') + 1;
}

static void test_a_program_in_the_same_folder_is_found(void)
{
	char self[PATH_MAX], want[PATH_MAX], got[PATH_MAX];
	const char *name = own_folder(self);

	strcpy(want, self);
	setenv("PATH", "/nowhere", 1);
	CHECK_EQ(own_program_find(name, got), 0);
	CHECK(strcmp(got, want) == 0);
	clearenv();
	CHECK_EQ(own_program_find(name, got), 0);
}

static void test_path_is_not_looked_at(void)
{
	char got[PATH_MAX];

	setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin", 1);
	CHECK_EQ(own_program_find("env", got), -ENOENT);
	/* It says where it was looked for. */
	CHECK(strstr(got, CFS_SBINDIR));
	CHECK(strstr(got, CFS_BINDIR));
}

static void test_what_anybody_can_write_is_not_run(void)
{
	char path[PATH_MAX], got[PATH_MAX];
	char name[32];
	FILE *file;

	snprintf(name, sizeof(name), "program-%d", (int)getpid());
	strcpy(own_folder(path), name);
	file = fopen(path, "w");
	CHECK(file);
	fclose(file);
	CHECK_EQ(own_program_find(name, got), -ENOENT);
	CHECK_EQ(chmod(path, 0755), 0);
	CHECK_EQ(own_program_find(name, got), 0);
	CHECK_EQ(chmod(path, 0777), 0);
	CHECK_EQ(own_program_find(name, got), -ENOENT);
	/* Nor what belongs to another user. */
	CHECK_EQ(chmod(path, 0755), 0);
	if (geteuid() == 0) {
		CHECK_EQ(chown(path, 65534, 65534), 0);
		CHECK_EQ(own_program_find(name, got), -ENOENT);
	}
	CHECK_EQ(unlink(path), 0);
}

RUN_TESTS(T(test_a_program_in_the_same_folder_is_found),
	  T(test_path_is_not_looked_at),
	  T(test_what_anybody_can_write_is_not_run))
