// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/url_text.h"
#include "fetcher/http/config.h"
#include "fetcher/http/policy.h"
#include "fetcher/http/url.h"
#include "tests/unit/test.h"

/* Every spelling of an address that is not public. */
static void test_places(void)
{
	static const struct {
		const char *address;
		enum http_place place;
	} cases[] = {
		{ "93.184.216.34", HTTP_PLACE_PUBLIC },
		{ "2606:2800:220:1::1", HTTP_PLACE_PUBLIC },
		{ "172.15.255.255", HTTP_PLACE_PUBLIC },
		{ "172.32.0.0", HTTP_PLACE_PUBLIC },
		{ "100.63.255.255", HTTP_PLACE_PUBLIC },
		{ "127.0.0.1", HTTP_PLACE_LOOPBACK },
		{ "127.255.255.255", HTTP_PLACE_LOOPBACK },
		{ "0.0.0.0", HTTP_PLACE_LOOPBACK },
		{ "0.1.2.3", HTTP_PLACE_LOOPBACK },
		{ "::1", HTTP_PLACE_LOOPBACK },
		{ "::", HTTP_PLACE_LOOPBACK },
		{ "::ffff:127.0.0.1", HTTP_PLACE_LOOPBACK },
		{ "::127.0.0.1", HTTP_PLACE_LOOPBACK },
		{ "64:ff9b::7f00:1", HTTP_PLACE_LOOPBACK },
		{ "169.254.169.254", HTTP_PLACE_LINK_LOCAL },
		{ "fe80::1", HTTP_PLACE_LINK_LOCAL },
		{ "::ffff:169.254.169.254", HTTP_PLACE_LINK_LOCAL },
		{ "10.255.0.1", HTTP_PLACE_PRIVATE },
		{ "172.16.0.1", HTTP_PLACE_PRIVATE },
		{ "172.31.255.255", HTTP_PLACE_PRIVATE },
		{ "192.168.1.1", HTTP_PLACE_PRIVATE },
		{ "100.64.0.1", HTTP_PLACE_PRIVATE },
		{ "fd00::1", HTTP_PLACE_PRIVATE },
		{ "fec0::1", HTTP_PLACE_PRIVATE },
		{ "224.0.0.1", HTTP_PLACE_LOOPBACK },
		{ "255.255.255.255", HTTP_PLACE_LOOPBACK },
		{ "ff02::1", HTTP_PLACE_LOOPBACK },
		{ "what", HTTP_PLACE_LOOPBACK },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fprintf(stderr, "  %s\n", cases[i].address);
		CHECK_EQ(http_place_parse(cases[i].address), cases[i].place);
	}
}

static void test_redirects(void)
{
	static const struct {
		const char *from, *to;
		unsigned int n;
		enum http_redirect judged;
	} cases[] = {
		{ "http://a/x", "http://b/y", 0, HTTP_REDIRECT_OK },
		{ "http://a/x", "https://b/y", 2, HTTP_REDIRECT_OK },
		{ "https://a/x", "https://b/y", 0, HTTP_REDIRECT_OK },
		{ "https://a/x", "http://a/x", 0, HTTP_REDIRECT_DOWNGRADE },
		{ "HTTPS://a/x", "HTTP://a/x", 0, HTTP_REDIRECT_DOWNGRADE },
		{ "http://a/x", "http://b/y", 3, HTTP_REDIRECT_TOO_MANY },
		{ "http://a/x", "ftp://b/y", 0, HTTP_REDIRECT_BAD_URL },
		{ "http://a/x", "file:///etc/shadow", 0, HTTP_REDIRECT_BAD_URL },
		{ "http://a/x", "gopher://b/", 0, HTTP_REDIRECT_BAD_URL },
		{ "http://a/x", "http://me@b/", 0, HTTP_REDIRECT_BAD_URL },
		{ "http://a/x", "//", 0, HTTP_REDIRECT_BAD_URL },
		{ "http://a/x", "", 0, HTTP_REDIRECT_BAD_URL },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fprintf(stderr, "  %s -> %s\n", cases[i].from, cases[i].to);
		CHECK_EQ(http_redirect_judge(cases[i].from, cases[i].to,
					     cases[i].n), cases[i].judged);
	}
}

static void test_same_origin(void)
{
	CHECK(http_same_origin("http://a/x", "http://a:80/y"));
	CHECK(http_same_origin("https://A/x", "https://a:443/y"));
	CHECK(!http_same_origin("http://a/x", "https://a/x"));
	CHECK(!http_same_origin("http://a/x", "http://a:81/x"));
	CHECK(!http_same_origin("http://a/x", "http://b/x"));
	CHECK(!http_same_origin("http://a/x", "nonsense://a/x"));
}

