// SPDX-License-Identifier: GPL-2.0-or-later
/* cfs-cmdline: the kernel command line, as assignments for the initramfs' scripts. */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/cleanup.h"
#include "cache/base/process.h"
#include "cache/boot/boot_cmdline.h"

enum { EXIT_FAILED = 1, EXIT_USAGE = 2, EXIT_NOT_OURS = 3 };

static const char usage[] =
"Usage: cfs-cmdline [FILE]\n"
"Check what the kernel command line says about an image as root, and print it as\n"
"assignments of a shell; FILE is /proc/cmdline unless given.\n"
"\n"
"  --help                    show this and exit\n"
"  --version                 show the version and exit\n"
"\n"
"Status: 0 an image is asked for, 3 none is, 1 what is asked for makes no sense.\n";

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static int read_file(const char *path, char **ret)
{
	CLEANUP(close_file) FILE *file = fopen(path, "re");
	size_t size = 0;

	*ret = NULL;
	if (!file)
		return -errno;
	/* One line; what follows a NUL would be nobody's. */
	if (getdelim(ret, &size, '\0', file) < 0)
		return ferror(file) ? -errno : -ENODATA;
	return 0;
}

static const char *store_kind(enum boot_store store)
{
	static const char *const names[] = {
		[BOOT_STORE_DEVICE] = "device",
		[BOOT_STORE_ZRAM] = "zram",
		[BOOT_STORE_RAMDISK] = "ramdisk",
	};

	return names[store];
}

static void print_assignments(const struct boot_cmdline *c)
{
	static const char *const verity[] = { "require", "image", "off" };
	static const char *const overlay[] = { "tmpfs", "device", "none" };
	char hex[CFS_DIGEST_HEX_LEN + 1];
	size_t i;

	cfs_digest_format(&c->digest, hex);
	printf("cfs_digest='%s'\ncfs_mirrors='", hex);
	for (i = 0; i < c->n_mirrors; i++)
		printf("%s%s", i ? " " : "", c->mirrors[i]);
	printf("'\ncfs_store='%s'\ncfs_store_device='%s'\n",
	       store_kind(c->store), c->store_device ? c->store_device : "");
	printf("cfs_store_bytes='%llu'\ncfs_store_percent='%u'\n",
	       (unsigned long long)c->store_bytes, c->store_percent);
	printf("cfs_verity='%s'\ncfs_retry='%s'\n", verity[c->verity],
	       c->soft ? "soft" : "hard");
	printf("cfs_overlay='%s'\ncfs_overlay_device='%s'\n",
	       overlay[c->overlay], c->overlay_device ? c->overlay_device : "");
	printf("cfs_prefetch='%s'\n", c->prefetch ? c->prefetch : "");
}

int main(int argc, char **argv)
{
	static const struct option long_options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	struct errmsg msg = { "" };
	struct boot_cmdline cmdline;
	CLEANUP_FREE char *text = NULL;
	const char *path = "/proc/cmdline";
	int c, err;

	process_begin();
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case 'h':
			fputs(usage, stdout);
			return 0;
		case 'V':
			puts("cfs-cmdline " CFS_VERSION);
			return 0;
		default:
			fputs(usage, stderr);
			return EXIT_USAGE;
		}
	}
	if (argc - optind > 1) {
		fputs(usage, stderr);
		return EXIT_USAGE;
	}
	if (argc - optind == 1)
		path = argv[optind];
	err = read_file(path, &text);
	if (err < 0) {
		fprintf(stderr, "cfs-cmdline: %s: %s\n", path, strerror(-err));
		return EXIT_FAILED;
	}
	err = boot_cmdline_parse(text, &cmdline, &msg);
	if (err == BOOT_CMDLINE_NOT_OURS)
		return EXIT_NOT_OURS;
	if (err < 0) {
		fprintf(stderr, "cfs-cmdline: %s\n",
			msg.text[0] ? msg.text : strerror(-err));
		return EXIT_FAILED;
	}
	print_assignments(&cmdline);
	boot_cmdline_free(&cmdline);
	return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
}
