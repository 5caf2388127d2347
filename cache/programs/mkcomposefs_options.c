// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/processors.h"
#include "cache/programs/mkcomposefs.h"
#include "cache/store/store.h"
#include "kmod/cfs_format.h"

#define THREADS_MAX	1024

static const char usage[] =
"Usage: mkcomposefs [OPTION]... SOURCE IMAGE\n"
"       mkcomposefs [OPTION]... --store=STORE [--name=NAME] SOURCE [IMAGE]\n"
"       mkcomposefs [OPTION]... --print-digest-only SOURCE\n"
"Turn a directory, or a dump of one, into a composefs image.\n"
"\n"
"  --digest-store=DIR     copy the files' bytes into this folder of objects\n"
"  --store=STORE          put objects and image into this store\n"
"  --name=NAME            name the image NAME in the store (default: its digest)\n"
"  --use-epoch            make all times 1970-01-01\n"
"  --clamp-mtime=SECONDS  make no file newer than this, in seconds since 1970\n"
"  --skip-devices         leave out character and block devices\n"
"  --skip-xattrs          leave out xattrs\n"
"  --user-xattrs          leave out all xattrs but user.*\n"
"  --hardlinks            keep names of one file one file\n"
"  --one-file-system      leave out what is on other file systems\n"
"  --from-file            SOURCE is a dump, see composefs-dump(5); - is stdin\n"
"  --print-digest         print the image's fs-verity digest\n"
"  --print-digest-only    the same, and write no image\n"
"  --min-version=N        version of the image format to write (default 0)\n"
"  --max-version=N        version to write if there is a whiteout (default 1)\n"
"  --threads=N            threads that read and hash (default: one a processor)\n"
"  --json                 print what was done as JSON\n"
"  --help                 show this and exit\n"
"  --version              show the version and exit\n"
"\n"
"IMAGE may be -, which is stdout.\n";

enum {
	OPT_DIGEST_STORE = 1000, OPT_STORE, OPT_NAME, OPT_USE_EPOCH,
	OPT_CLAMP_MTIME, OPT_SKIP_DEVICES, OPT_SKIP_XATTRS, OPT_USER_XATTRS,
	OPT_HARDLINKS, OPT_ONE_FILE_SYSTEM, OPT_FROM_FILE, OPT_PRINT_DIGEST,
	OPT_PRINT_DIGEST_ONLY,
	OPT_MIN_VERSION, OPT_MAX_VERSION, OPT_THREADS, OPT_JSON, OPT_HELP,
	OPT_VERSION,
};

static const struct option long_options[] = {
	{ "digest-store", required_argument, NULL, OPT_DIGEST_STORE },
	{ "store", required_argument, NULL, OPT_STORE },
	{ "name", required_argument, NULL, OPT_NAME },
	{ "use-epoch", no_argument, NULL, OPT_USE_EPOCH },
	{ "clamp-mtime", required_argument, NULL, OPT_CLAMP_MTIME },
	{ "skip-devices", no_argument, NULL, OPT_SKIP_DEVICES },
	{ "skip-xattrs", no_argument, NULL, OPT_SKIP_XATTRS },
	{ "user-xattrs", no_argument, NULL, OPT_USER_XATTRS },
	{ "hardlinks", no_argument, NULL, OPT_HARDLINKS },
	{ "one-file-system", no_argument, NULL, OPT_ONE_FILE_SYSTEM },
	{ "from-file", no_argument, NULL, OPT_FROM_FILE },
	{ "print-digest", no_argument, NULL, OPT_PRINT_DIGEST },
	{ "print-digest-only", no_argument, NULL, OPT_PRINT_DIGEST_ONLY },
	{ "min-version", required_argument, NULL, OPT_MIN_VERSION },
	{ "max-version", required_argument, NULL, OPT_MAX_VERSION },
	{ "threads", required_argument, NULL, OPT_THREADS },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static uint64_t parse_number(const char *option, const char *text,
			     uint64_t min, uint64_t max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < min ||
	    value > max)
		die("%s=%s: not a number from %llu to %llu", option, text,
		    (unsigned long long)min, (unsigned long long)max);
	return value;
}

