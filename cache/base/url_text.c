// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/base/url_text.h"

#include <stdio.h>
#include <string.h>

size_t url_scheme_len(const char *text)
{
	size_t len = strcspn(text, ":/?#");

	return strncmp(text + len, "://", 3) == 0 ? len : 0;
}

bool url_has_user(const char *text)
{
	size_t scheme = url_scheme_len(text);
	const char *host = text + scheme + 3;

	return scheme && memchr(host, '@', strcspn(host, "/?#"));
}

char *url_masked(const char *text)
{
	size_t scheme = url_scheme_len(text), len;
	const char *rest = text + (scheme ? scheme + 3 : 0), *at;
	char *ret;

	/* The last one: whoever forgets to escape may have one in the password. */
	at = strrchr(rest, '@');
	if (at)
		rest = at + 1;
	len = strcspn(rest, "?");
	if (asprintf(&ret, "%.*s%s%.*s%s", (int)(scheme ? scheme + 3 : 0), text,
		     at ? "***@" : "", (int)len, rest,
		     rest[len] ? "?***" : "") < 0)
		return NULL;
	return ret;
}
