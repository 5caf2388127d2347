// SPDX-License-Identifier: GPL-2.0-or-later
/* The command line of cfs-fetch. */
#include "fetcher/programs/fetch_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/store/store.h"
#include "fetcher/http/options.h"
#include "cache/base/options.h"

static const char usage[] =
"Usage: cfs-fetch --store=STORE --mirror=URL [OPTION]... MOUNTPOINT\n"
"       cfs-fetch --store=STORE --mirror=URL --fetch-image=IMAGE [OPTION]...\n"
"       cfs-fetch status|report ...     runs cfs-report\n"
"Show the objects of a store as a folder that fetches what is missing.\n"
"\n"
"  --store=DIR               the store\n"
"  --mirror=URL              where objects come from; several: the best first\n"
"  --image=DIGEST            fetch only what this image names; may be repeated\n"
"                            (default: all images of the store)\n"
"  --any                     fetch any digest, not only what images name\n"
"  --any-max-size=SIZE       largest object whose size no image tells\n"
"  --max-size=SIZE           of the store: never more; what no image needs goes\n"
"  --high-water=SIZE         when it takes more than that (default: 95 %)\n"
"  --low-water=SIZE          until it takes that (default: 9/10 of it)\n"
"  --reserve=SIZE            keep so much free in the file system\n"
"  --soft, --hard            give up after the deadline (default), or never\n"
"  --deadline=SECONDS        counted from the first open of an object\n"
"  --partial-reads           let large objects be read before they are whole\n"
"  --parts-from=SIZE         fetch objects of that size in parts (default: 16M)\n"
"  --fill-from=PERCENT       when readers wanted so much, get the rest (default: 10)\n"
NETWORK_OPTIONS_USAGE
"Ahead of readers:\n"
"  --profile=NAME|FILE       prefetch what this profile lists (default: what the last\n"
"                            start recorded, and the image's own); several in turn\n"
"  --no-prefetch             fetch nothing that nobody has asked for\n"
"  --complete                fetch all the rest in the background\n"
"  --complete-rate=SIZE      bytes a second at most for that\n"
"  --record=FILE             write what was fetched first, and when, to FILE\n"
"Process:\n"
"  --foreground              stay there, log to stderr (default: syslog)\n"
"  --ready-fd=N              write \"ready\" to this descriptor once mounted\n"
"  --allow-other             let other users use the mount\n"
"  --for-root                serve the root file system, from an initramfs\n"
"  --user=NAME               become this user once mounted\n"
"  --threads=N               threads that hash and seal\n"
"  --no-io-uring             do without\n"
"  --log-file=FILE           append the log to FILE\n"
"  --status-file=FILE        keep the status in FILE, too\n"
"  --verbose                 log more\n"
"Other tasks:\n"
"  --fetch-image=NAME|DIGEST fetch an image into the store, print its digest\n"
"  --digest=DIGEST           that the image must have\n"
"  --check-mirror=URL        say whether --mirror would take it; nothing is asked\n"
"  --help                    show this and exit\n"
"  --version                 show the version and exit\n"
"\n"
"Example: cfs-fetch --store=/var/lib/composefs --mirror=http://images.lan /run/objects\n";

static int add_image(const struct option_parser *parser, void *field,
		     const char *name, const char *text)
{
	struct fetch_options *options = field;
	struct cfs_digest digest, *images;

	if (cfs_digest_parse(text, strlen(text), &digest) < 0)
		return option_complain(parser, "--%s=%s: not a digest of 64 hex digits",
				       name, text);
	images = reallocarray(options->images, options->n_images + 1,
			      sizeof(*images));
	if (!images)
		return -ENOMEM;
	images[options->n_images++] = digest;
	options->images = images;
	return 0;
}

static int set_expected(const struct option_parser *parser, void *field,
			const char *name, const char *text)
{
	struct fetch_options *options = field;

	if (cfs_digest_parse(text, strlen(text), &options->expected) < 0)
		return option_complain(parser, "--%s=%s: not a digest of 64 hex digits",
				       name, text);
	options->has_expected = true;
	return 0;
}

