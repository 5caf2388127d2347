// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of cfs-seed. */
#include "fetcher/seed/options.h"

#include <errno.h>
#include <stdio.h>

#include "cache/base/processors.h"
#include "cache/store/store.h"
#include "fetcher/http/options.h"
#include "cache/base/options.h"

static const char usage[] =
"Usage: cfs-seed --store=STORE [--mirror=URL]... [--from=DIR]... WHAT...\n"
"Bring into a store everything that images need, ahead of use.\n"
"\n"
"WHAT is the digest of an image, the name of an image on the mirrors, or, if it\n"
"has a '/' in it, a file: an image, or a profile (digests, one a line).\n"
"\n"
"  --store=DIR               the store; made if it is not there\n"
"  --mirror=URL              where objects come from; several: the best first\n"
"  --from=DIR                take what this tree, checkout, ostree repository or\n"
"                            store has, before anything is downloaded; repeatable\n"
"  --name=NAME               name the image NAME in the store\n"
"  --verify                  read every byte of what is here already\n"
"  --dry-run                 fetch images, but no objects; say what is missing\n"
"  --limit-rate=SIZE         bytes a second, such as 2M\n"
"  --threads=N               threads that read --from trees\n"
"  --hard                    never give up on a mirror that does not answer\n"
"  --deadline=SECONDS        else give an object up after so long\n"
"  --no-io-uring             do without\n"
"  --json                    report as JSON\n"
"  --quiet                   no progress, no report; only errors\n"
"  --verbose                 a line for each object that could not be had\n"
NETWORK_OPTIONS_USAGE
"  --help                    show this and exit\n"
"  --version                 show the version and exit\n"
"\n"
"Exit status: 0 everything is here, 3 something is missing, 1 failed, 2 usage.\n"
"Example: cfs-seed --store=/var/lib/composefs --mirror=http://images.lan debian\n";

static int add_from(const struct option_parser *parser, void *field,
		    const char *name, const char *value)
{
	struct seed_options *options = field;

	if (options->n_from == SEED_FROM_MAX)
		return option_complain(parser, "--%s: more than %d", name,
				       SEED_FROM_MAX);
	options->from[options->n_from++] = value;
	return 0;
}

#define FIELD(f)	offsetof(struct seed_options, f)

static const struct option_row rows[] = {
	{ "store", OPTION_TEXT, FIELD(store), false, NULL },
	{ "from", OPTION_CALL, 0, true, add_from },
	{ "name", OPTION_TEXT, FIELD(name), false, NULL },
	{ "verify", OPTION_FLAG, FIELD(verify), false, NULL },
	{ "dry-run", OPTION_FLAG, FIELD(dry_run), false, NULL },
	{ "limit-rate", OPTION_BYTES, FIELD(limit_rate), false, NULL },
	{ "threads", OPTION_COUNT, FIELD(n_threads), false, NULL },
	{ "no-io-uring", OPTION_FLAG, FIELD(no_io_uring), false, NULL },
	{ "json", OPTION_FLAG, FIELD(json), false, NULL },
	{ "quiet", OPTION_FLAG, FIELD(quiet), false, NULL },
	{ "verbose", OPTION_FLAG, FIELD(verbose), false, NULL },
};

/* What is asked for must make sense together. */
static int check(const struct option_parser *parser,
		 const struct seed_options *options)
{
	if (!options->store)
		return option_complain(parser, "--store is missing");
	if (!options->n_what)
		return option_complain(parser, "nothing to seed: name an image");
	if (options->name && !cfs_image_name_valid(options->name))
		return option_complain(parser, "--name=%s: not an image name",
				       options->name);
	if (options->quiet && options->verbose)
		return option_complain(parser, "--quiet and --verbose exclude each other");
	if (options->name && options->n_what > 1)
		return option_complain(parser, "--name goes with one image");
	return 0;
}

int seed_options_parse(int argc, char **argv, struct seed_options *ret,
		       int *ret_status)
{
	const struct option_parser parser = {
		.program = "cfs-seed",
		.usage = usage,
		.tables = { rows, network_options },
		.lengths = { sizeof(rows) / sizeof(rows[0]),
			     n_network_options },
		.base = { ret, &ret->config },
	};
	int rest, err;

	*ret = (struct seed_options){ .n_threads = processors() };
	fetch_config_init(&ret->config);
	err = option_parse(&parser, argc, argv, &rest);
	if (err == 0)
		err = network_options_check(&parser, &ret->config);
	if (err == 0) {
		ret->what = argv + rest;
		ret->n_what = (size_t)(argc - rest);
		err = check(&parser, ret);
	}
	if (err == 0)
		return 0;
	seed_options_free(ret);
	if (err == -ENOMEM)
		fputs("cfs-seed: out of memory\n", stderr);
	*ret_status = err == OPTION_ANSWERED ? SEED_EXIT_COMPLETE :
		      err == -EINVAL ? SEED_EXIT_USAGE : SEED_EXIT_FAILED;
	return 1;
}

void seed_options_free(struct seed_options *options)
{
	fetch_config_free(&options->config);
}
