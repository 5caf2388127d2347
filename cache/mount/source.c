// SPDX-License-Identifier: GPL-2.0-or-later
/* Taking an image's URL apart. */
#include "cache/mount/source.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IMAGES	"/images/"
#define OBJECTS	"/objects/"

static size_t scheme_len(const char *text)
{
	if (strncmp(text, "http://", 7) == 0)
		return 7;
	if (strncmp(text, "https://", 8) == 0)
		return 8;
	return 0;
}

bool mount_source_is_url(const char *text)
{
	return scheme_len(text) > 0;
}

/* Where the last occurrence starts, or NULL. */
static const char *find_last(const char *text, const char *what)
{
	const char *found = NULL;

	while ((text = strstr(text, what)))
		found = text++;
	return found;
}

int mount_source_parse(const char *url, struct mount_source *ret,
		       struct errmsg *msg)
{
	const char *host = url + scheme_len(url), *base_end, *name;
	struct mount_source source = { .mirror = NULL };

	if (strpbrk(url, "?#"))
		return errmsg_set(msg, -EINVAL,
				  "%s: the URL of an image has no query and no fragment",
				  url);
	if ((base_end = find_last(host, IMAGES))) {
		name = base_end + strlen(IMAGES);
		if (!cfs_image_name_valid(name))
			return errmsg_set(msg, -EINVAL,
					  "%s: '%s' is not an image name",
					  url, name);
		strcpy(source.name, name);
	} else if ((base_end = find_last(host, OBJECTS))) {
		name = base_end + strlen(OBJECTS);
		if (cfs_object_name_parse(name, strlen(name),
					  &source.digest) < 0)
			return errmsg_set(msg, -EINVAL,
					  "%s: '%s' is not an object name",
					  url, name);
	}
	if (!base_end || base_end == host || *host == '/')
		return errmsg_set(msg, -EINVAL,
				  "%s: the URL of an image is http://HOST/images/NAME",
				  url);
	source.mirror = strndup(url, base_end - url);
	if (!source.mirror)
		return -ENOMEM;
	*ret = source;
	return 0;
}

void mount_source_free(struct mount_source *source)
{
	free(source->mirror);
	source->mirror = NULL;
}