static int set_percent(const struct option_parser *parser, void *field,
		       const char *name, const char *text)
{
	unsigned int *percent = field;
	char *end;
	unsigned long value = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || value > 100)
		return option_complain(parser, "--%s=%s: not a number from 0 to 100",
				       name, text);
	*percent = (unsigned int)value;
	return 0;
}

static int add_profile(const struct option_parser *parser, void *field,
		       const char *name, const char *text)
{
	struct fetch_options *options = field;
	struct ahead_options *ahead = &options->ahead;
	const char **profiles;

	if (!strchr(text, '/') && !cfs_image_name_valid(text))
		return option_complain(parser, "--%s=%s: not a profile's name; write ./%s for a file",
				       name, text, text);
	profiles = reallocarray(ahead->profiles, ahead->n_profiles + 1,
				sizeof(*profiles));
	if (!profiles)
		return -ENOMEM;
	profiles[ahead->n_profiles++] = text;
	ahead->profiles = profiles;
	return 0;
}

/* Answers right away, as --help does: the URL may be anything. */
static int check_mirror(const struct option_parser *parser, void *field,
			const char *name, const char *text)
{
	struct fetch_options *options = field;
	int err = fetch_config_add_mirror(&options->config, text);

	if (err == -EINVAL)
		return option_complain(parser, "--%s: %s", name,
				       fetch_config_mirror_fault(text));
	return err < 0 ? err : OPTION_ANSWERED;
}

#define FIELD(f)	offsetof(struct fetch_options, f)

static const struct option_row rows[] = {
	{ "store", OPTION_TEXT, FIELD(store), false, NULL },
	{ "image", OPTION_CALL, 0, true, add_image },
	{ "any", OPTION_FLAG, FIELD(any), false, NULL },
	{ "any-max-size", OPTION_BYTES, FIELD(config.max_unknown_size), false,
	  NULL },
	{ "partial-reads", OPTION_FLAG, FIELD(partial_reads), false, NULL },
	{ "parts-from", OPTION_BYTES, FIELD(config.large_size), false, NULL },
	{ "fill-from", OPTION_CALL, FIELD(config.fill_percent), false,
	  set_percent },
	{ "max-size", OPTION_BYTES, FIELD(limits.max_size), false, NULL },
	{ "high-water", OPTION_BYTES, FIELD(limits.high_water), false, NULL },
	{ "low-water", OPTION_BYTES, FIELD(limits.low_water), false, NULL },
	{ "reserve", OPTION_BYTES, FIELD(limits.reserve), false, NULL },
	{ "profile", OPTION_CALL, 0, true, add_profile },
	{ "no-prefetch", OPTION_FLAG, FIELD(ahead.no_prefetch), false, NULL },
	{ "complete", OPTION_FLAG, FIELD(ahead.complete), false, NULL },
	{ "complete-rate", OPTION_BYTES, FIELD(ahead.complete_rate), false,
	  NULL },
	{ "record", OPTION_TEXT, FIELD(ahead.record), false, NULL },
	{ "soft", OPTION_FLAG, FIELD(soft), false, NULL },
	{ "foreground", OPTION_FLAG, FIELD(foreground), false, NULL },
	{ "ready-fd", OPTION_DESCRIPTOR, FIELD(ready_fd), false, NULL },
	{ "allow-other", OPTION_FLAG, FIELD(allow_other), false, NULL },
	{ "for-root", OPTION_FLAG, FIELD(for_root), false, NULL },
	{ "user", OPTION_TEXT, FIELD(user), false, NULL },
	{ "threads", OPTION_COUNT, FIELD(n_threads), false, NULL },
	{ "no-io-uring", OPTION_FLAG, FIELD(no_io_uring), false, NULL },
	{ "log-file", OPTION_TEXT, FIELD(log_file), false, NULL },
	{ "status-file", OPTION_TEXT, FIELD(status_file), false, NULL },
	{ "verbose", OPTION_FLAG, FIELD(verbose), false, NULL },
	{ "fetch-image", OPTION_TEXT, FIELD(fetch_image), false, NULL },
	{ "digest", OPTION_CALL, 0, false, set_expected },
	{ "check-mirror", OPTION_CALL, 0, false, check_mirror },
};

