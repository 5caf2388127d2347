// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/prefetch/presence.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "cache/base/beneath.h"
#include "cache/base/container_of.h"
#include "cache/verity/digest.h"
#include "cache/store/store.h"
#include "fetcher/allow/list.h"
#include "fetcher/profile/digest_list.h"
#include "fetcher/loop/loop.h"

#define N_FOLDERS	256
/* Each time the allow list is gone through once: not for every folder. */
#define AT_ONCE		16

struct survey {
	struct loop *loop;
	struct cfs_store *store;
	struct allow_list *allow;
	void (*done)(void *context);
	void *context;

	struct loop_work work;
	bool running, again;
	bool freed;			/* as soon as the work lets go */
	unsigned int first;		/* of the folders that are read now */
	uint64_t done_ms;		/* of the last whole one; 0: there was none */

	/* The pool's while the work runs. */
	struct digest_list found;
	int err;
};

static int add_found(struct survey *survey, unsigned int folder, const char *name)
{
	char object[CFS_OBJECT_NAME_LEN + 1];
	struct cfs_digest digest;
	int n = snprintf(object, sizeof(object), "%02x/%s", folder, name);

	if (n != CFS_OBJECT_NAME_LEN ||
	    cfs_object_name_parse(object, (size_t)n, &digest) < 0)
		return 0;	/* a name of someone else's making */
	return digest_list_add(&survey->found, &digest);
}

static int read_folder(struct survey *survey, unsigned int folder)
{
	const struct dirent *entry;
	char name[3];
	int fd, err = 0;
	DIR *dir;

	snprintf(name, sizeof(name), "%02x", folder);
	fd = beneath_open(cfs_store_objects_fd(survey->store), name,
			  O_RDONLY | O_DIRECTORY, 0);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	dir = fdopendir(fd);
	if (!dir) {
		err = -errno;
		close(fd);
		return err;
	}
	while (!err && (entry = readdir(dir)))
		err = add_found(survey, folder, entry->d_name);
	closedir(dir);
	return err;
}

/* On the pool. */
static void read_folders(struct loop_work *work)
{
	struct survey *survey = container_of(work, struct survey, work);

	digest_list_clear(&survey->found);
	survey->err = 0;
	for (unsigned int i = 0; i < AT_ONCE && !survey->err; i++)
		survey->err = read_folder(survey, survey->first + i);
	digest_list_sort(&survey->found);
}

static void mark(struct survey *survey)
{
	struct allow_entry *entry;
	uint64_t at = 0;

	while ((entry = allow_list_each(survey->allow, &at)))
		if (entry->digest.bytes[0] / AT_ONCE * AT_ONCE == survey->first)
			allow_list_set_present(survey->allow, entry,
				digest_list_has(&survey->found, &entry->digest));
}

static void begin(struct survey *survey)
{
	survey->running = true;
	survey->again = false;
	survey->first = 0;
	loop_work_submit(survey->loop, &survey->work);
}

static void folders_read(struct loop_work *work)
{
	struct survey *survey = container_of(work, struct survey, work);

	survey->running = false;
	if (survey->freed) {
		survey_free(survey);
		return;
	}
	/* What can't be read is as it was. */
	if (survey->err == 0)
		mark(survey);
	survey->first += AT_ONCE;
	if (survey->first < N_FOLDERS) {
		survey->running = true;
		loop_work_submit(survey->loop, work);
		return;
	}
	survey->done_ms = loop_now_ms(survey->loop);
	digest_list_free(&survey->found);
	if (survey->again)
		begin(survey);
	else if (survey->done)
		survey->done(survey->context);
}

int survey_new(struct loop *loop, struct cfs_store *store,
	       struct allow_list *allow, void (*done)(void *context),
	       void *context, struct survey **ret)
{
	struct survey *survey = calloc(1, sizeof(*survey));

	if (!survey)
		return -ENOMEM;
	survey->loop = loop;
	survey->store = store;
	survey->allow = allow;
	survey->done = done;
	survey->context = context;
	survey->work.run = read_folders;
	survey->work.done = folders_read;
	*ret = survey;
	return 0;
}

void survey_free(struct survey *survey)
{
	if (!survey)
		return;
	if (survey->running) {
		survey->freed = true;
		return;
	}
	digest_list_free(&survey->found);
	free(survey);
}

void survey_start(struct survey *survey)
{
	if (survey->running)
		survey->again = true;
	else
		begin(survey);
}

uint64_t survey_age_ms(const struct survey *survey)
{
	return survey->done_ms ? loop_now_ms(survey->loop) - survey->done_ms :
				 UINT64_MAX;
}
