// SPDX-License-Identifier: GPL-2.0-or-later
/* Taking an image's URL apart. */
#include "cache/mount/source.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define IMAGES	"/images/"
#define OBJECTS	"/objects/"

/* What cfs-fetch can ask; a scheme may be written in capitals. */
static const char *const schemes[] = {
	"http://", "https://", "s3+http://", "s3+https://",
};

/* How long "SCHEME://" is, or 0: the letters and signs are RFC 3986's. */
static size_t scheme_len(const char *text)
{
	size_t len = 0;

	if (!isalpha((unsigned char)text[0]))
		return 0;
	while (isalnum((unsigned char)text[len]) ||
	       (text[len] && strchr("+.-", text[len])))
		len++;
	return strncmp(text + len, "://", 3) == 0 ? len + 3 : 0;
}

bool mount_source_is_url(const char *text)
{
	return scheme_len(text) > 0;
}

static bool is_known(const char *url)
{
	size_t len = scheme_len(url), i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		if (strlen(schemes[i]) == len &&
		    strncasecmp(url, schemes[i], len) == 0)
			return true;
	return false;
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

	if (!is_known(url))
		return errmsg_set(msg, -EINVAL,
				  "%s: images come by http:// or https://, from a private bucket by s3+https://, and not by %.*s; a file of that name is ./%s",
				  url, (int)scheme_len(url), url, url);
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