static int no_rest(const struct option_parser *parser, int n_rest, char **rest)
{
	return n_rest ? option_complain(parser, "%s: not expected here",
					rest[0]) : 0;
}

static int check_limits(const struct option_parser *parser,
			const struct fetch_limits *limits)
{
	uint64_t high = limits->high_water ? limits->high_water :
					     limits->max_size;

	if (!limits->max_size && (limits->high_water || limits->low_water))
		return option_complain(parser, "--%s-water goes with --max-size",
				       limits->high_water ? "high" : "low");
	if (limits->high_water > limits->max_size)
		return option_complain(parser, "--high-water is above --max-size");
	if (limits->low_water > high)
		return option_complain(parser, "--low-water is above --high-water");
	return 0;
}

/* What is asked for must make sense together. */
static int check(const struct option_parser *parser,
		 struct fetch_options *options, int n_rest, char **rest)
{
	if (options->soft && options->config.hard)
		return option_complain(parser, "--soft and --hard exclude each other");
	if (options->ahead.complete_rate && !options->ahead.complete)
		return option_complain(parser, "--complete-rate goes with --complete");
	if (options->ahead.no_prefetch && options->ahead.n_profiles)
		return option_complain(parser, "--no-prefetch and --profile exclude each other");
	if (!options->store)
		return option_complain(parser, "--store is missing");
	if (!options->config.n_mirrors)
		return option_complain(parser, "--mirror is missing");
	if (options->for_root && options->user)
		return option_complain(parser, "--for-root and --user exclude each other: systemd kills what is not root's");
	if (options->fetch_image) {
		options->mode = MODE_IMAGE;
		return no_rest(parser, n_rest, rest);
	}
	if (options->has_expected)
		return option_complain(parser, "--digest goes with --fetch-image");
	if (options->any && options->n_images)
		return option_complain(parser, "--any and --image exclude each other");
	if (n_rest != 1)
		return option_complain(parser, n_rest ? "more than one mount point" :
				       "the mount point is missing");
	options->mountpoint = rest[0];
	fetch_config_limit_ahead(&options->config);
	/* Nothing but --image keeps these: their names may be gone. */
	options->limits.pins = options->images;
	options->limits.n_pins = options->n_images;
	return check_limits(parser, &options->limits);
}

int options_parse(int argc, char **argv, struct fetch_options *ret,
		  int *ret_status)
{
	const struct option_parser parser = {
		.program = "cfs-fetch",
		.usage = usage,
		.tables = { rows, network_options },
		.lengths = { sizeof(rows) / sizeof(rows[0]),
			     n_network_options },
		.base = { ret, &ret->config },
	};
	int rest, err;

	*ret = (struct fetch_options){ .ready_fd = -1 };
	fetch_config_init(&ret->config);
	err = option_parse(&parser, argc, argv, &rest);
	if (err == 0)
		err = network_options_check(&parser, &ret->config);
	if (err == 0)
		err = check(&parser, ret, argc - rest, argv + rest);
	if (err == 0)
		return 0;
	options_free(ret);
	if (err == -ENOMEM)
		fputs("cfs-fetch: out of memory\n", stderr);
	*ret_status = err == OPTION_ANSWERED ? 0 :
		      err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	return 1;
}

void options_free(struct fetch_options *options)
{
	fetch_config_free(&options->config);
	free(options->images);
	options->images = NULL;
	free(options->ahead.profiles);
	options->ahead.profiles = NULL;
}
