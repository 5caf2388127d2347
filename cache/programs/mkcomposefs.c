// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkcomposefs: a directory or a dump becomes an image.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/errmsg.h"
#include "cache/base/full_io.h"
#include "cache/base/replace_file.h"
#include "cache/dump_parse.h"
#include "cache/image_tree.h"
#include "cache/image_write.h"
#include "cache/verity_hash.h"
#include "kmod/cfs_format.h"

static const char usage[] =
"Usage: mkcomposefs [OPTION]... SOURCE IMAGE\n"
"       mkcomposefs [OPTION]... --print-digest-only SOURCE\n"
"Turn a directory, or a dump of one, into a composefs image.\n"
"\n"
"  --from-file             SOURCE is a dump, see composefs-dump(5); - is stdin\n"
"  --print-digest          print the image's fs-verity digest\n"
"  --print-digest-only     the same, and write no image\n"
"  --min-version=N         version of the image format to write (default 0)\n"
"  --max-version=N         version to write if there is a whiteout (default 1)\n"
"  --help                  show this and exit\n"
"  --version               show the version and exit\n"
"\n"
"IMAGE may be -, which is stdout.\n";

enum {
	OPT_FROM_FILE = 1000, OPT_PRINT_DIGEST, OPT_PRINT_DIGEST_ONLY,
	OPT_MIN_VERSION, OPT_MAX_VERSION, OPT_HELP, OPT_VERSION,
};

static const struct option long_options[] = {
	{ "from-file", no_argument, NULL, OPT_FROM_FILE },
	{ "print-digest", no_argument, NULL, OPT_PRINT_DIGEST },
	{ "print-digest-only", no_argument, NULL, OPT_PRINT_DIGEST_ONLY },
	{ "min-version", required_argument, NULL, OPT_MIN_VERSION },
	{ "max-version", required_argument, NULL, OPT_MAX_VERSION },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

struct options {
	bool from_file;
	bool print_digest;
	bool print_digest_only;
	uint32_t min_version;
	uint32_t max_version;
	const char *source;
	const char *image;		/* NULL: write none */
};

__attribute__((format(printf, 1, 2), noreturn))
static void die(const char *format, ...)
{
	va_list args;

	fputs("mkcomposefs: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	exit(EXIT_FAILURE);
}

static uint32_t parse_number(const char *option, const char *text,
			     uint32_t min, uint32_t max)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < min ||
	    value > max)
		die("%s=%s: not a number from %u to %u", option, text, min,
		    max);
	return value;
}

static void parse_options(int argc, char **argv, struct options *o)
{
	int c;

	*o = (struct options){ .max_version = CFS_VERSION_MAX };
	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
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
						      CFS_VERSION_MIN,
						      CFS_VERSION_MAX);
			break;
		case OPT_MAX_VERSION:
			o->max_version = parse_number("--max-version", optarg,
						      CFS_VERSION_MIN,
						      CFS_VERSION_MAX);
			break;
		case OPT_HELP:
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		case OPT_VERSION:
			puts("mkcomposefs " CFS_VERSION);
			exit(EXIT_SUCCESS);
		default:
			fputs("Try 'mkcomposefs --help'.\n", stderr);
			exit(EXIT_FAILURE);
		}
	}
	if (optind < argc)
		o->source = argv[optind++];
	if (optind < argc)
		o->image = argv[optind++];
	if (!o->source || optind < argc) {
		fputs(usage, stderr);
		exit(EXIT_FAILURE);
	}
	if (o->print_digest_only && o->image)
		die("--print-digest-only writes no image, but %s is given",
		    o->image);
	if (!o->image && !o->print_digest_only)
		die("no IMAGE is given; see --help");
}

static void read_dump(const struct options *o, struct cfs_tree *tree)
{
	const bool is_stdin = strcmp(o->source, "-") == 0;
	CLEANUP_FREE char *text = NULL;
	struct errmsg msg = { "" };
	size_t len;
	int err;

	CLEANUP_CLOSE int fd = is_stdin ? dup(STDIN_FILENO) :
					  open(o->source, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("%s: %s", o->source, strerror(errno));
	err = full_read_file(fd, &text, &len);
	if (err)
		die("%s: %s", o->source, strerror(-err));
	err = cfs_dump_parse(text, len,
			     getenv("CFS_PARSE_STRICT") ? CFS_DUMP_STRICT : 0,
			     tree, &msg);
	if (err)
		die("%s: %s", is_stdin ? "stdin" : o->source,
		    msg.text[0] ? msg.text : strerror(-err));
}

/* Everywhere that the bytes of the image go. */
struct output {
	struct cfs_verity_hash *hash;	/* NULL: nobody asks for the digest */
	int fd;				/* -1: none */
};

static int take_bytes(void *context, const void *data, size_t len)
{
	struct output *output = context;
	int err = 0;

	if (output->hash)
		err = cfs_verity_hash_add(output->hash, data, len);
	if (!err && output->fd >= 0)
		err = full_write(output->fd, data, len);
	return err;
}

int main(int argc, char **argv)
{
	struct replace_file file = { .fd = -1, .dir_fd = -1 };
	struct output output = { .fd = -1 };
	struct cfs_tree tree = { 0 };
	struct errmsg msg = { "" };
	struct options o;
	int err;

	parse_options(argc, argv, &o);
	if (o.image && strcmp(o.image, "-") == 0) {
		if (isatty(STDOUT_FILENO))
			die("stdout is a terminal; the image is not text");
		output.fd = STDOUT_FILENO;
	} else if (o.image) {
		err = replace_file_begin(&file, o.image, 0644);
		if (err)
			die("%s: %s", o.image, strerror(-err));
		output.fd = file.fd;
	}
	if (o.print_digest) {
		err = cfs_verity_hash_new(&output.hash);
		if (err)
			die("%s", strerror(-err));
	}

	read_dump(&o, &tree);
	err = cfs_image_write(&tree, o.min_version, o.max_version, take_bytes,
			      &output, &msg);
	if (err)
		die("%s: %s", o.image ? o.image : o.source,
		    msg.text[0] ? msg.text : strerror(-err));
	if (file.fd >= 0) {
		err = replace_file_commit(&file);
		if (err)
			die("%s: %s", o.image, strerror(-err));
	}
	if (o.print_digest) {
		char hex[CFS_DIGEST_HEX_LEN + 1];
		struct cfs_digest digest;

		err = cfs_verity_hash_finish(output.hash, &digest);
		if (err)
			die("%s", strerror(-err));
		cfs_digest_format(&digest, hex);
		puts(hex);
	}
	cfs_verity_hash_free(output.hash);
	cfs_tree_release(&tree);
	if (fflush(stdout) || ferror(stdout))
		die("stdout: %s", strerror(errno));
	return EXIT_SUCCESS;
}
