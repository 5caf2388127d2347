// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/cleanup.h"
#include "cache/base/units.h"
#include "cache/store.h"
#include "fetcher/options.h"

static const char usage[] =
"Usage: cfs-fetch --store=STORE --mirror=URL [OPTION]... MOUNTPOINT\n"
"       cfs-fetch --store=STORE --mirror=URL --fetch-image=IMAGE [OPTION]...\n"
"       cfs-fetch --status=MOUNTPOINT [--json]\n"
"Show the objects of a store as a folder that fetches what is missing.\n"
"\n"
"  --store=DIR               the store\n"
"  --mirror=URL              where objects come from; several: the best first\n"
"  --image=DIGEST            fetch only what this image names; may be repeated\n"
"                            (default: all images of the store)\n"
"  --any                     fetch any digest, not only what images name\n"
"  --any-max-size=SIZE       largest object whose size no image tells\n"
"  --soft, --hard            give up after the deadline (default), or never\n"
"  --deadline=SECONDS        counted from the first open of an object\n"
"Network:\n"
"  --token-file=FILE         send the bearer token that FILE holds\n"
"  --header-file=FILE        send the header lines that FILE holds\n"
"  --proxy=URL               HTTP or SOCKS proxy\n"
"  --proxy-file=FILE         the same from a file, if it has a password\n"
"  --ca-bundle=FILE          trust these certificates instead of the system's\n"
"  --user-agent=TEXT\n"
"  --transfers=N             GETs at once\n"
"  --connections=N           connections at once\n"
"  --connect-timeout=SECONDS, --tls-timeout=SECONDS\n"
"  --first-byte-timeout=SECONDS\n"
"  --stall-timeout=SECONDS, --stall-rate=BYTES\n"
"                            cut a transfer slower than BYTES/s for SECONDS\n"
"  --object-timeout=SECONDS, --object-rate=BYTES\n"
"                            limit of a whole object: SECONDS + size / BYTES\n"
"Process:\n"
"  --foreground              stay there, log to stderr (default: syslog)\n"
"  --ready-fd=N              write \"ready\" to this descriptor once mounted\n"
"  --allow-other             let other users use the mount\n"
"  --user=NAME               become this user once mounted\n"
"  --threads=N               threads that hash and seal\n"
"  --no-io-uring             do without\n"
"  --log-file=FILE           append the log to FILE\n"
"  --status-file=FILE        keep the status in FILE, too\n"
"  --verbose                 log more\n"
"Other tasks:\n"
"  --fetch-image=NAME|DIGEST fetch an image into the store, print its digest\n"
"  --digest=DIGEST           that the image must have\n"
"  --status=PATH             show the status of a mount or from a status file\n"
"  --json                    as JSON\n"
"  --help                    show this and exit\n"
"  --version                 show the version and exit\n"
"\n"
"Example: cfs-fetch --store=/var/lib/composefs --mirror=http://images.lan /run/objects\n";

enum kind {
	FLAG,		/* bool */
	TEXT,		/* const char * */
	OWNED_TEXT,	/* char * */
	COUNT,		/* unsigned int, from 1 */
	SECONDS,	/* unsigned int, milliseconds */
	LONG_SECONDS,	/* uint64_t, milliseconds */
	BYTES,		/* uint64_t */
	BYTES_32,	/* unsigned int */
	DESCRIPTOR,	/* int */
	SPECIAL,	/* parse_special() */
};

#define FIELD(f)	offsetof(struct fetch_options, f)

