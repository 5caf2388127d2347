// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/profile/output_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/full_io.h"
#include "cache/base/replace_file.h"

char *output_file_path(const char *path)
{
	const bool stays = *path == '/' || strcmp(path, "-") == 0;
	CLEANUP_FREE char *here = stays ? NULL : getcwd(NULL, 0);
	char *ret;

	return asprintf(&ret, "%s%s%s", here ? here : "", here ? "/" : "",
			path) < 0 ? NULL : ret;
}

/* A FIFO is for those that read it, if any do. */
static bool nothing_reads(const char *path, int err)
{
	struct stat st;

	return err == -ENXIO && stat(path, &st) == 0 && S_ISFIFO(st.st_mode);
}

int output_file_write(const char *path, bool wait, const char *text, size_t len)
{
	struct replace_file out;
	int err = wait ? replace_file_begin(&out, path, 0644) :
			 replace_file_begin_no_wait(&out, path, 0644);

	if (err)
		return !wait && nothing_reads(path, err) ? 0 : err;
	err = full_write(out.fd, text, len);
	if (!err)
		return replace_file_commit(&out);
	replace_file_abandon(&out);
	return !wait && err == -EAGAIN ? 0 : err;
}
