// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/http/secret_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

#define FILE_MAX	(64 * 1024)

/* systemd gives a service its credentials in files that an ACL opens for it alone. */
static bool is_credential(const char *path)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	size_t len = dir ? strlen(dir) : 0;

	return len && strncmp(path, dir, len) == 0 && path[len] == '/';
}

static int access_of(int fd, const char *path)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode))
		return SECRET_FILE_PRIVATE;
	if (st.st_mode & (S_IWOTH | S_IWGRP))
		return SECRET_FILE_OPEN;
	if (st.st_mode & S_IROTH)
		return SECRET_FILE_READABLE;
	return st.st_mode & S_IRGRP && !is_credential(path) ?
		       SECRET_FILE_GROUP : SECRET_FILE_PRIVATE;
}

int secret_file_read(const char *path, struct secret_file *ret)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	CLEANUP_FREE char *text = NULL;
	size_t len = 0;

	if (fd < 0)
		return -errno;
	text = malloc(FILE_MAX + 1);
	if (!text)
		return -ENOMEM;
	for (;;) {
		ssize_t n = read(fd, text + len, FILE_MAX + 1 - len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		len += n;
		if (len > FILE_MAX)
			return -EFBIG;
	}
	text[len] = '\0';
	if (strlen(text) != len)
		return -EINVAL;
	*ret = (struct secret_file){
		.text = take_ptr(text),
		.len = len,
		.access = access_of(fd, path),
	};
	return 0;
}

void secret_file_free(struct secret_file *file)
{
	if (file->text)
		explicit_bzero(file->text, file->len);
	free(file->text);
	file->text = NULL;
}
