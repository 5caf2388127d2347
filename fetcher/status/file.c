// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/container_of.h"
#include "cache/base/cleanup.h"
#include "cache/base/log.h"
#include "fetcher/mount/mount.h"
#include "fetcher/loop/loop.h"
#include "fetcher/profile/output_file.h"
#include "fetcher/status/status.h"
#include "fetcher/status/file.h"

#define PERIOD_MS	1000

/* What tells that there is something new to write. */
struct counters {
	struct fetch_stats fetches;
	struct fuse_mount_stats requests;
	size_t next_error;
};

struct status_file {
	struct loop *loop;
	const struct status *status;
	char *path;
	struct loop_timer timer;
	struct counters written;
	struct log_limit limit;
};

static void take_counters(const struct status *status, struct counters *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->fetches = *fetcher_stats(status->fetcher);
	if (status->mount)
		fuse_mount_stats(status->mount, &ret->requests);
	ret->next_error = status->next_error;
}

static int write_file(struct status_file *file)
{
	CLEANUP_FREE char *text = NULL;
	size_t len;
	int err;

	take_counters(file->status, &file->written);
	err = status_json(file->status, &text, &len);
	return err ? err : output_file_write(file->path, false, text, len);
}

static void write_or_complain(struct status_file *file)
{
	int err = write_file(file);

	if (err && log_limit_pass(&file->limit, loop_now_ms(file->loop)))
		log_line(LOG_WARNING, "status-file path=%s error=\"%s\"",
			 file->path, strerror(-err));
}

static void second_over(struct loop_timer *timer)
{
	struct status_file *file =
		container_of(timer, struct status_file, timer);
	struct counters now;

	take_counters(file->status, &now);
	if (memcmp(&now, &file->written, sizeof(now)) != 0)
		write_or_complain(file);
	loop_timer_start(file->loop, &file->timer, PERIOD_MS);
}

int status_file_new(struct loop *loop, const struct status *status,
		    const char *path, struct status_file **ret)
{
	struct status_file *file = calloc(1, sizeof(*file));
	int err;

	if (!file)
		return -ENOMEM;
	file->loop = loop;
	file->status = status;
	file->timer.expired = second_over;
	file->path = output_file_path(path);
	err = file->path ? write_file(file) : -ENOMEM;
	if (err) {
		free(file->path);
		free(file);
		return err;
	}
	loop_timer_start(loop, &file->timer, PERIOD_MS);
	*ret = file;
	return 0;
}

void status_file_free(struct status_file *file)
{
	loop_timer_stop(file->loop, &file->timer);
	write_or_complain(file);
	free(file->path);
	free(file);
}
