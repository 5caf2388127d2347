// SPDX-License-Identifier: GPL-2.0-or-later
/* Mounting an image through overlayfs. */
#include "cache/mount/overlay.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>

#include "cache/base/cleanup.h"
#include "cache/mount/attached.h"
#include "cache/mount/context.h"

/* What stands in /proc/mounts: mount_attached_find() looks for it. */
#define IMAGE_NAME_MAX	(sizeof(MOUNT_ATTACHED_IMAGE "-") + CFS_DIGEST_HEX_LEN)

static void name_image(const struct overlay_mount *m, char ret[IMAGE_NAME_MAX])
{
	strcpy(ret, MOUNT_ATTACHED_IMAGE);
	if (!m->digest)
		return;
	strcat(ret, "-");
	cfs_digest_format(m->digest, ret + strlen(ret));
}

static int add_layer(int fd, const struct overlay_mount *m, size_t i,
		     struct errmsg *msg)
{
	char path[MOUNT_VALUE_MAX];
	int err = mount_place_layer(&m->layers[i], i, path);

	/* Kernels differ in what a backslash means. */
	if (err < 0 || strchr(path, '\\'))
		err = mount_place_short(&m->layers[i], i, path);
	if (err < 0)
		return errmsg_set(msg, err, "%s: %s", m->layers[i].path,
				  strerror(-err));
	return mount_context_string(fd, "datadir+", path, msg);
}

static int set_layers(int fd, const struct overlay_mount *m,
		      struct errmsg *msg)
{
	char image[IMAGE_NAME_MAX];
	size_t i;
	int err;

	name_image(m, image);
	err = mount_context_string(fd, "lowerdir+", image, msg);
	for (i = 0; err == 0 && i < m->n_layers; i++)
		err = add_layer(fd, m, i, msg);
	return err;
}

static int set_layer_list(int fd, const struct overlay_mount *m,
			  const char *separator, struct errmsg *msg)
{
	char list[MOUNT_VALUE_MAX], name[MOUNT_VALUE_MAX];
	size_t i, at;

	name_image(m, list);
	at = strlen(list);
	for (i = 0; i < m->n_layers; i++) {
		int err = mount_place_short(&m->layers[i], i, name);

		if (err < 0)
			return errmsg_set(msg, err, "%s: %s",
					  m->layers[i].path, strerror(-err));
		at += snprintf(list + at, sizeof(list) - at, "%s%s", separator,
			       name);
		if (at >= sizeof(list))
			return -E2BIG;
	}
	return mount_context_string(fd, "lowerdir", list, msg);
}

/* upperdir and workdir have to share a mount, so they keep their own paths. */
static int set_upper(int fd, const char *key, const char *path,
		     struct errmsg *msg)
{
	char escaped[2 * MOUNT_VALUE_MAX], *to = escaped;

	for (; *path && to < escaped + MOUNT_VALUE_MAX; path++) {
		if (*path == '\\')
			*to++ = '\\';
		*to++ = *path;
	}
	*to = '\0';
	return mount_context_string(fd, key, escaped, msg);
}

static int set_common(int fd, const struct overlay_mount *m,
		      struct errmsg *msg)
{
	static const char *const verity[] = { NULL, "on", "require" };
	/* The kernel takes no longer one. */
	const char *source = strlen(m->source) < MOUNT_VALUE_MAX ?
				     m->source : MOUNT_ATTACHED_IMAGE;
	int err = mount_context_string(fd, "source", source, msg);

	if (err == 0)
		err = mount_context_string(fd, "metacopy", "on", msg);
	if (err == 0)
		err = mount_context_string(fd, "redirect_dir", "on", msg);
	if (err == 0 && m->verity_check)
		err = mount_context_string(fd, "verity",
					   verity[m->verity_check], msg);
	if (err == 0 && m->upperdir)
		err = set_upper(fd, "upperdir", m->upperdir, msg);
	if (err == 0 && m->workdir)
		err = set_upper(fd, "workdir", m->workdir, msg);
	if (err == 0 && m->read_only)
		err = mount_context_flag(fd, "ro", msg);
	return err;
}

static int mount_in_style(const struct overlay_mount *m,
			  enum overlay_style style, int *ret_mount_fd,
			  struct errmsg *msg)
{
	CLEANUP_CLOSE int fd = -1;
	int err = mount_context_open("overlay", &fd, msg);

	if (err < 0)
		return err;
	switch (style) {
	case OVERLAY_PARAMETERS:
		err = set_layers(fd, m, msg);
		break;
	case OVERLAY_DATA_ONLY:
		err = set_layer_list(fd, m, "::", msg);
		break;
	case OVERLAY_MERGED:
		err = set_layer_list(fd, m, ":", msg);
		break;
	}
	if (err == 0)
		err = set_common(fd, m, msg);
	if (err < 0)
		return err;
	return mount_context_create(fd, m->attributes |
				    (m->read_only ? MOUNT_ATTR_RDONLY : 0),
				    ret_mount_fd, msg);
}

/* The first refusal is the one worth telling: it is about the best style. */
static int mount_in_any_style(const struct overlay_mount *m,
			      enum overlay_style style, int *ret_mount_fd,
			      struct errmsg *msg)
{
	/* Merged layers are not checked against digests. */
	enum overlay_style worst = m->verity_check ? OVERLAY_DATA_ONLY :
						     OVERLAY_MERGED;
	int err = mount_in_style(m, style, ret_mount_fd, msg);
	int first = err;

	while (err == -EINVAL && style < worst)
		err = mount_in_style(m, ++style, ret_mount_fd, NULL);
	return err == 0 ? 0 : first;
}

struct job {
	const struct overlay_mount *mount;
	enum overlay_style style;
};

static int do_job(void *job_arg, int *ret_fd, struct errmsg *msg)
{
	const struct job *job = job_arg;
	char image[IMAGE_NAME_MAX];
	int err;

	name_image(job->mount, image);
	err = mount_place_attach(job->mount->erofs_fd, image);
	if (err < 0)
		return err;
	return mount_in_any_style(job->mount, job->style, ret_fd, msg);
}

int mount_overlay(const struct overlay_mount *m, enum overlay_style style,
		  int *ret_mount_fd, struct errmsg *msg)
{
	struct job job = { .mount = m, .style = style };

	return mount_place_run(m->place, m->layers, m->n_layers, do_job, &job,
			       ret_mount_fd, msg);
}
