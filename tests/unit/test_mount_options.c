// SPDX-License-Identifier: GPL-2.0-or-later
/* Test cache/mount/options.c. */
#include "cache/mount/options.h"

#include <errno.h>
#include <string.h>
#include <sys/mount.h>

#include "tests/unit/test.h"

#define HEX	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static int parse(struct mount_options *options, const char *text)
{
	struct errmsg msg = { "" };
	int err;

	mount_options_init(options);
	err = mount_options_parse(options, text, false, &msg);
	/* Whatever is refused is explained. */
	CHECK(err == 0 || msg.text[0]);
	return err;
}

static void test_basedirs_are_split_at_colons(void)
{
	struct mount_options options;

	CHECK_EQ(parse(&options, "basedir=/a:/b c:d"), 0);
	CHECK_EQ(options.n_basedirs, 3);
	CHECK(strcmp(options.basedirs[1], "/b c") == 0);
	CHECK(strcmp(options.basedirs[2], "d") == 0);
	mount_options_free(&options);
}

static void test_a_backslash_makes_a_comma_part_of_a_value(void)
{
	struct mount_options options;

	CHECK_EQ(parse(&options, "upperdir=/a\\,b\\\\c,workdir=/w\\"), 0);
	CHECK(strcmp(options.upperdir, "/a,b\\c") == 0);
	CHECK(strcmp(options.workdir, "/w\\") == 0);
	mount_options_free(&options);
}

static void test_a_sealed_image_needs_a_digest(void)
{
	struct mount_options options;

	CHECK_EQ(parse(&options, "image_verity"), -EINVAL);
	mount_options_free(&options);
	CHECK_EQ(parse(&options, "image_verity,verity_check=0,digest=" HEX), 0);
	CHECK(options.image_verity && options.verity_check == 0);
	mount_options_free(&options);
}

/* What the options come to does not depend on their order. */
static void test_how_much_is_checked(void)
{
	static const struct {
		const char *text;
		unsigned int verity_check;
		bool try_verity;
	} cases[] = {
		{ "", 0, false },
		{ "digest=" HEX, 2, false },
		{ "digest=" HEX ",verity_check=0", 0, false },
		{ "verity_check=0,digest=" HEX, 0, false },
		{ "verity_check=1,digest=" HEX, 1, false },
		{ "verity", 2, false },
		{ "verity,verity_check=2", 2, false },
		{ "tryverity", 2, true },
		{ "tryverity,verity", 2, false },
		{ "verity,tryverity", 2, false },
		{ "tryverity,digest=" HEX, 2, true },
		{ "verity_check=1", 1, false },
		{ "tryverity,verity_check=1", 1, false },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mount_options options;

		fprintf(stderr, "  %s\n", cases[i].text);
		CHECK_EQ(parse(&options, cases[i].text), 0);
		CHECK_EQ(options.verity_check, cases[i].verity_check);
		CHECK_EQ(options.try_verity, cases[i].try_verity);
		mount_options_free(&options);
	}
}

static void test_what_is_refused(void)
{
	static const char *const cases[] = {
		"noverity", "signed", "basedir", "basedir=", "basedir=/a:",
		"basedir=:/a", "basedir=/a::/b", "basedir=/a,basedir=/b",
		"digest", "digest=", "digest=abc", "digest=" HEX "0",
		"digest=" HEX ",digest=" HEX,
		"digest=00112233445566778899AABBCCDDEEFF00112233445566778899aabbccddeeff",
		"verity_check=", "verity_check=3", "verity_check=-1",
		"verity_check=00", "verity_check=1,verity_check=1",
		"verity,verity_check=1", "verity=1", "upperdir=/a", "workdir=/a",
		"upperdir=,workdir=/a", "ro=1", "backend=", "backend=fuse",
		"backend=overlay,backend=kernel", "store=/a,basedir=/b",
		"store=/a,store=/a", "store=", "mirror=", "idmap=",
		"backend=kernel,upperdir=/a,workdir=/b", "basedir=/a, ro",
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mount_options options;

		fprintf(stderr, "  %s\n", cases[i]);
		CHECK_EQ(parse(&options, cases[i]), -EINVAL);
		mount_options_free(&options);
	}
}

/* Split at commas, then at colons: what is escaped is part of a name. */
static void test_names_with_what_splits(void)
{
	struct mount_options options;

	CHECK_EQ(parse(&options, "basedir=/a\\:b:/c\\,d:/e\\\\:/f\\\\\\:g,log=/h\\,i:j"), 0);
	CHECK_EQ(options.n_basedirs, 4);
	CHECK(strcmp(options.basedirs[0], "/a:b") == 0);
	CHECK(strcmp(options.basedirs[1], "/c,d") == 0);
	CHECK(strcmp(options.basedirs[2], "/e\\") == 0);
	CHECK(strcmp(options.basedirs[3], "/f\\:g") == 0);
	CHECK(strcmp(options.log, "/h,i:j") == 0);
	mount_options_free(&options);
}

/* mount(8) puts what is in force in front of what was asked for. */
static void test_of_a_remount_the_last_counts(void)
{
	struct mount_options options;

	CHECK_EQ(parse(&options, "ro,basedir=/a:m1,digest=" HEX ",verity_check=2,remount,basedir=/b,digest=" HEX), 0);
	CHECK(options.remount);
	CHECK_EQ(options.n_basedirs, 1);
	CHECK(strcmp(options.basedirs[0], "/b") == 0);
	mount_options_free(&options);
	CHECK_EQ(parse(&options, "ro,basedir=/a:m1,remount,store=/s,mirror=http://a"), 0);
	CHECK_EQ(options.n_basedirs, 0);
	mount_options_free(&options);
}

