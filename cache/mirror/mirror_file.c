// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/mirror/mirror_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "cache/base/beneath.h"
#include "cache/base/cleanup.h"
#include "cache/base/full_io.h"
#include "cache/base/replace_file.h"
#include "cache/store/layout.h"
#include "cache/store/store.h"

#define FILE_NAME	"mirror"
#define FIRST_LINE	"composefs-mirror 1"

static const struct {
	const char *word;
	unsigned int folder;
} words[] = {
	{ "packs", CFS_MIRROR_PACKS },
	{ "profiles", CFS_MIRROR_PROFILES },
	{ "verity", CFS_MIRROR_VERITY },
	{ "zst", CFS_MIRROR_ZST },
};

#define N_WORDS	(sizeof(words) / sizeof(words[0]))

/* The next line, without its end; false behind the last one. */
static bool next_line(const char **text, size_t *len, const char **ret,
		      size_t *ret_len)
{
	const char *end;

	if (*len == 0)
		return false;
	end = memchr(*text, '\n', *len);
	*ret = *text;
	*ret_len = end ? (size_t)(end - *text) : *len;
	*text += *ret_len + (end ? 1 : 0);
	*len -= *ret_len + (end ? 1 : 0);
	if (*ret_len && (*ret)[*ret_len - 1] == '\r')
		--*ret_len;
	return true;
}

static bool is_word(const char *line, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(line, word, len) == 0;
}

int cfs_mirror_file_parse(const char *text, size_t len, unsigned int *ret)
{
	unsigned int folders = 0;
	const char *line;
	size_t line_len;

	if (len > CFS_MIRROR_FILE_MAX ||
	    !next_line(&text, &len, &line, &line_len) ||
	    !is_word(line, line_len, FIRST_LINE))
		return -EINVAL;
	while (next_line(&text, &len, &line, &line_len))
		for (size_t i = 0; i < N_WORDS; i++)
			if (is_word(line, line_len, words[i].word))
				folders |= words[i].folder;
	*ret = folders;
	return 0;
}

const char *cfs_mirror_folder_name(unsigned int folder)
{
	for (size_t i = 0; i < N_WORDS; i++)
		if (words[i].folder == folder)
			return words[i].word;
	return NULL;
}

/* What STORE/mirror says; just its first line if there is none. */
static int read_old(int store_fd, char ret[CFS_MIRROR_FILE_MAX + 1],
		    size_t *ret_len)
{
	CLEANUP_CLOSE int fd = beneath_open(store_fd, FILE_NAME,
					    O_RDONLY | O_NONBLOCK, 0);
	CLEANUP_FREE char *text = NULL;
	int err;

	if (fd < 0 && fd != -ENOENT)
		return fd;
	if (fd < 0) {
		*ret_len = (size_t)sprintf(ret, FIRST_LINE "\n");
		return 0;
	}
	err = full_read_file(fd, &text, ret_len);
	if (err < 0)
		return err;
	if (*ret_len > CFS_MIRROR_FILE_MAX)
		return -EINVAL;
	if (*ret_len)
		memcpy(ret, text, *ret_len);
	return 0;
}

static int write_new(int store_fd, const char *old, size_t old_len,
		     unsigned int missing)
{
	char text[CFS_MIRROR_FILE_MAX + 64];
	struct replace_file file;
	size_t len = old_len;
	int err;

	memcpy(text, old, len);
	if (len && text[len - 1] != '\n')
		text[len++] = '\n';
	for (size_t i = 0; i < N_WORDS; i++)
		if (missing & words[i].folder)
			len += (size_t)sprintf(text + len, "%s\n", words[i].word);
	if (len > CFS_MIRROR_FILE_MAX)
		return -EINVAL;
	err = replace_file_begin_at(&file, store_fd, FILE_NAME, 0644);
	if (err < 0)
		return err;
	err = full_write(file.fd, text, len);
	if (err < 0)
		replace_file_abandon(&file);
	else
		err = replace_file_commit(&file);
	return err;
}

/* Which of the folders are there? */
static unsigned int look(int store_fd)
{
	unsigned int folders = 0;
	struct stat st;

	for (size_t i = 0; i < N_WORDS; i++)
		if (fstatat(store_fd, words[i].word, &st,
			    AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(st.st_mode))
			folders |= words[i].folder;
	return folders;
}

int cfs_mirror_file_update(struct cfs_store *store)
{
	int root_fd = cfs_store_root_fd(store);
	CLEANUP_CLOSE int lock_fd = -1;
	char old[CFS_MIRROR_FILE_MAX + 1];
	unsigned int present, missing;
	size_t len;
	int err;

	/* Not the folder: any user who can read a public store could lock that. */
	err = store_lock_open(root_fd, root_fd, ".lock-mirror", &lock_fd);
	if (err == 0)
		err = store_lock_take(lock_fd, LOCK_EX, true);
	if (err == 0)
		err = read_old(root_fd, old, &len);
	if (err == 0)
		err = cfs_mirror_file_parse(old, len, &present);
	if (err < 0)
		return err;
	missing = look(root_fd) & ~present;
	return missing ? write_new(root_fd, old, len, missing) : 0;
}