static const struct spec {
	const char *name;
	enum kind kind;
	size_t field;
	bool repeats;
} specs[] = {
	{ "store", TEXT, FIELD(store), false },
	{ "mirror", SPECIAL, 0, true },
	{ "image", SPECIAL, 0, true },
	{ "any", FLAG, FIELD(any), false },
	{ "any-max-size", BYTES, FIELD(config.max_unknown_size), false },
	{ "soft", SPECIAL, 0, false },
	{ "hard", FLAG, FIELD(config.hard), false },
	{ "deadline", LONG_SECONDS, FIELD(config.deadline_ms), false },
	{ "token-file", SPECIAL, 0, false },
	{ "header-file", SPECIAL, 0, true },
	{ "proxy", SPECIAL, 0, false },
	{ "proxy-file", SPECIAL, 0, false },
	{ "ca-bundle", OWNED_TEXT, FIELD(config.ca_bundle), false },
	{ "user-agent", OWNED_TEXT, FIELD(config.user_agent), false },
	{ "transfers", COUNT, FIELD(config.max_transfers), false },
	{ "connections", COUNT, FIELD(config.max_connections), false },
	{ "connect-timeout", SECONDS, FIELD(config.connect_ms), false },
	{ "tls-timeout", SECONDS, FIELD(config.tls_ms), false },
	{ "first-byte-timeout", SECONDS, FIELD(config.first_byte_ms), false },
	{ "stall-timeout", SECONDS, FIELD(config.stall_ms), false },
	{ "stall-rate", BYTES_32, FIELD(config.stall_rate), false },
	{ "object-timeout", SECONDS, FIELD(config.object_ms), false },
	{ "object-rate", BYTES_32, FIELD(config.object_rate), false },
	{ "foreground", FLAG, FIELD(foreground), false },
	{ "ready-fd", DESCRIPTOR, FIELD(ready_fd), false },
	{ "allow-other", FLAG, FIELD(allow_other), false },
	{ "user", TEXT, FIELD(user), false },
	{ "threads", COUNT, FIELD(n_threads), false },
	{ "no-io-uring", FLAG, FIELD(no_io_uring), false },
	{ "log-file", TEXT, FIELD(log_file), false },
	{ "status-file", TEXT, FIELD(status_file), false },
	{ "verbose", FLAG, FIELD(verbose), false },
	{ "fetch-image", TEXT, FIELD(fetch_image), false },
	{ "digest", SPECIAL, 0, false },
	{ "status", TEXT, FIELD(status), false },
	{ "json", FLAG, FIELD(json), false },
	{ "help", SPECIAL, 0, false },
	{ "version", SPECIAL, 0, false },
};

#define N_SPECS	(sizeof(specs) / sizeof(*specs))

static int complain(const char *format, ...)
	__attribute__((__format__(__printf__, 1, 2)));

static int complain(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("cfs-fetch: ", stderr);
	vfprintf(stderr, format, args);
	fputs("\nTry 'cfs-fetch --help'.\n", stderr);
	va_end(args);
	return -EINVAL;
}

static int parse_number(const char *name, const char *text, uint64_t min,
			uint64_t max, uint64_t *ret)
{
	char *end;
	unsigned long long value;

	errno = 0;
	value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || *end || errno || value < min ||
	    value > max)
		return complain("--%s=%s: not a number from %llu to %llu", name,
				text, (unsigned long long)min,
				(unsigned long long)max);
	*ret = value;
	return 0;
}

static int parse_bytes(const char *name, const char *text, uint64_t max,
		       uint64_t *ret)
{
	uint64_t value;

	if (units_parse_size(text, &value) < 0)
		return complain("--%s=%s: not a size such as 65536, 64K or 1.5G",
				name, text);
	if (value == 0 || value > max)
		return complain("--%s=%s: not from 1 to %llu", name, text,
				(unsigned long long)max);
	*ret = value;
	return 0;
}

static int parse_seconds(const char *name, const char *text, uint64_t *ret)
{
	char *end;
	double value = strtod(text, &end);

	if (*text < '0' || *text > '9' || *end || !isfinite(value) ||
	    value < 0.001 || value > 1000000)
		return complain("--%s=%s: not a number of seconds from 0.001 to 1000000",
				name, text);
	*ret = (uint64_t)(value * 1000);
	return 0;
}

