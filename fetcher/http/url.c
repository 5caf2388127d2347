// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/http/url.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cache/base/cleanup.h"
#include "cache/base/url_text.h"
#include "fetcher/http/policy.h"

#define DIGITS	"0123456789ABCDEF"

static void cleanup_url(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void cleanup_curl(char **text)
{
	curl_free(*text);
}

/* Does the URL have this part? */
static bool has(CURLU *url, CURLUPart part)
{
	char *text = NULL;
	bool found = curl_url_get(url, part, &text, 0) == CURLUE_OK;

	curl_free(text);
	return found;
}

static bool is_plain(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || strchr("-._~/", c);
}

static int hex_value(char c)
{
	const char *digit = c ? strchr(DIGITS, c >= 'a' && c <= 'f' ?
				       c - 'a' + 'A' : c) : NULL;

	return digit ? (int)(digit - DIGITS) : -1;
}

/* Each byte of the path written in the one way that signatures have. */
static char *canonical_path(const char *path)
{
	char *ret = malloc(3 * strlen(path) + 1), *to = ret;

	if (!ret)
		return NULL;
	while (*path) {
		char c = *path++;

		if (c == '%' && hex_value(path[0]) >= 0 &&
		    hex_value(path[1]) >= 0) {
			c = (char)(hex_value(path[0]) << 4 | hex_value(path[1]));
			path += 2;
		}
		if (c && is_plain(c)) {
			*to++ = c;
		} else {
			*to++ = '%';
			*to++ = DIGITS[(unsigned char)c >> 4];
			*to++ = DIGITS[(unsigned char)c & 15];
		}
	}
	*to = '\0';
	return ret;
}

static char *plain_path(const char *path)
{
	char *ret = malloc(3 * strlen(path) + 1), *to = ret;

	for (; ret && *path; path++) {
		if (*path > ' ' && *path <= '~') {
			*to++ = *path;
		} else {
			*to++ = '%';
			*to++ = DIGITS[(unsigned char)*path >> 4];
			*to++ = DIGITS[(unsigned char)*path & 15];
		}
	}
	if (ret)
		*to = '\0';
	return ret;
}

/* Why a text is no URL that a mirror can have. */
static const char *fault_of(CURLU *url, CURLUcode code)
{
	switch (code) {
	case CURLUE_OK:
		break;
	case CURLUE_BAD_PORT_NUMBER:
		return "the port is not a number from 1 to 65535";
	case CURLUE_UNSUPPORTED_SCHEME:
	case CURLUE_BAD_SCHEME:
		return "not http or https";
	case CURLUE_NO_HOST:
		return "the host is missing";
	default:
		return "not a URL such as http://host/path";
	}
	if (has(url, CURLUPART_USER) || has(url, CURLUPART_PASSWORD))
		return "a user or password in a URL can be read by everybody; see token-file, header-file and s3-credentials";
	if (has(url, CURLUPART_QUERY))
		return "a mirror's URL has no query (?)";
	if (has(url, CURLUPART_FRAGMENT))
		return "a mirror's URL has no fragment (#)";
	return NULL;
}

static bool is_scheme(const char *text, const char *scheme)
{
	size_t len = url_scheme_len(text);

	return len == strlen(scheme) && strncasecmp(text, scheme, len) == 0;
}

static int put_together(CURLU *url, bool canonical, char **ret)
{
	CLEANUP(cleanup_curl) char *path = NULL;
	CLEANUP(cleanup_curl) char *whole = NULL;
	CLEANUP_FREE char *written = NULL;
	size_t len;

	if (curl_url_get(url, CURLUPART_PATH, &path, 0) != CURLUE_OK)
		return -ENOMEM;
	written = canonical ? canonical_path(path) : plain_path(path);
	/* Without the path: it would be written in another way. */
	if (!written || curl_url_set(url, CURLUPART_PATH, NULL, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_URL, &whole, 0) != CURLUE_OK)
		return -ENOMEM;
	len = strlen(whole);
	while (len && whole[len - 1] == '/')
		len--;
	if (asprintf(ret, "%.*s%s", (int)len, whole, written) < 0)
		return -ENOMEM;
	len = strlen(*ret);
	while ((*ret)[len - 1] == '/')
		(*ret)[--len] = '\0';
	return 0;
}

int http_url_base(const char *text, bool canonical, char **ret,
		  const char **ret_why)
{
	CLEANUP(cleanup_url) CURLU *url = curl_url();
	CLEANUP(cleanup_curl) char *port = NULL;
	CURLUcode code;

	if (!url)
		return -ENOMEM;
	if (!url_scheme_len(text)) {
		*ret_why = "it does not begin with http:// or https://";
		return -EINVAL;
	}
	if (!is_scheme(text, "http") && !is_scheme(text, "https")) {
		*ret_why = "not http or https";
		return -EINVAL;
	}
	/* libcurl would pass over one slash too many. */
	if (text[url_scheme_len(text) + 3] == '/') {
		*ret_why = "the host is missing";
		return -EINVAL;
	}
	code = curl_url_set(url, CURLUPART_URL, text, CURLU_ALLOW_SPACE);
	if (code == CURLUE_OUT_OF_MEMORY)
		return -ENOMEM;
	*ret_why = fault_of(url, code);
	if (!*ret_why && curl_url_get(url, CURLUPART_PORT, &port, 0) == CURLUE_OK &&
	    strcmp(port, "0") == 0)
		*ret_why = fault_of(url, CURLUE_BAD_PORT_NUMBER);
	return *ret_why ? -EINVAL : put_together(url, canonical, ret);
}

int http_url_proxy(const char *text, const char **ret_why)
{
	static const char *const schemes[] = {
		"http", "https", "socks4", "socks4a", "socks5", "socks5h",
	};
	CLEANUP(cleanup_url) CURLU *url = curl_url();
	bool known = !url_scheme_len(text);
	CURLUcode code;

	if (!url)
		return -ENOMEM;
	for (size_t i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++)
		known = known || is_scheme(text, schemes[i]);
	*ret_why = NULL;
	if (!known)
		*ret_why = "a proxy is http, https, socks4, socks4a, socks5 or socks5h";
	code = curl_url_set(url, CURLUPART_URL, text,
			    CURLU_NON_SUPPORT_SCHEME | CURLU_DEFAULT_SCHEME);
	if (code == CURLUE_OUT_OF_MEMORY)
		return -ENOMEM;
	if (!*ret_why && code == CURLUE_BAD_PORT_NUMBER)
		*ret_why = fault_of(url, code);
	else if (!*ret_why && code != CURLUE_OK)
		*ret_why = "not a URL such as http://host:3128";
	return *ret_why ? -EINVAL : 0;
}

bool http_url_is_loopback(const char *text)
{
	CLEANUP(cleanup_url) CURLU *url = curl_url();
	CLEANUP(cleanup_curl) char *host = NULL;
	struct in6_addr in6;
	struct in_addr in;
	size_t len;

	if (!url || curl_url_set(url, CURLUPART_URL, text, 0) != CURLUE_OK ||
	    curl_url_get(url, CURLUPART_HOST, &host, 0) != CURLUE_OK)
		return false;
	len = strlen(host);
	if (host[0] == '[' && host[len - 1] == ']') {
		host[len - 1] = '\0';
		return inet_pton(AF_INET6, host + 1, &in6) == 1 &&
		       http_place_parse(host + 1) == HTTP_PLACE_LOOPBACK;
	}
	if (inet_pton(AF_INET, host, &in) == 1)
		return http_place_parse(host) == HTTP_PLACE_LOOPBACK;
	return strcasecmp(host, "localhost") == 0;
}