static void test_lists_are_bounded(void)
{
	char text[64 * MOUNT_BASEDIRS_MAX] = "basedir=/a";
	struct mount_options options;
	int i;

	for (i = 1; i < MOUNT_BASEDIRS_MAX; i++)
		strcat(text, ":/a");
	CHECK_EQ(parse(&options, text), 0);
	CHECK_EQ(options.n_basedirs, MOUNT_BASEDIRS_MAX);
	mount_options_free(&options);
	strcat(text, ":/a");
	CHECK_EQ(parse(&options, text), -EINVAL);
	mount_options_free(&options);

	text[0] = '\0';
	for (i = 0; i <= MOUNT_MIRRORS_MAX; i++)
		strcat(text, "mirror=http://a,");
	CHECK_EQ(parse(&options, text), -EINVAL);
	mount_options_free(&options);
}

static void test_what_is_for_mount_and_fstab_is_passed_over(void)
{
	struct mount_options options;

	CHECK_EQ(parse(&options, "defaults,,_netdev,nofail,x-systemd.requires=a,comment=b,user,ro"),
		 0);
	CHECK(options.read_only);
	CHECK_EQ(options.attributes, 0);
	mount_options_free(&options);
}

static void test_unknown_options_are_passed_over_if_asked(void)
{
	struct mount_options options;
	struct errmsg msg;

	mount_options_init(&options);
	CHECK_EQ(mount_options_parse(&options, "foo,bar=1,nosuid", true, &msg),
		 0);
	CHECK_EQ(options.attributes, MOUNT_ATTR_NOSUID);
	CHECK_EQ(mount_options_parse(&options, "digest=1", true, &msg),
		 -EINVAL);
	mount_options_free(&options);
}

/* mount(8) puts rw in front of everything. */
static void test_rw_alone_asks_for_nothing(void)
{
	static const char *const cases[] = {
		"rw", "rw,basedir=/a", "basedir=/a,rw", "ro,rw", "defaults,rw",
	};
	struct mount_options options;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fprintf(stderr, "  %s\n", cases[i]);
		CHECK_EQ(parse(&options, cases[i]), 0);
		CHECK(options.read_only);
		mount_options_free(&options);
	}
	/* Of a remount only what was asked for: there may be an upperdir= in force. */
	CHECK_EQ(parse(&options, "rw,remount"), 0);
	CHECK(!options.read_only);
	mount_options_free(&options);
	CHECK_EQ(parse(&options, "rw,remount,ro"), 0);
	CHECK(options.read_only);
	mount_options_free(&options);
}

static void test_generic_options_are_passed_over(void)
{
	static const char *const cases[] = {
		"async", "auto", "comment=a", "defaults", "dirsync", "group",
		"iversion", "lazytime", "loud", "mand", "noauto", "nofail",
		"nogroup", "noiversion", "nolazytime", "nomand", "noowner",
		"norelatime", "nostrictatime", "nouser", "nousers", "owner",
		"relatime", "silent", "sync", "user", "users", "_netdev",
		"x-systemd.automount", "X-mount.mkdir=0755",
	};
	struct mount_options options;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fprintf(stderr, "  %s\n", cases[i]);
		CHECK_EQ(parse(&options, cases[i]), 0);
		CHECK_EQ(options.attributes, 0);
		mount_options_free(&options);
	}
}

static void test_the_last_of_a_pair_counts(void)
{
	struct mount_options options;

	CHECK_EQ(parse(&options, "nosuid,nodev,noexec,suid,noatime,strictatime"),
		 0);
	CHECK_EQ(options.attributes, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC |
		 MOUNT_ATTR_STRICTATIME);
	mount_options_free(&options);
	CHECK_EQ(parse(&options, "upperdir=/a,workdir=/b,ro,rw"), 0);
	CHECK(!options.read_only);
	mount_options_free(&options);
	CHECK_EQ(parse(&options, "rw,upperdir=/a,workdir=/b,ro"), 0);
	CHECK(options.read_only);
	mount_options_free(&options);
}

static void test_what_is_for_the_fetcher_is_kept_for_it(void)
{
	struct mount_options options;

	CHECK_EQ(parse(&options, "deadline=3,hard,proxy=http://a\\,b"), 0);
	CHECK_EQ(options.n_fetcher_args, 3);
	CHECK(strcmp(options.fetcher_args[0], "--deadline=3") == 0);
	CHECK(strcmp(options.fetcher_args[1], "--hard") == 0);
	CHECK(strcmp(options.fetcher_args[2], "--proxy=http://a,b") == 0);
	mount_options_free(&options);
	CHECK_EQ(parse(&options, "profile=boot,noprefetch,complete"), 0);
	CHECK_EQ(options.n_fetcher_args, 3);
	CHECK(strcmp(options.fetcher_args[0], "--profile=boot") == 0);
	CHECK(strcmp(options.fetcher_args[1], "--no-prefetch") == 0);
	mount_options_free(&options);
}

RUN_TESTS(T(test_basedirs_are_split_at_colons),
	  T(test_a_backslash_makes_a_comma_part_of_a_value),
	  T(test_names_with_what_splits),
	  T(test_of_a_remount_the_last_counts),
	  T(test_a_sealed_image_needs_a_digest),
	  T(test_how_much_is_checked), T(test_what_is_refused),
	  T(test_lists_are_bounded),
	  T(test_what_is_for_mount_and_fstab_is_passed_over),
	  T(test_unknown_options_are_passed_over_if_asked),
	  T(test_rw_alone_asks_for_nothing),
	  T(test_generic_options_are_passed_over),
	  T(test_the_last_of_a_pair_counts),
	  T(test_what_is_for_the_fetcher_is_kept_for_it))
