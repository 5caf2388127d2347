// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Read the command line of cfs-serve.
 */
#include "server/serve_options.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/processors.h"
#include "cache/base/units.h"

#define WORKERS_MAX	64

static const char usage[] =
"Usage: cfs-serve [OPTION]... STORE\n"
"Serve the objects and images of a store over HTTP/1.1.\n"
"\n"
"  --listen=ADDR:PORT        where to listen; [IPv6]:PORT and :PORT too; may be\n"
"                            repeated (default 127.0.0.1:8080)\n"
"  --metrics=ADDR:PORT       where to serve /metrics, and nothing else of use\n"
"  --workers=N               threads (default: one a processor)\n"
"  --cache=SIZE              memory for small objects (default 64M)\n"
"  --access-log=FILE         one line a request; - is standard output\n"
"  --user=NAME               become this user once everything is open\n"
"  --unsealed                serve objects without fs-verity, too\n"
"  --make-trees              make the Merkle trees that clients ask for in vain\n"
"  --max-connections=N       of all clients together (default 16384)\n"
"  --max-per-client=N        of one address, or IPv6 /64 (default 1024)\n"
"  --head-timeout=SECONDS    for the head of a request (default 10)\n"
"  --idle-timeout=SECONDS    between requests (default 30)\n"
"  --min-rate=SIZE           bytes a second a client must take (default 1K)\n"
"  --grace=SECONDS           to finish responses when stopping (default 30)\n"
"  --io=auto|io_uring|epoll  how to wait for the kernel (default auto)\n"
"  --help                    show this and exit\n"
"  --version                 show the version and exit\n"
"\n"
"Whoever can reach the server and knows a digest gets that object: see\n"
"cfs-serve(8) about secrets, and about TLS.\n";

enum option_id {
	OPT_LISTEN = 1000, OPT_METRICS, OPT_WORKERS, OPT_CACHE, OPT_ACCESS_LOG,
	OPT_USER, OPT_UNSEALED, OPT_MAKE_TREES, OPT_MAX_CONNECTIONS,
	OPT_MAX_PER_CLIENT,
	OPT_HEAD_TIMEOUT, OPT_IDLE_TIMEOUT, OPT_MIN_RATE, OPT_GRACE, OPT_IO,
	OPT_HELP, OPT_VERSION,
};

static const struct option long_options[] = {
	{ "listen", required_argument, NULL, OPT_LISTEN },
	{ "metrics", required_argument, NULL, OPT_METRICS },
	{ "workers", required_argument, NULL, OPT_WORKERS },
	{ "cache", required_argument, NULL, OPT_CACHE },
	{ "access-log", required_argument, NULL, OPT_ACCESS_LOG },
	{ "user", required_argument, NULL, OPT_USER },
	{ "unsealed", no_argument, NULL, OPT_UNSEALED },
	{ "make-trees", no_argument, NULL, OPT_MAKE_TREES },
	{ "max-connections", required_argument, NULL, OPT_MAX_CONNECTIONS },
	{ "max-per-client", required_argument, NULL, OPT_MAX_PER_CLIENT },
	{ "head-timeout", required_argument, NULL, OPT_HEAD_TIMEOUT },
	{ "idle-timeout", required_argument, NULL, OPT_IDLE_TIMEOUT },
	{ "min-rate", required_argument, NULL, OPT_MIN_RATE },
	{ "grace", required_argument, NULL, OPT_GRACE },
	{ "io", required_argument, NULL, OPT_IO },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

__attribute__((format(printf, 1, 2), noreturn))
static void die(const char *format, ...)
{
	va_list args;

	fputs("cfs-serve: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputs("\nTry 'cfs-serve --help'.\n", stderr);
	exit(EXIT_FAILURE);
}

static unsigned int number(const char *option, const char *text,
			   unsigned int min, unsigned int max)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);

	if (*text < '0' || *text > '9' || *end || n < min || n > max)
		die("%s=%s: not a number from %u to %u", option, text, min,
		    max);
	return (unsigned int)n;
}

static uint64_t size(const char *option, const char *text, uint64_t max)
{
	uint64_t n;

	if (units_parse_size(text, &n) || n > max)
		die("%s=%s: not a size up to %llu bytes, such as 64M", option,
		    text, (unsigned long long)max);
	return n;
}

/* Seconds to milliseconds; at least one, for 0 would be over at once. */
static unsigned int seconds(const char *option, const char *text)
{
	return 1000 * number(option, text, 1, 86400);
}