static void take_option(int option, struct mkcomposefs_options *o)
{
	switch (option) {
	case OPT_DIGEST_STORE:
		o->digest_store = optarg;
		break;
	case OPT_STORE:
		o->store = optarg;
		break;
	case OPT_NAME:
		o->name = optarg;
		break;
	case OPT_USE_EPOCH:
		o->scan.flags |= CFS_SCAN_EPOCH;
		break;
	case OPT_CLAMP_MTIME:
		o->scan.newest = parse_number("--clamp-mtime", optarg, 0,
					      INT64_MAX);
		o->scan.flags |= CFS_SCAN_CLAMP;
		break;
	case OPT_SKIP_DEVICES:
		o->scan.flags |= CFS_SCAN_SKIP_DEVICES;
		break;
	case OPT_SKIP_XATTRS:
		o->scan.flags |= CFS_SCAN_SKIP_XATTRS;
		break;
	case OPT_USER_XATTRS:
		o->scan.flags |= CFS_SCAN_USER_XATTRS;
		break;
	case OPT_HARDLINKS:
		o->scan.flags |= CFS_SCAN_HARD_LINKS;
		break;
	case OPT_ONE_FILE_SYSTEM:
		o->scan.flags |= CFS_SCAN_ONE_FILE_SYSTEM;
		break;
	case OPT_FROM_FILE:
		o->from_file = true;
		break;
	case OPT_PRINT_DIGEST:
		o->print_digest = true;
		break;
	case OPT_PRINT_DIGEST_ONLY:
		o->print_digest = o->print_digest_only = true;
		break;
	case OPT_MIN_VERSION:
		o->min_version = parse_number("--min-version", optarg,
					      CFS_VERSION_MIN, CFS_VERSION_MAX);
		break;
	case OPT_MAX_VERSION:
		o->max_version = parse_number("--max-version", optarg,
					      CFS_VERSION_MIN, CFS_VERSION_MAX);
		break;
	case OPT_THREADS:
		o->scan.threads = parse_number("--threads", optarg, 1,
					       THREADS_MAX);
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case OPT_HELP:
		fputs(usage, stdout);
		exit(fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS);
	case OPT_VERSION:
		puts("mkcomposefs " CFS_VERSION);
		exit(fflush(stdout) ? EXIT_FAILURE : EXIT_SUCCESS);
	default:
		fputs("Try 'mkcomposefs --help'.\n", stderr);
		exit(EXIT_FAILURE);
	}
}

static void check_options(const struct mkcomposefs_options *o)
{
	const unsigned int xattrs = CFS_SCAN_SKIP_XATTRS | CFS_SCAN_USER_XATTRS;

	if ((o->scan.flags & xattrs) == xattrs)
		die("--skip-xattrs and --user-xattrs exclude each other");
	if (o->store && o->digest_store)
		die("--store and --digest-store exclude each other");
	if (o->name && !o->store)
		die("--name needs --store");
	if (o->name && !cfs_image_name_valid(o->name))
		die("--name=%s: a name has 1 to %d of A-Z a-z 0-9 . _ - and begins with a letter or digit",
		    o->name, CFS_IMAGE_NAME_MAX);
	if (o->print_digest_only && o->image)
		die("--print-digest-only writes no image, but %s is given",
		    o->image);
	if (o->print_digest_only && o->store)
		die("--print-digest-only and --store exclude each other");
	if (!o->image && !o->store && !o->print_digest_only)
		die("no IMAGE is given; see --help");
}

void mkcomposefs_parse_options(int argc, char **argv,
			       struct mkcomposefs_options *ret)
{
	int option;

	*ret = (struct mkcomposefs_options){
		.max_version = CFS_VERSION_MAX,
		.scan.threads = processors(),
	};
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		take_option(option, ret);
	if (optind < argc)
		ret->source = argv[optind++];
	if (optind < argc)
		ret->image = argv[optind++];
	if (!ret->source || optind < argc) {
		fputs(usage, stderr);
		exit(EXIT_FAILURE);
	}
	check_options(ret);
}
