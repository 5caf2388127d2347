// SPDX-License-Identifier: GPL-2.0-or-later
/* Test cache/mount/source.c. */
#include "cache/mount/source.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "tests/unit/test.h"

#define OBJECT	"00/112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void test_what_is_a_url(void)
{
	CHECK(mount_source_is_url("http://a/images/b"));
	CHECK(mount_source_is_url("https://a/images/b"));
	CHECK(mount_source_is_url("HTTP://a/images/b"));
	CHECK(mount_source_is_url("s3+https://a/images/b"));
	CHECK(mount_source_is_url("ftp://a/images/b"));
	CHECK(!mount_source_is_url("http:/a"));
	CHECK(!mount_source_is_url("./ftp://a/images/b"));
	CHECK(!mount_source_is_url("://a"));
	CHECK(!mount_source_is_url("3+http://a"));
	CHECK(!mount_source_is_url("/srv/http://a"));
	CHECK(!mount_source_is_url("image.cfs"));
}

static void test_a_url_is_a_mirror_and_a_name(void)
{
	static const struct {
		const char *url, *mirror, *name;
	} cases[] = {
		{ "http://a/images/os", "http://a", "os" },
		{ "https://a:8080/images/os.cfs", "https://a:8080", "os.cfs" },
		{ "http://a/b/c/images/os", "http://a/b/c", "os" },
		{ "http://[::1]:80/images/os", "http://[::1]:80", "os" },
		{ "http://a/images/images/os", "http://a/images", "os" },
		{ "http://a/objects/" OBJECT, "http://a", "" },
		{ "HTTP://a/images/os", "HTTP://a", "os" },
		{ "hTTps://a/images/os", "hTTps://a", "os" },
		{ "s3+http://a/b/images/os", "s3+http://a/b", "os" },
		{ "S3+HTTPS://a/b/images/os", "S3+HTTPS://a/b", "os" },
	};
	struct errmsg msg;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mount_source source;

		fprintf(stderr, "  %s\n", cases[i].url);
		CHECK_EQ(mount_source_parse(cases[i].url, &source, &msg), 0);
		CHECK(strcmp(source.mirror, cases[i].mirror) == 0);
		CHECK(strcmp(source.name, cases[i].name) == 0);
		mount_source_free(&source);
	}
}

static void test_other_urls_are_refused(void)
{
	static const char *const cases[] = {
		"http://", "http://a", "http://a/", "http://a/os",
		"http:///images/os", "http://a/images/", "http://a/images/.os",
		"http://a/images/os/", "http://a/images/a/b",
		"http://a/images/os?x", "http://a/images/os#x",
		"http://a/images/%2e", "http://a/objects/00/11",
		("http:///objects/" OBJECT), "ftp://a/images/os",
		"FTP://a/images/os", "file:///images/os", "s3://a/images/os",
		"httpx://a/images/os", "s3+ftp://a/images/os",
		"s3+http+http://a/images/os",
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mount_source source;
		struct errmsg msg = { "" };

		fprintf(stderr, "  %s\n", cases[i]);
		CHECK_EQ(mount_source_parse(cases[i], &source, &msg), -EINVAL);
		CHECK(msg.text[0]);
	}
}

RUN_TESTS(T(test_what_is_a_url), T(test_a_url_is_a_mirror_and_a_name),
	  T(test_other_urls_are_refused))