static void test_lengths(void)
{
	static const struct {
		const char *text;
		int err;
		uint64_t length;
	} cases[] = {
		{ "0", 0, 0 }, { "10", 0, 10 }, { "010", 0, 10 },
		{ "4611686018427387904", 0, (uint64_t)1 << 62 },
		{ "18446744073709551616", -EINVAL, 0 },
		{ "99999999999999999999999999", -EINVAL, 0 },
		{ "-1", -EINVAL, 0 }, { "+1", -EINVAL, 0 },
		{ "", -EINVAL, 0 }, { "1 2", -EINVAL, 0 },
		{ "1,1", -EINVAL, 0 }, { "0x10", -EINVAL, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint64_t length = 0;

		fprintf(stderr, "  '%s'\n", cases[i].text);
		CHECK_EQ(http_parse_length(cases[i].text, strlen(cases[i].text),
					   &length), cases[i].err);
		CHECK_EQ(length, cases[i].length);
	}
}

static bool range(const char *text)
{
	return http_range_matches(text, strlen(text), 4, 10, 10);
}

static void test_ranges(void)
{
	CHECK(range("bytes 4-9/10"));
	CHECK(range("Bytes 4-9/*"));
	CHECK(!range("bytes 4-9/11"));
	CHECK(!range("bytes 3-9/10"));
	CHECK(!range("bytes 4-8/10"));
	CHECK(!range("bytes */10"));
	CHECK(!range("bytes 4-9"));
	CHECK(http_range_matches("bytes 4-7/10", 12, 4, 8, 10));
	CHECK(http_range_matches("bytes 0-7/*", 11, 0, 8, 10));
	CHECK(!http_range_matches("bytes 4-9/10", 12, 4, 8, 10));
	CHECK(!http_range_matches("bytes 4-7/8", 11, 4, 8, 10));
	CHECK(!range("bytes 4-9/10 "));
	CHECK(!range("bytes 4-9/"));
	CHECK(!range("chunks 4-9/10"));
	CHECK(!range("bytes"));
	CHECK(!range(""));
}

static void etag(const char *text, const char *want)
{
	char ret[8];

	http_parse_etag(text, strlen(text), ret, sizeof(ret));
	CHECK(strcmp(ret, want) == 0);
}


static void test_whole_ranges(void)
{
	static const struct {
		const char *text;
		bool whole;
	} cases[] = {
		{ "bytes 0-9/10", true },   { "bytes 0-0/1", true },
		{ "bytes 0-8/10", false },  { "bytes 1-9/10", false },
		{ "bytes 0-9/*", false },   { "bytes 0-10/10", false },
		{ "bytes 0-9", false },	    { "", false },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_EQ(http_range_is_whole(cases[i].text,
					     strlen(cases[i].text)),
			 cases[i].whole);
}

static void test_statuses_that_refuse_a_range(void)
{
	static const long yes[] = { 200, 400, 403, 405, 416, 501 };
	static const long no[] = { 206, 302, 304, 401, 404, 407, 410, 429, 500,
				   502, 503, 504 };

	for (size_t i = 0; i < sizeof(yes) / sizeof(yes[0]); i++)
		CHECK(http_status_refuses_range(yes[i]));
	for (size_t i = 0; i < sizeof(no) / sizeof(no[0]); i++)
		CHECK(!http_status_refuses_range(no[i]));
}

static void test_etags(void)
{
	etag("\"abc\"", "abc");
	etag("W/\"abc\"", "abc");
	etag("\"1234567\"", "1234567");
	etag("\"12345678\"", "");
	etag("abc", "");
	etag("\"a b\"", "");
	etag("\"a\tb\"", "");
	etag("\"a\"b\"", "");
	etag("\"", "");
	etag("", "");
	etag("W/", "");
}

static void test_header_lines(void)
{
	const char *value;
	size_t len;

#define LINE(text)	text, sizeof(text) - 1
	CHECK(http_header_value(LINE("ETag:  x y \r\n"), "etag", &value, &len));
	CHECK(len == 3 && memcmp(value, "x y", 3) == 0);
	CHECK(http_header_value(LINE("etag:\r\n"), "etag", &value, &len));
	CHECK_EQ(len, 0);
	CHECK(!http_header_value(LINE("etagx: 1\r\n"), "etag", &value, &len));
	CHECK(!http_header_value(LINE("etag"), "etag", &value, &len));
	CHECK(!http_header_value(LINE("x-etag: 1"), "etag", &value, &len));
#undef LINE
}

/* What an administrator may have mistyped is refused at once. */
static void test_mirror_urls(void)
{
	static const struct {
		const char *url;
		int err;
		const char *kept;
	} cases[] = {
		{ "http://a", 0, "http://a" },
		{ "https://a:8443/pool//", 0, "https://a:8443/pool" },
		{ "http://[::1]:80/", 0, "http://[::1]:80" },
		{ "HTTP://A/Pool", 0, "http://A/Pool" },
		{ "hTTps://a/x/", 0, "https://a/x" },
		{ "S3+HTTP://a/x/", 0, "http://a/x" },
		{ "http://a:80", 0, "http://a:80" },
		{ "http://[fe80::1%25lo]:8080/x", 0, "http://[fe80::1%25lo]:8080/x" },
		{ "http://a/x y", 0, "http://a/x%20y" },
		{ "http://a/x+y=z,%2B%3d", 0, "http://a/x+y=z,%2B%3d" },
		{ "http://a/k\xc3\xa4se", 0, "http://a/k%C3%A4se" },
		{ "http://a/x/../y/./z", 0, "http://a/y/z" },
		{ "s3+http://a/x+y=z:@!$&'()*;,/", 0,
		  "http://a/x%2By%3Dz%3A%40%21%24%26%27%28%29%2A%3B%2C" },
		{ "s3+http://a/%7e%2b%2B%25%3Dx y", 0,
		  "http://a/~%2B%2B%25%3Dx%20y" },
		{ "s3+http://a/100%", 0, "http://a/100%25" },
		{ "s3+http://a/k\xc3\xa4se~-._", 0, "http://a/k%C3%A4se~-._" },
		{ "a", -EINVAL, NULL },
		{ "/srv/store", -EINVAL, NULL },
		{ "127.0.0.1:80/x", -EINVAL, NULL },
		{ "localhost:80", -EINVAL, NULL },
		{ "ftp://a", -EINVAL, NULL },
		{ "file:///x", -EINVAL, NULL },
		{ "s3://bucket", -EINVAL, NULL },
		{ "s3+ftp://a", -EINVAL, NULL },
		{ "http:/a", -EINVAL, NULL },
		{ "http://", -EINVAL, NULL },
		{ "http:///x", -EINVAL, NULL },
		{ "http://[", -EINVAL, NULL },
		{ "http://[::1", -EINVAL, NULL },
		{ "http://a:0", -EINVAL, NULL },
		{ "http://a:65536", -EINVAL, NULL },
		{ "http://a:99999/", -EINVAL, NULL },
		{ "http://a:x/", -EINVAL, NULL },
		{ "http://a:-1/", -EINVAL, NULL },
		{ " http://a", -EINVAL, NULL },
		{ "http://u@a", -EINVAL, NULL },
		{ "http://u:p@a", -EINVAL, NULL },
		{ "http://a?x=1", -EINVAL, NULL },
		{ "http://a#x", -EINVAL, NULL },
		{ "http://a b", -EINVAL, NULL },
		{ "", -EINVAL, NULL },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct fetch_config config;

		fprintf(stderr, "  '%s'\n", cases[i].url);
		fetch_config_init(&config);
		CHECK_EQ(fetch_config_add_mirror(&config, cases[i].url),
			 cases[i].err);
		CHECK_EQ(fetch_config_mirror_fault(cases[i].url) != NULL,
			 cases[i].err != 0);
		if (cases[i].kept)
			CHECK(strcmp(config.mirrors[0], cases[i].kept) == 0);
		fetch_config_free(&config);
	}
}

/* No message shows a password. */
static void test_masked_urls(void)
{
	static const struct {
		const char *url, *shown;
	} cases[] = {
		{ "http://a/x", "http://a/x" },
		{ "http://u:p@a/x", "http://***@a/x" },
		{ "http://u@a", "http://***@a" },
		{ "http://u:p/q@r@a:1/x", "http://***@a:1/x" },
		{ "u:p@a", "***@a" },
		{ "http://a/x?sig=1", "http://a/x?***" },
		{ "socks5h://u:p@a:1080", "socks5h://***@a:1080" },
		{ "nonsense", "nonsense" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char *shown = url_masked(cases[i].url);

		fprintf(stderr, "  '%s'\n", cases[i].url);
		CHECK(shown && strcmp(shown, cases[i].shown) == 0);
		free(shown);
	}
}

static void test_loopback(void)
{
	CHECK(http_url_is_loopback("http://localhost:80/x"));
	CHECK(http_url_is_loopback("http://LOCALHOST"));
	CHECK(http_url_is_loopback("http://127.1.2.3/x"));
	CHECK(http_url_is_loopback("http://[::1]:8080/"));
	CHECK(!http_url_is_loopback("http://localhost.example/"));
	CHECK(!http_url_is_loopback("http://127.0.0.1.example/"));
	CHECK(!http_url_is_loopback("http://10.0.0.1/"));
	CHECK(!http_url_is_loopback("http://[fe80::1]/"));
	CHECK(!http_url_is_loopback("nonsense"));
}

static void test_proxy_urls(void)
{
	static const struct {
		const char *url;
		int err;
	} cases[] = {
		{ "http://a:3128", 0 },	 { "a:3128", 0 },
		{ "HTTPS://a", 0 },	 { "socks5h://u:p%40@a:1080", 0 },
		{ "socks4://a", 0 },	 { "ftp://a", -EINVAL },
		{ "http://a:99999", -EINVAL }, { "http://", -EINVAL },
		{ "", -EINVAL },
	};
	const char *why;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fprintf(stderr, "  '%s'\n", cases[i].url);
		CHECK_EQ(http_url_proxy(cases[i].url, &why), cases[i].err);
	}
}

static void test_secret_headers(void)
{
	static const char *const secret[] = {
		"Authorization: Bearer x", "authorization:x", "Cookie: a=b",
		"X-Api-Key: x", "X-Auth-Token: x", "PRIVATE-TOKEN: x",
		"X-Amz-Security-Token: x", "Proxy-Authorization: x",
	};
	static const char *const open[] = {
		"X-Forwarded-For: key", "Accept: token", "X-Site: a:cookie",
	};

	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++)
		CHECK(http_header_is_secret(secret[i]));
	for (size_t i = 0; i < sizeof(open) / sizeof(open[0]); i++)
		CHECK(!http_header_is_secret(open[i]));
}

/* To whom a secret may go. */
static void test_private_mirrors(void)
{
	struct fetch_config config;

	fetch_config_init(&config);
	CHECK(fetch_config_is_private(&config, "https://a/x"));
	CHECK(fetch_config_is_private(&config, "http://127.0.0.1:80/x"));
	CHECK(!fetch_config_is_private(&config, "http://a/x"));
	config.proxy = strdup("http://proxy");
	CHECK(fetch_config_is_private(&config, "https://a/x"));
	CHECK(!fetch_config_is_private(&config, "http://127.0.0.1:80/x"));
	config.secrets_in_clear = true;
	CHECK(fetch_config_is_private(&config, "http://a/x"));
	fetch_config_free(&config);
}

struct header_file {
	const char *name, *text;
	int err;
	size_t n;
};

static int read_headers(const struct header_file *file,
			struct fetch_config *config)
{
	char path[] = "/tmp/test_http_policy.XXXXXX";
	FILE *f = fdopen(mkstemp(path), "w");
	int err;

	CHECK(f);
	CHECK(fputs(file->text, f) >= 0);
	CHECK_EQ(fclose(f), 0);
	err = fetch_config_add_header_file(config, path);
	remove(path);
	return err;
}

/* A header file may hold headers, and nothing that would become two of them. */
static void test_header_files(void)
{
	static const struct header_file files[] = {
		{ "empty", "", 0, 0 },
		{ "one", "Authorization: Bearer x\n", 0, 1 },
		{ "no newline at the end", "A: b", 0, 1 },
		{ "comments and empty lines", "# x\n\nA: b\n\n#y\nC: d\n", 0, 2 },
		{ "DOS line ends", "A: b\r\nC: d\r\n", 0, 2 },
		{ "no colon", "A b\n", -EINVAL, 0 },
		{ "no name", ": b\n", -EINVAL, 0 },
		{ "space in the name", "A b: c\n", -EINVAL, 0 },
		{ "a CR inside", "A: b\rC: d\n", -EINVAL, 0 },
	};
	size_t i;

	for (i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		struct fetch_config config;

		fprintf(stderr, "  %s\n", files[i].name);
		fetch_config_init(&config);
		CHECK_EQ(read_headers(&files[i], &config), files[i].err);
		CHECK_EQ(config.n_headers, files[i].n);
		fetch_config_free(&config);
	}
}

RUN_TESTS(T(test_places), T(test_redirects), T(test_same_origin),
	  T(test_lengths), T(test_ranges), T(test_whole_ranges),
	  T(test_statuses_that_refuse_a_range), T(test_etags), T(test_header_lines),
	  T(test_mirror_urls), T(test_masked_urls), T(test_loopback),
	  T(test_proxy_urls), T(test_secret_headers), T(test_private_mirrors),
	  T(test_header_files))
