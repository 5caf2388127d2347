// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <string.h>

#include "cache/boot/boot_cmdline.h"
#include "tests/unit/test.h"

#define HEX	"5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c"
#define HEX2	"6f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c"
#define OURS	"root=cfs:" HEX " cfs.store=LABEL=cfs"

/* Everything that can be said, said at once. */
static void test_all_words_are_read(void)
{
	static const char text[] =
		"BOOT_IMAGE=/vmlinuz quiet root=cfs:" HEX
		" cfs.mirror=http://a:8080/x cfs.mirror=https://[fd00::1]/ "
		"cfs.store=zram:150% cfs.verity=image cfs.retry=soft "
		"cfs.overlay=UUID=01-ab cfs.prefetch=boot panic=-1\n";
	struct boot_cmdline c;
	struct errmsg msg = { "" };

	CHECK_EQ(boot_cmdline_parse(text, &c, &msg), 0);
	CHECK(c.digest.bytes[0] == 0x5f);
	CHECK_EQ(c.n_mirrors, 2);
	CHECK(strcmp(c.mirrors[0], "http://a:8080/x") == 0);
	CHECK(strcmp(c.mirrors[1], "https://[fd00::1]/") == 0);
	CHECK_EQ(c.store, BOOT_STORE_ZRAM);
	CHECK_EQ(c.store_percent, 150);
	CHECK_EQ(c.verity, BOOT_VERITY_IMAGE);
	CHECK_EQ(c.overlay, BOOT_OVERLAY_DEVICE);
	CHECK(strcmp(c.overlay_device, "UUID=01-ab") == 0);
	CHECK(strcmp(c.prefetch, "boot") == 0);
	CHECK(c.soft);
	boot_cmdline_free(&c);
}

/* What is not said is the strictest there is. */
static void test_defaults_are_strict(void)
{
	struct boot_cmdline c;
	struct errmsg msg = { "" };

	CHECK_EQ(boot_cmdline_parse(OURS, &c, &msg), 0);
	CHECK_EQ(c.verity, BOOT_VERITY_REQUIRE);
	CHECK_EQ(c.overlay, BOOT_OVERLAY_TMPFS);
	CHECK(!c.soft && !c.prefetch && !c.n_mirrors);
	CHECK(strcmp(c.store_device, "LABEL=cfs") == 0);
	boot_cmdline_free(&c);
}

/* Machines of others boot as they always did, whatever else stands there. */
static void test_others_are_left_alone(void)
{
	static const char *const texts[] = {
		"", "quiet", "root=/dev/sda1 root=/dev/sdb1",
		"root=UUID=1 composefs=" HEX, "composefs=nonsense",
		"root=/dev/sda1 cfs.store=nonsense",
		"quiet -- " OURS,
		"roots=cfs:" HEX, "\"quiet root=cfs:" HEX "\"",
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct boot_cmdline c;
		struct errmsg msg = { "" };

		fprintf(stderr, "  %s\n", texts[i]);
		CHECK_EQ(boot_cmdline_parse(texts[i], &c, &msg),
			 BOOT_CMDLINE_NOT_OURS);
	}
}

/* ostree and bootc write composefs= beside the root of their disk. */
static void test_composefs_names_the_image(void)
{
	struct boot_cmdline c;
	struct errmsg msg = { "" };

	CHECK_EQ(boot_cmdline_parse("root=UUID=1 composefs=" HEX
				    " cfs.store=LABEL=cfs", &c, &msg), 0);
	CHECK(c.digest.bytes[0] == 0x5f);
	boot_cmdline_free(&c);
}

/* Whatever is wrong is refused, and the message says which word it is. */
static void test_nonsense_is_refused_by_name(void)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "root=cfs: cfs.store=LABEL=a", "root=cfs:" },
		{ "root=cfs:5f0c cfs.store=LABEL=a", "4 characters" },
		{ "root=cfs:" HEX HEX " cfs.store=LABEL=a", "SHA-512" },
		{ "composefs=?" HEX " cfs.store=LABEL=a", "cfs.verity=off" },
		{ "root=cfs:5F0C5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c5f0c cfs.store=LABEL=a",
		  "lower-case" },
		{ "root=cfs:" HEX, "cfs.store= is missing" },
		{ OURS " root=cfs:" HEX2, "root= is given twice" },
		{ OURS " root=/dev/sda", "root= is given twice" },
		{ OURS " composefs=" HEX2, "different images" },
		{ OURS " composefs=x", "composefs=x" },
		{ OURS " cfs.store=LABEL=b", "cfs.store= is given twice" },
		{ OURS " cfs.verity=on", "require, image, off" },
		{ OURS " cfs.verity=off cfs.verity=off", "cfs.verity= is given twice" },
		{ OURS " cfs.verity", "cfs.verity needs a value" },
		{ OURS " cfs.verity=", "cfs.verity needs a value" },
		{ OURS " cfs.verty=off", "cfs.verty is not known" },
		{ OURS " cfs.retry=never", "hard, soft" },
		{ OURS " cfs.overlay=/dev/sda", "cfs.overlay=/dev/sda" },
		{ OURS " cfs.prefetch=../x", "cfs.prefetch" },
		{ OURS " cfs.mirror=ftp://a", "cfs.mirror=ftp://a" },
		{ OURS " cfs.mirror=http://a,b", "comma" },
		{ OURS " cfs.mirror=http://a'b", "cfs.mirror has a character" },
		{ OURS " cfs.mirror=\"http://a b\"", "cfs.mirror has a character" },
		{ "root=cfs:" HEX " cfs.store=/dev/sda", "cfs.store=/dev/sda" },
		{ "root=cfs:" HEX " cfs.store=LABEL=../x", "cfs.store=LABEL" },
		{ "root=cfs:" HEX " cfs.store=zram:", "zram:" },
		{ "root=cfs:" HEX " cfs.store=zram:0", "zram:0" },
		{ "root=cfs:" HEX " cfs.store=zram:0%", "zram:0%" },
		{ "root=cfs:" HEX " cfs.store=zram:1001%", "1001%" },
		{ "root=cfs:" HEX " cfs.store=ramdisk:-1", "ramdisk:-1" },
		{ "root=cfs:" HEX " cfs.store=ramdisk:5%x", "ramdisk:5%x" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct boot_cmdline c;
		struct errmsg msg = { "" };

		fprintf(stderr, "  %s\n", cases[i].text);
		CHECK_EQ(boot_cmdline_parse(cases[i].text, &c, &msg), -EINVAL);
		fprintf(stderr, "    %s\n", msg.text);
		CHECK(strstr(msg.text, cases[i].says));
	}
}

/* One too many mirrors. */
static void test_mirrors_are_limited(void)
{
	char text[4096] = OURS;
	struct boot_cmdline c;
	struct errmsg msg = { "" };

	for (int i = 0; i < BOOT_MIRRORS_MAX; i++)
		strcat(text, " cfs.mirror=http://a");
	CHECK_EQ(boot_cmdline_parse(text, &c, &msg), 0);
	boot_cmdline_free(&c);
	strcat(text, " cfs.mirror=http://a");
	CHECK_EQ(boot_cmdline_parse(text, &c, &msg), -EINVAL);
}

RUN_TESTS(T(test_all_words_are_read), T(test_defaults_are_strict),
	  T(test_others_are_left_alone), T(test_composefs_names_the_image),
	  T(test_nonsense_is_refused_by_name), T(test_mirrors_are_limited))
