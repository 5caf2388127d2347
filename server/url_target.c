// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Recognise the URLs that exist.
 */
#include "server/url_target.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Step over @prefix if @text starts with it. */
static bool skip(const char **text, size_t *len, const char *prefix)
{
	size_t n = strlen(prefix);

	if (*len < n || memcmp(*text, prefix, n) != 0)
		return false;
	*text += n;
	*len -= n;
	return true;
}

/* Copy a whole name out; false if it is not one. */
static bool take_name(const char *text, size_t len,
		      char ret[CFS_IMAGE_NAME_MAX + 1])
{
	if (len == 0 || len > CFS_IMAGE_NAME_MAX || memchr(text, '\0', len))
		return false;
	memcpy(ret, text, len);
	ret[len] = '\0';
	return cfs_image_name_valid(ret);
}

/* "aa/<62 hex>" in a folder of such names. */
static bool take_object(struct url_target *ret, enum url_kind kind,
			const char *folder, const char *text, size_t len)
{
	char name[CFS_OBJECT_NAME_LEN + 1];

	if (cfs_object_name_parse(text, len, &ret->digest))
		return false;
	cfs_object_name_format(&ret->digest, name);
	snprintf(ret->path, sizeof(ret->path), "%s/%s", folder, name);
	ret->kind = kind;
	return true;
}

/* "<64 hex>" or "<64 hex>.NAME" */
static bool take_profile(struct url_target *ret, const char *text, size_t len)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];
	char name[CFS_IMAGE_NAME_MAX + 1] = "";
	size_t hex_len = CFS_DIGEST_HEX_LEN;

	if (len < hex_len || cfs_digest_parse(text, hex_len, &ret->digest))
		return false;
	if (len > hex_len && (text[hex_len] != '.' ||
			      !take_name(text + hex_len + 1, len - hex_len - 1,
					 name)))
		return false;
	cfs_digest_format(&ret->digest, hex);
	snprintf(ret->path, sizeof(ret->path), "profiles/%s%s%s", hex,
		 name[0] ? "." : "", name);
	ret->kind = URL_PROFILE;
	return true;
}

static bool take_pack(struct url_target *ret, const char *text, size_t len)
{
	char name[CFS_IMAGE_NAME_MAX + 1];

	if (!take_name(text, len, name))
		return false;
	snprintf(ret->path, sizeof(ret->path), "packs/%s", name);
	ret->kind = URL_PACK;
	return true;
}

static bool is_whole(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

int url_target_parse(const char *text, size_t len, struct url_target *ret)
{
	bool known;

	ret->path[0] = '\0';
	if (skip(&text, &len, "/objects/")) {
		known = take_object(ret, URL_OBJECT, "objects", text, len);
	} else if (skip(&text, &len, "/images/")) {
		ret->kind = URL_IMAGE;
		known = take_name(text, len, ret->name);
	} else if (skip(&text, &len, "/verity/")) {
		known = take_object(ret, URL_VERITY, "verity", text, len);
	} else if (skip(&text, &len, "/zst/")) {
		known = take_object(ret, URL_ZST, "zst", text, len);
	} else if (skip(&text, &len, "/profiles/")) {
		known = take_profile(ret, text, len);
	} else if (skip(&text, &len, "/packs/")) {
		known = take_pack(ret, text, len);
	} else if (is_whole(text, len, "/mirror")) {
		ret->kind = URL_MIRROR;
		strcpy(ret->path, "mirror");
		known = true;
	} else if (is_whole(text, len, "/healthz")) {
		ret->kind = URL_HEALTHZ;
		known = true;
	} else if (is_whole(text, len, "/metrics")) {
		ret->kind = URL_METRICS;
		known = true;
	} else {
		known = false;
	}
	return known ? 0 : URL_TARGET_UNKNOWN;
}

void url_target_object(const struct cfs_digest *digest, struct url_target *ret)
{
	char name[CFS_OBJECT_NAME_LEN + 1];

	cfs_object_name_format(digest, name);
	snprintf(ret->path, sizeof(ret->path), "objects/%s", name);
	ret->digest = *digest;
	ret->kind = URL_OBJECT;
}