static int add_image(struct fetch_options *options, const char *text)
{
	struct cfs_digest digest, *images;

	if (cfs_digest_parse(text, strlen(text), &digest) < 0)
		return complain("--image=%s: not a digest of 64 hex digits", text);
	images = reallocarray(options->images, options->n_images + 1,
			      sizeof(*images));
	if (!images)
		return -ENOMEM;
	images[options->n_images++] = digest;
	options->images = images;
	return 0;
}

static int file_error(const char *name, const char *path, int err)
{
	if (err == -EINVAL)
		return complain("--%s=%s: malformed content", name, path);
	if (err < 0)
		return complain("--%s=%s: %s", name, path, strerror(-err));
	return 0;
}

static int set_proxy(struct fetch_options *options, const char *url)
{
	if (options->config.proxy)
		return complain("--proxy and --proxy-file exclude each other");
	options->config.proxy = strdup(url);
	return options->config.proxy ? 0 : -ENOMEM;
}

static int read_proxy(struct fetch_options *options, const char *path)
{
	CLEANUP_FREE char *line = NULL;
	FILE *file = fopen(path, "re");
	size_t size = 0;
	ssize_t len;

	if (!file)
		return file_error("proxy-file", path, -errno);
	len = getline(&line, &size, file);
	fclose(file);
	if (len <= 0)
		return file_error("proxy-file", path, -EINVAL);
	line[strcspn(line, "\r\n")] = '\0';
	return set_proxy(options, line);
}

static int parse_special(struct fetch_options *options, const char *name,
			 const char *value)
{
	struct fetch_config *config = &options->config;

	if (strcmp(name, "mirror") == 0) {
		int err = fetch_config_add_mirror(config, value);

		if (err == -E2BIG)
			return complain("--mirror: more than %d",
					FETCH_MIRRORS_MAX);
		if (err == -EINVAL)
			return complain("--mirror=%s: not a URL such as http://host/path (no user, query or fragment)",
					value);
		return err;
	}
	if (strcmp(name, "image") == 0)
		return add_image(options, value);
	if (strcmp(name, "token-file") == 0)
		return file_error(name, value,
				  fetch_config_add_token_file(config, value));
	if (strcmp(name, "header-file") == 0)
		return file_error(name, value,
				  fetch_config_add_header_file(config, value));
	if (strcmp(name, "proxy") == 0 && strchr(value, '@'))
		return complain("--proxy: a password on the command line can be read by everybody; use --proxy-file");
	if (strcmp(name, "proxy") == 0)
		return set_proxy(options, value);
	if (strcmp(name, "proxy-file") == 0)
		return read_proxy(options, value);
	if (strcmp(name, "digest") == 0) {
		if (cfs_digest_parse(value, strlen(value), &options->expected))
			return complain("--digest=%s: not a digest of 64 hex digits",
					value);
		options->has_expected = true;
	}
	return 0;
}

static int parse_one(struct fetch_options *options, const struct spec *spec,
		     const char *value)
{
	void *field = (char *)options + spec->field;
	uint64_t number = 0;
	int err;

	switch (spec->kind) {
	case FLAG:
		*(bool *)field = true;
		return 0;
	case TEXT:
		if (!*value)
			return complain("--%s: empty", spec->name);
		*(const char **)field = value;
		return 0;
	case OWNED_TEXT:
		*(char **)field = strdup(value);
		return *(char **)field ? 0 : -ENOMEM;
	case COUNT:
		err = parse_number(spec->name, value, 1, 65536, &number);
		*(unsigned int *)field = number;
		return err;
	case SECONDS:
		err = parse_seconds(spec->name, value, &number);
		*(unsigned int *)field = number;
		return err;
	case LONG_SECONDS:
		return parse_seconds(spec->name, value, field);
	case BYTES:
		return parse_bytes(spec->name, value, INT64_MAX, field);
	case BYTES_32:
		err = parse_bytes(spec->name, value, INT_MAX, &number);
		*(unsigned int *)field = number;
		return err;
	case DESCRIPTOR:
		err = parse_number(spec->name, value, 0, INT_MAX, &number);
		*(int *)field = number;
		return err;
	case SPECIAL:
		return parse_special(options, spec->name, value);
	}
	abort();
}

