// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * seekdir DIR: print the names of a directory as readdir(3) gives them, then go back to
 * places of telldir(3), last ones first, and to the start.
 *
 * Status 1 if a place does not lead to the entry that was read there, or if a second
 * descriptor that reads with a tiny buffer sees another list.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STRIDE	997		/* between the places that are gone back to */
#define TINY	320		/* bytes: one entry of the longest name, hardly more */

struct entry {
	long place;
	char *name;
};

static struct entry *entries;
static size_t n_entries;

static void fail(const char *what, const char *name)
{
	fprintf(stderr, "seekdir: %s: %s\n", what, name);
	exit(1);
}

static void read_entries(DIR *dir)
{
	struct dirent *dirent;
	size_t room = 0;

	for (;;) {
		long place = telldir(dir);

		dirent = readdir(dir);
		if (!dirent)
			break;
		if (n_entries == room) {
			room = room ? 2 * room : 1024;
			entries = reallocarray(entries, room, sizeof(*entries));
			if (!entries)
				fail("memory", "");
		}
		entries[n_entries++] = (struct entry){ place, strdup(dirent->d_name) };
		puts(dirent->d_name);
	}
}

static void expect(DIR *dir, size_t i)
{
	struct dirent *dirent = readdir(dir);

	if (!dirent)
		fail("nothing at the place of", entries[i].name);
	if (strcmp(dirent->d_name, entries[i].name))
		fail("another entry at the place of", entries[i].name);
}

/* Each call of the kernel gives one entry or a few. */
static void read_tiny(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_Alignas(struct dirent64) char buf[TINY];
	size_t i = 0;
	ssize_t n, at;

	while ((n = getdents64(fd, buf, sizeof(buf))) > 0) {
		for (at = 0; at < n; i++) {
			struct dirent64 *dirent = (void *)(buf + at);

			if (i == n_entries ||
			    strcmp(dirent->d_name, entries[i].name))
				fail("another list with a tiny buffer",
				     dirent->d_name);
			at += dirent->d_reclen;
		}
	}
	if (n < 0 || i != n_entries)
		fail("a shorter list with a tiny buffer", path);
	close(fd);
}

int main(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	size_t i;

	if (!dir)
		return 2;
	read_entries(dir);
	for (i = n_entries; i > 0; i -= i < STRIDE ? i : STRIDE) {
		seekdir(dir, entries[i - 1].place);
		expect(dir, i - 1);
		if (i < n_entries)
			expect(dir, i);
	}
	rewinddir(dir);
	expect(dir, 0);
	closedir(dir);
	read_tiny(argv[1]);
	return fflush(stdout) ? 2 : 0;
}
