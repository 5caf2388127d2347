// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "cache/base/container_of.h"
#include "cache/base/cleanup.h"
#include "cache/store/store.h"
#include "fetcher/mount/attach.h"
#include "fetcher/mount/internal.h"

/* Requests handled before others on the loop get their turn. */
#define BATCH	64

/* Reads of other files than ours in flight before the kernel holds back. */
#define MAX_BACKGROUND	64

static void answer_init(void *userdata, struct fuse_conn_info *conn)
{
	(void)userdata;
	/* One name that waits in retry/ must not stop all others. */
	conn->want |= conn->capable & FUSE_CAP_PARALLEL_DIROPS;
	/* Content never changes, so there is nothing to invalidate. */
	conn->want &= ~(FUSE_CAP_AUTO_INVAL_DATA | FUSE_CAP_SPLICE_READ |
			FUSE_CAP_SPLICE_WRITE | FUSE_CAP_SPLICE_MOVE |
			FUSE_CAP_READDIRPLUS);
	conn->max_background = MAX_BACKGROUND;
	conn->congestion_threshold = MAX_BACKGROUND * 3 / 4;
}

static const struct fuse_lowlevel_ops operations = {
	.init = answer_init,
	.lookup = fuse_answer_lookup,
	.forget = fuse_answer_forget,
	.forget_multi = fuse_answer_forget_multi,
	.getattr = fuse_answer_getattr,
	.statfs = fuse_answer_statfs,
	.open = fuse_answer_open,
	.read = fuse_answer_read,
	.release = fuse_answer_release,
	.readdir = fuse_answer_readdir,
};

static void log_libfuse(enum fuse_log_level level, const char *format,
			va_list args)
{
	char text[512];

	vsnprintf(text, sizeof(text), format, args);
	text[strcspn(text, "\n")] = '\0';
	log_line((int)level, "libfuse %s", text);
}

static void end(struct fuse_mount *mount)
{
	if (mount->ended)
		return;
	mount->ended = true;
	mount->dev = 0;
	loop_fd_stop(mount->loop, &mount->device);
	mount->config.ended(mount->config.context);
}

static void device_ready(struct loop_fd *lfd, uint32_t events)
{
	struct fuse_mount *mount =
		container_of(lfd, struct fuse_mount, device);

	(void)events;
	for (int i = 0; i < BATCH && !mount->ended; i++) {
		int n = fuse_session_receive_buf(mount->session, &mount->buf);

		if (n == -EAGAIN || n == -EINTR)
			return;
		/* 0: unmounted; an error: nothing more will ever come. */
		if (n <= 0) {
			end(mount);
			return;
		}
		fuse_session_process_buf(mount->session, &mount->buf);
		if (fuse_session_exited(mount->session)) {
			end(mount);
			return;
		}
	}
}

bool fuse_mount_is_descriptor(const char *mountpoint)
{
	return strncmp(mountpoint, "/dev/fd/", strlen("/dev/fd/")) == 0;
}

/* libfuse is only told of descriptors: what it mounts it also unmounts, by path. */
static int start_session(struct fuse_mount *mount, const char *descriptor)
{
	char *argv[] = { (char *)"cfs-fetch", NULL };
	struct fuse_args args = FUSE_ARGS_INIT(1, argv);
	int fd, flags;

	fuse_set_log_func(log_libfuse);
	mount->session = fuse_session_new(&args, &operations,
					  sizeof(operations), mount);
	fuse_opt_free_args(&args);
	if (!mount->session ||
	    fuse_session_mount(mount->session, descriptor) < 0)
		return -EIO;
	fd = fuse_session_fd(mount->session);
	flags = fcntl(fd, F_GETFL);
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return -errno;
	mount->device.ready = device_ready;
	return loop_fd_start(mount->loop, &mount->device, fd, EPOLLIN);
}

static int attach(struct fuse_mount *mount, struct errmsg *msg)
{
	CLEANUP_CLOSE int fd = -1;
	char descriptor[32];
	int err;

	mount->mountpoint = realpath(mount->config.mountpoint, NULL);
	if (!mount->mountpoint)
		return -errno;
	err = fuse_attach(mount->mountpoint, mount->config.allow_other, &fd,
			  &mount->dev, msg);
	if (err)
		return err;
	snprintf(descriptor, sizeof(descriptor), "/dev/fd/%d", fd);
	err = start_session(mount, descriptor);
	if (mount->session && fuse_session_fd(mount->session) == fd)
		take_fd(&fd);	/* the session's now */
	return err;
}

static uint64_t free_bytes(const struct cfs_store *store)
{
	struct statvfs st;

	return fstatvfs(cfs_store_objects_fd(store), &st) < 0 ?
		       UINT64_MAX : (uint64_t)st.f_bavail * st.f_frsize;
}

/* What a fetch that failed could find otherwise the next time. */
static void look_at_world(struct object_waits *waits,
			  struct failure_world *world)
{
	const struct fuse_mount *mount = waits->owner;

	world->changes = fetcher_changes(mount->fetcher) +
			 allow_scan_changes(mount->scan);
	world->room = free_bytes(mount->store);
}

int fuse_mount_new(struct loop *loop, struct cfs_store *store,
		   struct fetcher *fetcher, struct allow_scan *scan,
		   const struct fuse_mount_config *config,
		   struct fuse_mount **ret, struct errmsg *msg)
{
	struct fuse_mount *mount = calloc(1, sizeof(*mount));
	int err;

	if (!mount)
		return -ENOMEM;
	mount->loop = loop;
	mount->store = store;
	mount->fetcher = fetcher;
	mount->scan = scan;
	mount->allow = allow_scan_list(scan);
	mount->config = *config;
	err = object_waits_init(&mount->waits, loop, fetcher, look_at_world);
	mount->waits.owner = mount;
	if (!err)
		err = fuse_mount_is_descriptor(config->mountpoint) ?
			      start_session(mount, config->mountpoint) :
			      attach(mount, msg);
	if (err) {
		fuse_mount_unmount(mount);
		fuse_mount_free(mount);
		return err;
	}
	*ret = mount;
	return 0;
}

void fuse_mount_unmount(struct fuse_mount *mount)
{
	dev_t dev = mount->dev;

	mount->dev = 0;
	loop_fd_stop(mount->loop, &mount->device);
	/* Detached or replaced meanwhile: what is there is not ours. */
	if (dev)
		fuse_detach(mount->mountpoint, dev);
}

void fuse_mount_free(struct fuse_mount *mount)
{
	if (!mount)
		return;
	loop_fd_stop(mount->loop, &mount->device);
	object_waits_deinit(&mount->waits);
	if (mount->session)
		fuse_session_destroy(mount->session);
	free(mount->buf.mem);
	free(mount->mountpoint);
	free(mount);
}

void fuse_mount_stats(const struct fuse_mount *mount,
		      struct fuse_mount_stats *ret)
{
	*ret = mount->stats;
	ret->n_waiting = mount->waits.n_waiting;
	ret->oldest_ms = object_wait_oldest_ms(&mount->waits);
	ret->interrupts = mount->waits.n_interrupts;
	ret->gone = mount->waits.n_gone;
}