static bool takes_value(const struct spec *spec)
{
	static const char *const bare[] = { "soft", "help", "version" };

	if (spec->kind == FLAG)
		return false;
	for (size_t i = 0; i < sizeof(bare) / sizeof(*bare); i++) {
		if (strcmp(spec->name, bare[i]) == 0)
			return false;
	}
	return true;
}

/* What is asked for must make sense together. */
static int check(struct fetch_options *options, const bool *seen, int n_rest,
		 char **rest)
{
	bool soft = false;

	for (size_t i = 0; i < N_SPECS; i++)
		soft |= seen[i] && strcmp(specs[i].name, "soft") == 0;
	if (soft && options->config.hard)
		return complain("--soft and --hard exclude each other");
	if (options->status && options->fetch_image)
		return complain("--status and --fetch-image exclude each other");
	if (options->status) {
		options->mode = MODE_STATUS;
		return n_rest ? complain("%s: not expected here", rest[0]) : 0;
	}
	if (options->json)
		return complain("--json goes with --status");
	if (!options->store)
		return complain("--store is missing");
	if (!options->config.n_mirrors)
		return complain("--mirror is missing");
	if (options->fetch_image) {
		options->mode = MODE_IMAGE;
		return n_rest ? complain("%s: not expected here", rest[0]) : 0;
	}
	if (options->has_expected)
		return complain("--digest goes with --fetch-image");
	if (options->any && options->n_images)
		return complain("--any and --image exclude each other");
	if (n_rest != 1)
		return complain(n_rest ? "more than one mount point" :
					 "the mount point is missing");
	options->mountpoint = rest[0];
	return 0;
}

static int parse_all(int argc, char **argv, struct fetch_options *options)
{
	struct option longs[N_SPECS + 1] = { 0 };
	bool seen[N_SPECS] = { false };
	int c, at, err;

	for (size_t i = 0; i < N_SPECS; i++) {
		longs[i].name = specs[i].name;
		longs[i].has_arg = takes_value(&specs[i]) ? required_argument :
							    no_argument;
	}
	optind = 1;
	while ((c = getopt_long(argc, argv, "", longs, &at)) != -1) {
		if (c == '?') {
			fputs("Try 'cfs-fetch --help'.\n", stderr);
			return -EINVAL;
		}
		if (strcmp(specs[at].name, "help") == 0) {
			fputs(usage, stdout);
			return 1;
		}
		if (strcmp(specs[at].name, "version") == 0) {
			printf("cfs-fetch %s\n", CFS_VERSION);
			return 1;
		}
		if (seen[at] && !specs[at].repeats)
			return complain("--%s is given twice", specs[at].name);
		seen[at] = true;
		err = parse_one(options, &specs[at], optarg);
		if (err)
			return err;
	}
	return check(options, seen, argc - optind, argv + optind);
}

int options_parse(int argc, char **argv, struct fetch_options *ret,
		  int *ret_status)
{
	int err;

	*ret = (struct fetch_options){ .ready_fd = -1 };
	fetch_config_init(&ret->config);
	err = parse_all(argc, argv, ret);
	if (err == 0)
		return 0;
	options_free(ret);
	if (err == -ENOMEM)
		fputs("cfs-fetch: out of memory\n", stderr);
	*ret_status = err == 1 ? 0 : err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	return 1;
}

void options_free(struct fetch_options *options)
{
	fetch_config_free(&options->config);
	free(options->images);
	options->images = NULL;
}
