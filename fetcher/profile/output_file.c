// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/profile/output_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/full_io.h"
#include "cache/base/replace_file.h"

char *output_file_path(const char *path)
{
	CLEANUP_FREE char *here = *path == '/' ? NULL : getcwd(NULL, 0);
	char *ret;

	return asprintf(&ret, "%s%s%s", here ? here : "", here ? "/" : "",
			path) < 0 ? NULL : ret;
}

int output_file_write(const char *path, const char *text, size_t len)
{
	struct replace_file out;
	int err = replace_file_begin(&out, path, 0644);

	if (err)
		return err;
	err = full_write(out.fd, text, len);
	if (!err)
		return replace_file_commit(&out);
	replace_file_abandon(&out);
	return err;
}
