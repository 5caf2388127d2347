// SPDX-License-Identifier: GPL-2.0-or-later
/* What /proc/self/mountinfo says of a mount. */
#include "cache/mount/attached.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "cache/base/cleanup.h"

#define MOUNTINFO	"/proc/self/mountinfo"
#define DATADIR		",datadir+="

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* Of its line: "ID PARENT DEVICE ROOT TARGET OPTIONS [TAG...] - TYPE SOURCE OPTIONS". */
static int split_line(char *line, char *ret[4])
{
	char *fields[6], *rest = strstr(line, " - "), *text = line;
	size_t i;

	if (!rest)
		return -EINVAL;
	*rest = '\0';
	for (i = 0; i < 6; i++)
		fields[i] = strsep(&text, " ");
	rest += strlen(" - ");
	ret[0] = fields[5];
	for (i = 1; i < 4; i++)
		ret[i] = strsep(&rest, " \n");
	return ret[0] && ret[3] ? 0 : -EINVAL;
}

static int find_line(int fd, char **ret)
{
	CLEANUP(close_file) FILE *file = fopen(MOUNTINFO, "re");
	struct statx stx;
	size_t size = 0;

	if (!file)
		return -errno;
	if (statx(fd, "", AT_EMPTY_PATH, STATX_MNT_ID, &stx) < 0)
		return -errno;
	if (!(stx.stx_mask & STATX_MNT_ID))
		return -EOPNOTSUPP;
	while (getline(ret, &size, file) > 0)
		if (strtoull(*ret, NULL, 10) == stx.stx_mnt_id)
			return 0;
	return -ENOENT;
}

/* The digest that stands after @key, if 64 digits do. */
static bool find_digest(const char *options, const char *key,
			struct cfs_digest *ret)
{
	const char *found = strstr(options, key);

	return found && strnlen(found + strlen(key), CFS_DIGEST_HEX_LEN) ==
				CFS_DIGEST_HEX_LEN &&
	       cfs_digest_parse(found + strlen(key), CFS_DIGEST_HEX_LEN,
				ret) == 0;
}

static bool is_overlay_of_image(const char *options)
{
	return strstr(options, ",lowerdir+=" MOUNT_ATTACHED_IMAGE) ||
	       strstr(options, ",lowerdir=" MOUNT_ATTACHED_IMAGE);
}

int mount_attached_find(int fd, const char *path, struct mount_attached *ret,
			struct errmsg *msg)
{
	struct mount_attached attached = { .by = MOUNT_ATTACHED_KERNEL };
	CLEANUP_FREE char *line = NULL;
	char *fields[4] = { NULL };
	int err = find_line(fd, &line);

	if (err == 0)
		err = split_line(line, fields);
	if (err < 0)
		return errmsg_set(msg, err, "%s: what is mounted there can't be told from " MOUNTINFO ": %s",
				  path, strerror(-err));
	if (asprintf(&attached.options, ",%s,%s", fields[0], fields[3]) < 0)
		return -ENOMEM;
	if (strcmp(fields[1], "overlay") == 0 &&
	    is_overlay_of_image(attached.options))
		attached.by = MOUNT_ATTACHED_OVERLAY;
	else if (strcmp(fields[1], "composefs") != 0)
		err = errmsg_set(msg, -EINVAL,
				 "%s: no image is mounted there, but a file system of the type %s",
				 path, fields[1]);
	if (err == 0)
		attached.source = strdup(fields[2]);
	if (err == 0 && !attached.source)
		err = -ENOMEM;
	if (err < 0) {
		mount_attached_free(&attached);
		return err;
	}
	attached.pinned = find_digest(attached.options,
				      attached.by == MOUNT_ATTACHED_KERNEL ?
					      ",digest=" :
					      "=" MOUNT_ATTACHED_IMAGE "-",
				      &attached.digest);
	*ret = attached;
	return 0;
}

int mount_file_system_of(int fd, char **ret_type, char **ret_source)
{
	CLEANUP_FREE char *line = NULL;
	CLEANUP_FREE char *type = NULL;
	CLEANUP_FREE char *source = NULL;
	char *fields[4] = { NULL };
	int err = find_line(fd, &line);

	if (err == 0)
		err = split_line(line, fields);
	if (err < 0)
		return err;
	type = strdup(fields[1]);
	source = strdup(fields[2]);
	if (!type || !source)
		return -ENOMEM;
	*ret_type = take_ptr(type);
	*ret_source = take_ptr(source);
	return 0;
}

bool mount_attached_option(const struct mount_attached *attached,
			   const char *begin)
{
	const char *at = attached->options;

	while ((at = strchr(at, ',')))
		if (strncmp(++at, begin, strlen(begin)) == 0)
			return true;
	return false;
}

/* The kernel writes blanks, commas and others as three octal digits. */
static bool same_path(const char *shown, size_t len, const char *path)
{
	const char *end = shown + len;

	while (shown < end && *path) {
		unsigned char c = *shown;
		unsigned int code;

		if (c == '\\' && end - shown >= 4 &&
		    sscanf(shown + 1, "%3o", &code) == 1) {
			c = code;
			shown += 3;
		}
		if (c != (unsigned char)*path)
			return false;
		shown++;
		path++;
	}
	return shown == end && !*path;
}

bool mount_attached_looks_into(const struct mount_attached *attached,
			       const char *folder)
{
	const char *at = strstr(attached->options, DATADIR);

	if (!at)
		return true;
	for (; at; at = strstr(at, DATADIR)) {
		at += strlen(DATADIR);
		if (same_path(at, strcspn(at, ","), folder) || *at == 'd')
			return true;
	}
	return false;
}

void mount_attached_free(struct mount_attached *attached)
{
	free(attached->source);
	free(attached->options);
	*attached = (struct mount_attached){ .source = NULL };
}
