// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/base/replace_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/failpoint.h"
#include "cache/base/output_place.h"

#define TEMP_PREFIX	".tmp-"
#define TEMP_ATTEMPTS	16
#define LOCK_TRIES	100

static int open_nameless(struct replace_file *file)
{
	file->fd = openat(file->dir_fd, ".", O_TMPFILE | O_RDWR | O_CLOEXEC,
			  file->mode);
	if (file->fd >= 0)
		return 0;
	if (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT)
		return -errno;
	/* Not every file system has nameless files; memory always does. */
	file->fd = memfd_create(file->name, MFD_CLOEXEC);
	if (file->fd < 0)
		return -errno;
	file->in_memory = true;
	return 0;
}

/*
 * The new file is the old one's owner's, as far as the caller may say so.  If the
 * group is another one, it gets no more than all others had.
 */
static int inherit(const struct replace_file *file, int fd)
{
	mode_t mode = file->mode;
	struct stat st;

	if (!file->exists && !file->fixed_mode)
		return 0;
	if (file->keeps_owner && fstat(fd, &st) < 0)
		return -errno;
	if (file->keeps_owner &&
	    (st.st_uid != file->uid || st.st_gid != file->gid) &&
	    fchown(fd, file->uid, file->gid) < 0 &&
	    fchown(fd, -1, file->gid) < 0 && st.st_gid != file->gid)
		mode = (mode & ~(mode_t)070) | (mode & (mode & 7) << 3);
	return fchmod(fd, mode) < 0 ? -errno : 0;
}

/* The last step of beginning. */
static int begin_new(struct replace_file *file)
{
	int err = open_nameless(file);

	return err || file->in_memory ? err : inherit(file, file->fd);
}

static int begin(struct replace_file *file, char *path)
{
	char *slash = strrchr(path, '/');

	file->name = strdup(slash ? slash + 1 : path);
	if (!file->name)
		return -ENOMEM;
	if (slash)
		slash[slash == path] = '\0';
	file->dir_fd = open(slash ? path : ".",
			    O_PATH | O_DIRECTORY | O_CLOEXEC);
	return file->dir_fd < 0 ? -errno : begin_new(file);
}

static int begin_path(struct replace_file *file, const char *path,
		      mode_t mode, bool wait)
{
	struct output_place place;
	int err = output_place_find(path, wait, &place);

	*file = (struct replace_file){ .fd = -1, .dir_fd = -1, .mode = mode };
	if (err)
		return err;
	if (place.fd >= 0) {
		file->fd = take_fd(&place.fd);
		file->in_place = true;
		return 0;
	}
	file->exists = place.exists;
	if (place.exists) {
		file->mode = place.st.st_mode & 0777;
		file->keeps_owner = true;
		file->uid = place.st.st_uid;
		file->gid = place.st.st_gid;
		if (access(place.path, W_OK) < 0)
			err = -errno;
	}
	if (!err)
		err = begin(file, place.path);
	output_place_release(&place);
	if (err)
		replace_file_abandon(file);
	return err;
}

int replace_file_begin(struct replace_file *file, const char *path,
		       mode_t mode)
{
	return begin_path(file, path, mode, true);
}

int replace_file_begin_no_wait(struct replace_file *file, const char *path,
			       mode_t mode)
{
	return begin_path(file, path, mode, false);
}

