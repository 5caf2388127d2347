// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/mirror_text.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

static const char *const extras[] = { "profiles", "packs", "zst", "verity" };

void mirror_text(int root_fd, char ret[MIRROR_TEXT_MAX])
{
	struct stat st;

	strcpy(ret, "composefs-mirror 1\n");
	for (size_t i = 0; i < sizeof(extras) / sizeof(*extras); i++) {
		if (fstatat(root_fd, extras[i], &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISDIR(st.st_mode))
			continue;
		strcat(ret, extras[i]);
		strcat(ret, "\n");
	}
}
