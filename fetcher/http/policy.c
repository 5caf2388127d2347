// SPDX-License-Identifier: GPL-2.0-or-later
/* Where a redirect may lead, and what a header line may say. */
#include "fetcher/http/policy.h"

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cache/base/cleanup.h"

static enum http_place place_of_ipv4(uint32_t a)
{
	if (a >> 24 == 127 || a >> 24 == 0)
		return HTTP_PLACE_LOOPBACK;
	if (a >> 16 == 0xa9fe)				/* 169.254/16 */
		return HTTP_PLACE_LINK_LOCAL;
	if (a >> 24 == 10 || a >> 20 == 0xac1 ||	/* 172.16/12 */
	    a >> 16 == 0xc0a8 ||			/* 192.168/16 */
	    a >> 22 == 0x191)				/* 100.64/10 */
		return HTTP_PLACE_PRIVATE;
	/* Multicast, reserved and broadcast are nobody's servers. */
	return a >> 28 >= 14 ? HTTP_PLACE_LOOPBACK : HTTP_PLACE_PUBLIC;
}

static uint32_t last_ipv4(const struct in6_addr *a)
{
	uint32_t address;

	memcpy(&address, a->s6_addr + 12, sizeof(address));
	return ntohl(address);
}

static enum http_place place_of_ipv6(const struct in6_addr *a)
{
	static const uint8_t nat64[12] = { 0x00, 0x64, 0xff, 0x9b };

	if (IN6_IS_ADDR_LOOPBACK(a) || IN6_IS_ADDR_UNSPECIFIED(a))
		return HTTP_PLACE_LOOPBACK;
	if (IN6_IS_ADDR_V4MAPPED(a) || IN6_IS_ADDR_V4COMPAT(a) ||
	    memcmp(a->s6_addr, nat64, sizeof(nat64)) == 0)
		return place_of_ipv4(last_ipv4(a));
	if (IN6_IS_ADDR_LINKLOCAL(a))
		return HTTP_PLACE_LINK_LOCAL;
	if ((a->s6_addr[0] & 0xfe) == 0xfc || IN6_IS_ADDR_SITELOCAL(a))
		return HTTP_PLACE_PRIVATE;
	return IN6_IS_ADDR_MULTICAST(a) ? HTTP_PLACE_LOOPBACK :
					  HTTP_PLACE_PUBLIC;
}

enum http_place http_place(const struct sockaddr *address)
{
	switch (address->sa_family) {
	case AF_INET: {
		struct sockaddr_in in;

		memcpy(&in, address, sizeof(in));
		return place_of_ipv4(ntohl(in.sin_addr.s_addr));
	}
	case AF_INET6: {
		struct sockaddr_in6 in6;

		memcpy(&in6, address, sizeof(in6));
		return place_of_ipv6(&in6.sin6_addr);
	}
	}
	return HTTP_PLACE_LOOPBACK;
}

enum http_place http_place_parse(const char *text)
{
	struct in6_addr in6;
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) == 1)
		return place_of_ipv4(ntohl(in.s_addr));
	if (inet_pton(AF_INET6, text, &in6) == 1)
		return place_of_ipv6(&in6);
	return HTTP_PLACE_LOOPBACK;
}

static void cleanup_url(CURLU **url)
{
	curl_url_cleanup(*url);
}

static void cleanup_curl(char **text)
{
	curl_free(*text);
}

static CURLU *parse(const char *text)
{
	CURLU *url = curl_url();

	if (url && curl_url_set(url, CURLUPART_URL, text,
				CURLU_DISALLOW_USER) != CURLUE_OK) {
		curl_url_cleanup(url);
		url = NULL;
	}
	return url;
}