int replace_file_begin_at(struct replace_file *file, int dir_fd,
			  const char *name, mode_t mode)
{
	struct stat st;
	int err = 0;

	*file = (struct replace_file){ .fd = -1, .dir_fd = -1, .mode = mode };
	file->fixed_mode = true;
	if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
		file->exists = true;
	else if (errno != ENOENT)
		return -errno;
	if (file->exists && S_ISREG(st.st_mode))
		file->mode = st.st_mode & 0777;
	file->name = strdup(name);
	file->dir_fd = openat(dir_fd, ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (!file->name)
		err = -ENOMEM;
	else if (file->dir_fd < 0)
		err = -errno;
	else
		err = begin_new(file);
	if (err)
		replace_file_abandon(file);
	return err;
}

static int copy_bytes(const struct replace_file *file, int to)
{
	struct stat st;
	off_t done = 0;

	if (fstat(file->fd, &st) < 0)
		return -errno;
	while (done < st.st_size) {
		ssize_t n = sendfile(to, file->fd, &done, st.st_size - done);

		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;
	}
	return 0;
}

/* Make the new bytes appear under @name, which nobody may have yet. */
static int make_name(const struct replace_file *file, const char *name)
{
	char proc[64];
	int err;

	if (!file->in_memory) {
		snprintf(proc, sizeof(proc), "/proc/self/fd/%d", file->fd);
		if (linkat(AT_FDCWD, proc, file->dir_fd, name,
			   AT_SYMLINK_FOLLOW) < 0)
			return -errno;
		return 0;
	}

	CLEANUP_CLOSE int to = openat(file->dir_fd, name,
				      O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
				      file->mode);

	if (to < 0)
		return -errno;
	err = copy_bytes(file, to);
	if (!err)
		err = inherit(file, to);
	if (err)
		unlinkat(file->dir_fd, name, 0);
	return err;
}

/*
 * Whoever has a file under a name of its own holds a lock on the folder for that
 * moment, where it can be had; so a name without one is left over from a crash.
 */
uint64_t replace_file_sweep(int dir_fd)
{
	CLEANUP_CLOSE int fd = openat(dir_fd, ".",
				      O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const struct dirent *entry;
	uint64_t bytes = 0;
	struct stat st;
	DIR *dir;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return 0;
	dir = fdopendir(fd);
	if (!dir)
		return 0;
	take_fd(&fd);	/* the stream's from here on */
	while ((entry = readdir(dir)))
		if (strncmp(entry->d_name, TEMP_PREFIX,
			    strlen(TEMP_PREFIX)) == 0 &&
		    fstatat(dir_fd, entry->d_name, &st,
			    AT_SYMLINK_NOFOLLOW) == 0 &&
		    unlinkat(dir_fd, entry->d_name, 0) == 0)
			bytes += (uint64_t)st.st_blocks * 512;
	closedir(dir);
	return bytes;
}

/* They are through in a moment; whoever else has the folder locked is not waited for. */
static void keep_sweepers_out(int lock_fd)
{
	const struct timespec pause = { .tv_nsec = 1000 * 1000 };

	for (int i = 0; i < LOCK_TRIES; i++) {
		if (flock(lock_fd, LOCK_SH | LOCK_NB) == 0)
			return;
		nanosleep(&pause, NULL);
	}
}

static int replace(const struct replace_file *file)
{
	CLEANUP_CLOSE int lock_fd = openat(file->dir_fd, ".",
					   O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char temp[32];
	int err = -EEXIST, attempt;

	if (lock_fd >= 0)
		keep_sweepers_out(lock_fd);
	for (attempt = 0; err == -EEXIST && attempt < TEMP_ATTEMPTS; attempt++) {
		unsigned int random;

		if (getrandom(&random, sizeof(random), 0) != sizeof(random))
			return -EAGAIN;
		snprintf(temp, sizeof(temp), TEMP_PREFIX "%08x", random);
		err = make_name(file, temp);
	}
	if (err)
		return err;
	err = FAILPOINT("replace.before_rename");
	if (err == 0 && renameat(file->dir_fd, temp, file->dir_fd, file->name) < 0)
		err = -errno;
	if (err < 0)
		unlinkat(file->dir_fd, temp, 0);
	return err;
}

/* Something is mounted on the name, as containers have it: no rename changes that. */
static int overwrite(const struct replace_file *file)
{
	CLEANUP_CLOSE int to = openat(file->dir_fd, file->name, O_WRONLY |
				      O_TRUNC | O_NOFOLLOW | O_CLOEXEC);

	return to < 0 ? -errno : copy_bytes(file, to);
}

int replace_file_commit(struct replace_file *file)
{
	sigset_t all, before;
	int err = 0;

	if (!file->in_place) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &before);
		err = FAILPOINT("replace.before_name");
		if (err == 0)
			err = file->exists ? -EEXIST :
					     make_name(file, file->name);
		if (err == -EEXIST)
			err = replace(file);
		if (err == -EBUSY)
			err = overwrite(file);
		pthread_sigmask(SIG_SETMASK, &before, NULL);
	}
	replace_file_abandon(file);
	return err;
}

void replace_file_abandon(struct replace_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	if (file->dir_fd >= 0)
		close(file->dir_fd);
	free(file->name);
	*file = (struct replace_file){ .fd = -1, .dir_fd = -1 };
}
