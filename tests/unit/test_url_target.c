// SPDX-License-Identifier: GPL-2.0-or-later
/* Test server/url_target.c: the closed list of URLs. */
#include "server/url_target.h"

#include <string.h>

#include "tests/unit/test.h"

#define D62 "23456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define D64 "01" D62

static const struct {
	const char *url;
	enum url_kind kind;
	const char *path;
} known[] = {
	{ "/objects/01/" D62, URL_OBJECT, "objects/01/" D62 },
	{ "/images/debian", URL_IMAGE, "" },
	{ "/images/" D64, URL_IMAGE, "" },
	{ "/images/a.b-c_d", URL_IMAGE, "" },
	{ "/mirror", URL_MIRROR, "mirror" },
	{ "/verity/01/" D62, URL_VERITY, "verity/01/" D62 },
	{ "/zst/01/" D62, URL_ZST, "zst/01/" D62 },
	{ "/profiles/" D64, URL_PROFILE, "profiles/" D64 },
	{ "/profiles/" D64 ".boot", URL_PROFILE, "profiles/" D64 ".boot" },
	{ "/packs/x.pack", URL_PACK, "packs/x.pack" },
	{ "/healthz", URL_HEALTHZ, "" },
	{ "/metrics", URL_METRICS, "" },
};

static const char *const unknown[] = {
	"",
	"/",
	"//",
	"*",
	"objects/01/" D62,
	"/objects",
	"/objects/",
	"/objects/01/",
	"/objects/01/" D62 "/",
	"/objects/01/" D62 "0",
	"/objects/01" D62,
	"/objects//01/" D62,
	"/objects/01//" D62,
	"/objects/0a/" D62 "?",
	"/objects/01/" D62 "?x=y",
	"/objects/01/" D62 "#x",
	"/objects/AB/" D62,
	"/objects/%30%31/" D62,
	"/objects/../objects/01/" D62,
	"/objects/../../../../../../../../../../etc/passwd",
	"/objects/..%2f..%2f..%2fetc/passwd0000000000000000000000000000000000",
	"/Objects/01/" D62,
	"/images/",
	"/images/.",
	"/images/..",
	"/images/.hidden",
	"/images/-x",
	"/images/a/b",
	"/images/a%2e",
	"/images/../mirror",
	"/images/a b",
	"/mirror/",
	"/mirror?",
	"/mirrors",
	"/healthz/",
	"/metrics?x",
	"/verity/01",
	"/zst/" D64,
	"/profiles/",
	"/profiles/x",
	"/profiles/" D64 ".",
	"/profiles/" D64 "..",
	"/profiles/" D64 "./x",
	"/profiles/" D64 "x",
	"/profiles/" D62,
	"/packs/",
	"/packs/../mirror",
	"/packs/..",
	"/quarantine/" D64,
	"/index.html",
};

static int parse(const char *text, size_t len, struct url_target *ret)
{
	char *copy = malloc(len + !len);
	int outcome;

	memcpy(copy, text, len);
	outcome = url_target_parse(copy, len, ret);
	free(copy);
	return outcome;
}

static void test_urls_that_exist(void)
{
	struct url_target target;
	size_t i;

	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		fprintf(stderr, "  %s\n", known[i].url);
		CHECK_EQ(parse(known[i].url, strlen(known[i].url), &target), 0);
		CHECK_EQ(target.kind, known[i].kind);
		CHECK(strcmp(target.path, known[i].path) == 0);
		if (target.kind == URL_IMAGE)
			CHECK(strcmp(target.name, known[i].url + 8) == 0);
	}
}

static void test_everything_else_does_not(void)
{
	struct url_target target;
	size_t i;

	for (i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		fprintf(stderr, "  %s\n", unknown[i]);
		CHECK_EQ(parse(unknown[i], strlen(unknown[i]), &target),
			 URL_TARGET_UNKNOWN);
	}
}

/* One character changed, in every place, to every value. */
static void test_only_digits_make_an_object(void)
{
	char url[] = "/objects/01/" D62;
	struct url_target target;
	size_t i;
	int c;

	for (i = 9; i < sizeof(url) - 1; i++) {
		char was = url[i];

		if (was == '/')
			continue;
		for (c = 0; c < 256; c++) {
			bool is_digit = (c >= '0' && c <= '9') ||
					(c >= 'a' && c <= 'f');

			url[i] = (char)c;
			CHECK_EQ(parse(url, sizeof(url) - 1, &target),
				 is_digit ? 0 : URL_TARGET_UNKNOWN);
		}
		url[i] = was;
	}
}

static void test_a_name_has_a_longest_length(void)
{
	char url[8 + CFS_IMAGE_NAME_MAX + 1];
	struct url_target target;

	memcpy(url, "/images/", 8);
	memset(url + 8, 'a', sizeof(url) - 8);
	CHECK_EQ(parse(url, sizeof(url) - 1, &target), 0);
	CHECK_EQ(parse(url, sizeof(url), &target), URL_TARGET_UNKNOWN);
	url[20] = '\0';
	CHECK_EQ(parse(url, sizeof(url) - 1, &target), URL_TARGET_UNKNOWN);
}

static void test_an_object_can_be_named_by_digest(void)
{
	struct url_target target;
	struct cfs_digest digest;

	CHECK_EQ(cfs_digest_parse(D64, 64, &digest), 0);
	url_target_object(&digest, &target);
	CHECK_EQ(target.kind, URL_OBJECT);
	CHECK(strcmp(target.path, "objects/01/" D62) == 0);
	CHECK(cfs_digest_equal(&target.digest, &digest));
}

RUN_TESTS(T(test_urls_that_exist), T(test_everything_else_does_not),
	  T(test_only_digits_make_an_object),
	  T(test_a_name_has_a_longest_length),
	  T(test_an_object_can_be_named_by_digest))
