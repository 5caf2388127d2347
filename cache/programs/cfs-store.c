// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * cfs-store: look after a store, offline.
 */
#include "cache/base/process.h"
#include "cache/programs/cfs_store.h"
#include "cache/store/guard.h"
#include "cache/store/lock.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/store/explain.h"
#include "cache/store/store.h"

static const char usage[] =
"Usage: cfs-store COMMAND [OPTION]... STORE [ARGUMENT]...\n"
"Look after a store of composefs objects.\n"
"\n"
"  ls STORE [--json]               list the images that have a name\n"
"  du STORE [IMAGE]... [--json]    what each image needs, has, shares and lacks\n"
"  verify STORE                    check objects; exit status as fsck(8)\n"
"    --quick                       what the kernel vouches for in no time (default)\n"
"    --full                        read every byte\n"
"    --repair                      move damaged objects aside\n"
"    --mirror=URL, --from=DIR      and bring them back, by running cfs-seed\n"
"    --threads=N                   how many at once (default: processors)\n"
"    --json\n"
"  gc STORE                        remove objects that no named image needs\n"
"    --dry-run                     only say what would go\n"
"    --keep-younger-than=TIME      such as 12h, 7d: keep what is newer\n"
"    --max-size=SIZE               such as 20G: remove only what exceeds it\n"
"    --low-water=SIZE              then go down to this (default: 9/10 of it)\n"
"    --reserve=SIZE                remove only until so much is free on the disk\n"
"    --no-wait                     exit with 3 if the store is in use\n"
"    --verbose                     a line for each object that goes\n"
"    --json\n"
"  pin STORE NAME IMAGE            give an image (a digest or a name) a name\n"
"  unpin STORE NAME...             take names away; gc frees what they needed\n"
"    --force                       the last name of a mounted image, too\n"
"  import STORE FILE [NAME]        copy an image file into the store, and pin it\n"
"  trees STORE                     make what lets mirrors of it be read in parts\n"
"    --min-size=SIZE               of objects of at least that size (default 16M)\n"
"    --threads=N                   how many at once (default: processors)\n"
"    --json\n"
"  pack STORE IMAGE                write what a start of it needs into one file\n"
"    --profile=FILE                digests in order (default: profiles/ of the store)\n"
"    --all                         everything the image names\n"
"    --name=NAME                   one of several of the image\n"
"    --max-object-size=SIZE        leave larger ones out (default 64M)\n"
"    --level=N                     of zstd (default 19)\n"
"    --threads=N --json\n"
"  compress STORE                  make compressed copies for clients of a mirror\n"
"    --level=N                     of zstd (default 19)\n"
"    --threads=N --json\n"
"  --help                          show this and exit\n"
"  --version                       show the version and exit\n"
"\n"
"Example: cfs-store gc --keep-younger-than=7d /var/lib/composefs\n";

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "ls", store_ls },
	{ "du", store_du },
	{ "verify", store_verify },
	{ "gc", store_gc },
	{ "pin", store_pin },
	{ "unpin", store_unpin },
	{ "import", store_import },
	{ "trees", store_trees },
	{ "pack", store_pack },
	{ "compress", store_compress },
};

static void complain(const char *format, va_list args)
{
	fputs("cfs-store: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int store_complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	return STORE_EXIT_FAILED;
}

int store_usage_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	complain(format, args);
	va_end(args);
	fputs("Try 'cfs-store --help'.\n", stderr);
	return STORE_EXIT_USAGE;
}

unsigned int store_number(const char *text, unsigned int max)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	return errno || end == text || *end || value > max ? 0 :
		(unsigned int)value;
}

int store_complain_of(const struct cfs_store *store, const char *what, int err)
{
	struct errmsg why;

	cfs_store_explain(store, err, &why);
	return store_complain("%s: %s", what, why.text);
}

int store_open_named(const char *path, unsigned int flags,
		     struct cfs_store **ret)
{
	struct errmsg why;
	int err = cfs_store_open(path, flags, ret);

	if (err) {
		cfs_store_explain_open(path, err, &why);
		return store_complain("%s", why.text);
	}
	/* Whatever is found: to look after it is what helps. */
	if (cfs_store_guard(path, &why))
		store_complain("%s", why.text);
	return 0;
}

int store_resolve(struct cfs_store *store, const char *image,
		  struct cfs_digest *ret)
{
	int err = cfs_store_image_get(store, image, ret);

	if (err == CFS_STORE_MISS || err == -EINVAL)
		err = cfs_digest_parse(image, strlen(image), ret) == 0 ?
			      0 : CFS_STORE_MISS;
	if (err == 0)
		return 0;
	if (err == CFS_STORE_MISS)
		return store_complain("%s: neither a name in images/ nor a digest",
				      image);
	if (err == CFS_STORE_DAMAGED)
		return store_complain("images/%s: not a link to an object",
				      image);
	return store_complain_of(store, image, err);
}

static void say_waiting(const struct cfs_store_lock_holder *holder)
{
	char text[CFS_STORE_LOCK_TEXT];

	store_complain("%s", cfs_store_lock_format(holder, text));
}

/* What could not be written is missed by the reader of a pipe or a file. */
static int finish(int status)
{
	if (fflush(stdout) < 0 && status == STORE_EXIT_OK)
		return store_complain("stdout: %m");
	if (ferror(stdout) && status == STORE_EXIT_OK)
		return store_complain("stdout: not all could be written");
	return status;
}

int main(int argc, char **argv)
{
	process_begin();
	cfs_store_lock_tell(say_waiting);
	if (argc < 2)
		return store_usage_error("no command");
	if (strcmp(argv[1], "--help") == 0) {
		fputs(usage, stdout);
		return finish(STORE_EXIT_OK);
	}
	if (strcmp(argv[1], "--version") == 0) {
		puts("cfs-store " CFS_VERSION);
		return finish(STORE_EXIT_OK);
	}
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++)
		if (strcmp(argv[1], commands[i].name) == 0)
			return finish(commands[i].run(argc - 1, argv + 1));
	return store_usage_error("%s: no such command", argv[1]);
}
