// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "fetcher/programs/privileges.h"

#ifndef PR_SET_IO_FLUSHER
#define PR_SET_IO_FLUSHER 57
#endif

#define OOM_SCORE	"-900"

void privileges_harden(void)
{
	CLEANUP_CLOSE int fd = open("/proc/self/oom_score_adj",
				    O_WRONLY | O_CLOEXEC);

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	(void)prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0);
	if (fd >= 0 && write(fd, OOM_SCORE, strlen(OOM_SCORE)) < 0)
		errno = 0;	/* only root may */
}

/* Root by any name drops nothing. */
static int find_user(const char *user, const struct passwd **ret)
{
	errno = 0;
	*ret = getpwnam(user);
	if (!*ret)
		return errno ? -errno : -ENOENT;
	return (*ret)->pw_uid == 0 ? -EPERM : 0;
}

int privileges_check(const char *user)
{
	const struct passwd *entry;

	return find_user(user, &entry);
}

int privileges_drop(const char *user)
{
	const struct passwd *entry;
	int err = find_user(user, &entry);

	if (err < 0)
		return err;
	if (initgroups(entry->pw_name, entry->pw_gid) < 0 ||
	    setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) < 0 ||
	    setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid) < 0)
		return -errno;
	return 0;
}