static bool same_part(CURLU *a, CURLU *b, CURLUPart part)
{
	CLEANUP(cleanup_curl) char *text_a = NULL;
	CLEANUP(cleanup_curl) char *text_b = NULL;

	return curl_url_get(a, part, &text_a, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	       curl_url_get(b, part, &text_b, CURLU_DEFAULT_PORT) == CURLUE_OK &&
	       strcasecmp(text_a, text_b) == 0;
}

bool http_same_origin(const char *a, const char *b)
{
	CLEANUP(cleanup_url) CURLU *url_a = parse(a);
	CLEANUP(cleanup_url) CURLU *url_b = parse(b);

	return url_a && url_b && same_part(url_a, url_b, CURLUPART_SCHEME) &&
	       same_part(url_a, url_b, CURLUPART_HOST) &&
	       same_part(url_a, url_b, CURLUPART_PORT);
}

bool http_header_is_secret(const char *line)
{
	static const char *const words[] = {
		"auth", "cookie", "token", "key", "secret", "password",
		"credential", "session", "signature",
	};
	CLEANUP_FREE char *name = strndup(line, strcspn(line, ":"));

	for (size_t i = 0; name && i < sizeof(words) / sizeof(words[0]); i++)
		if (strcasestr(name, words[i]))
			return true;
	return !name;
}

bool http_is_https(const char *url)
{
	return strncasecmp(url, "https:", 6) == 0;
}

enum http_redirect http_redirect_judge(const char *from, const char *to,
				       unsigned int n_redirects)
{
	CLEANUP(cleanup_url) CURLU *url = parse(to);
	CLEANUP(cleanup_curl) char *scheme = NULL;

	if (n_redirects >= HTTP_REDIRECTS_MAX)
		return HTTP_REDIRECT_TOO_MANY;
	if (!url || curl_url_get(url, CURLUPART_SCHEME, &scheme, 0) != CURLUE_OK)
		return HTTP_REDIRECT_BAD_URL;
	if (strcasecmp(scheme, "https") == 0)
		return HTTP_REDIRECT_OK;
	if (strcasecmp(scheme, "http") != 0)
		return HTTP_REDIRECT_BAD_URL;
	return http_is_https(from) ? HTTP_REDIRECT_DOWNGRADE : HTTP_REDIRECT_OK;
}

static bool is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool http_header_value(const char *line, size_t len, const char *name,
		       const char **ret, size_t *ret_len)
{
	size_t name_len = strlen(name);

	if (len <= name_len || line[name_len] != ':' ||
	    strncasecmp(line, name, name_len) != 0)
		return false;
	line += name_len + 1;
	len -= name_len + 1;
	while (len && is_space(line[0])) {
		line++;
		len--;
	}
	while (len && is_space(line[len - 1]))
		len--;
	*ret = line;
	*ret_len = len;
	return true;
}

/* Take a number off the front of a text. */
static int take_number(const char **text, size_t *len, uint64_t *ret)
{
	uint64_t n = 0;
	size_t digits = 0;

	for (; *len && **text >= '0' && **text <= '9'; digits++) {
		if (n > (INT64_MAX - 9) / 10)
			return -EINVAL;
		n = 10 * n + (**text - '0');
		(*text)++;
		(*len)--;
	}
	if (digits == 0)
		return -EINVAL;
	*ret = n;
	return 0;
}

static bool take_char(const char **text, size_t *len, char c)
{
	if (*len == 0 || **text != c)
		return false;
	(*text)++;
	(*len)--;
	return true;
}

int http_parse_length(const char *text, size_t len, uint64_t *ret)
{
	uint64_t n;

	if (take_number(&text, &len, &n) < 0 || len != 0)
		return -EINVAL;
	*ret = n;
	return 0;
}

/* "bytes FIRST-LAST/TOTAL"; *total stays as it is if that is a star. */
static bool parse_range(const char *text, size_t len, uint64_t *first,
			uint64_t *last, uint64_t *total)
{
	if (len < 6 || strncasecmp(text, "bytes ", 6) != 0)
		return false;
	text += 6;
	len -= 6;
	return take_number(&text, &len, first) == 0 &&
	       take_char(&text, &len, '-') &&
	       take_number(&text, &len, last) == 0 &&
	       take_char(&text, &len, '/') &&
	       (take_char(&text, &len, '*') ||
		take_number(&text, &len, total) == 0) && len == 0;
}

bool http_range_matches(const char *text, size_t len, uint64_t offset,
			uint64_t end, uint64_t size)
{
	uint64_t first, last, total = size;

	return parse_range(text, len, &first, &last, &total) &&
	       first == offset && last + 1 == end && total == size;
}

bool http_range_is_whole(const char *text, size_t len)
{
	uint64_t first, last, total = 0;

	return parse_range(text, len, &first, &last, &total) && first == 0 &&
	       last + 1 == total;
}

bool http_status_refuses_range(long status)
{
	switch (status) {
	case 200:
	case 400:
	case 403:
	case 405:
	case 406:
	case 409:
	case 411:
	case 412:
	case 413:
	case 415:
	case 416:
	case 417:
	case 422:
	case 501:
	case 505:
		return true;
	}
	return false;
}

void http_parse_etag(const char *text, size_t len, char *ret, size_t ret_len)
{
	size_t i;

	ret[0] = '\0';
	if (len >= 2 && text[0] == 'W' && text[1] == '/') {
		text += 2;
		len -= 2;
	}
	if (len < 2 || text[0] != '"' || text[len - 1] != '"')
		return;
	text++;
	len -= 2;
	if (len >= ret_len)
		return;
	for (i = 0; i < len; i++)
		if (text[i] <= ' ' || text[i] > '~' || text[i] == '"')
			return;
	memcpy(ret, text, len);
	ret[len] = '\0';
}