static void add_listener(struct serve_options *o, const char *option,
			 const char *text, enum listen_role role)
{
	if (listen_parse(text))
		die("%s=%s: not a numeric ADDR:PORT, [IPv6]:PORT or :PORT",
		    option, text);
	if (o->n_listen == LISTENERS_MAX)
		die("%s=%s: more than %d addresses", option, text,
		    LISTENERS_MAX);
	o->listen[o->n_listen] = text;
	o->role[o->n_listen++] = role;
}

static enum io_engine parse_engine(const char *text)
{
	if (strcmp(text, "auto") == 0)
		return IO_ENGINE_AUTO;
	if (strcmp(text, "io_uring") == 0)
		return IO_ENGINE_RING;
	if (strcmp(text, "epoll") == 0)
		return IO_ENGINE_EPOLL;
	die("--io=%s: not auto, io_uring or epoll", text);
}

static size_t default_workers(void)
{
	unsigned int n = processors();

	return n < WORKERS_MAX ? n : WORKERS_MAX;
}

static void apply(struct serve_options *o, enum option_id id, const char *arg)
{
	struct serve_limits *limits = &o->limits;

	switch (id) {
	case OPT_LISTEN:
		add_listener(o, "--listen", arg, LISTEN_OBJECTS);
		break;
	case OPT_METRICS:
		add_listener(o, "--metrics", arg, LISTEN_METRICS);
		break;
	case OPT_WORKERS:
		o->n_workers = number("--workers", arg, 1, WORKERS_MAX);
		break;
	case OPT_CACHE:
		limits->cache_bytes = size("--cache", arg, SIZE_MAX / 2);
		break;
	case OPT_ACCESS_LOG:
		o->access_log = arg;
		break;
	case OPT_USER:
		o->user = arg;
		break;
	case OPT_UNSEALED:
		o->unsealed = true;
		break;
	case OPT_MAKE_TREES:
		o->make_trees = true;
		break;
	case OPT_MAX_CONNECTIONS:
		limits->max_connections =
			number("--max-connections", arg, 1, 1000000);
		break;
	case OPT_MAX_PER_CLIENT:
		limits->max_peer = number("--max-per-client", arg, 1, 1000000);
		break;
	case OPT_HEAD_TIMEOUT:
		limits->head_ms = seconds("--head-timeout", arg);
		break;
	case OPT_IDLE_TIMEOUT:
		limits->idle_ms = seconds("--idle-timeout", arg);
		break;
	case OPT_MIN_RATE:
		limits->min_rate = (unsigned int)size("--min-rate", arg,
						      1u << 30);
		break;
	case OPT_GRACE:
		limits->grace_ms = seconds("--grace", arg);
		break;
	case OPT_IO:
		o->engine = parse_engine(arg);
		break;
	case OPT_HELP:
		fputs(usage, stdout);
		exit(EXIT_SUCCESS);
	case OPT_VERSION:
		puts("cfs-serve " CFS_VERSION);
		exit(EXIT_SUCCESS);
	}
}

/* Every option but these two makes sense once only. */
static bool may_repeat(enum option_id id)
{
	return id == OPT_LISTEN || id == OPT_METRICS;
}

void serve_options_parse(int argc, char **argv, struct serve_options *ret)
{
	bool seen[OPT_VERSION - OPT_LISTEN + 1] = { false };
	int index = 0;
	int c;

	*ret = (struct serve_options){
		.n_workers = default_workers(),
		.limits = {
			.max_peer = 1024,
			.cache_bytes = 64u << 20,
			.head_ms = 10000,
			.idle_ms = 30000,
			.min_rate = 1024,
			.grace_ms = 30000,
		},
	};
	while ((c = getopt_long(argc, argv, "", long_options, &index)) != -1) {
		if (c < OPT_LISTEN) {
			fputs("Try 'cfs-serve --help'.\n", stderr);
			exit(EXIT_FAILURE);
		}
		if (seen[c - OPT_LISTEN] && !may_repeat((enum option_id)c))
			die("--%s is given twice", long_options[index].name);
		seen[c - OPT_LISTEN] = true;
		apply(ret, (enum option_id)c, optarg);
	}
	if (optind >= argc)
		die("STORE is missing");
	ret->store = argv[optind++];
	if (optind < argc)
		die("'%s' is one STORE too many", argv[optind]);
}
