// SPDX-License-Identifier: GPL-2.0-or-later
/* composefs-info: look into images. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/process.h"
#include "cache/programs/info.h"

static const char usage[] =
"Usage: composefs-info [OPTION]... COMMAND FILE...\n"
"Look into composefs images.\n"
"\n"
"  ls IMAGE...               names, symlink targets and objects\n"
"  dump IMAGE...             everything, as composefs-dump(5) text\n"
"  objects IMAGE...          the objects that the images need\n"
"  missing-objects IMAGE...  those of them that are not under --basedir;\n"
"                            exit status 2 if there are some\n"
"  measure-file FILE...      fs-verity digests of any files\n"
"\n"
"  --basedir=DIR             where the objects are\n"
"  --filter=NAME             only this name of the image's root folder;\n"
"                            can be given more than once\n"
"  --digests                 ls: digests, as logs have them, for paths of objects\n"
"  --json                    print JSON\n"
"  --help                    show this and exit\n"
"  --version                 show the version and exit\n";

enum {
	OPT_BASEDIR = 1000, OPT_DIGESTS, OPT_FILTER, OPT_JSON, OPT_HELP, OPT_VERSION,
};

static const struct option long_options[] = {
	{ "basedir", required_argument, NULL, OPT_BASEDIR },
	{ "digests", no_argument, NULL, OPT_DIGESTS },
	{ "filter", required_argument, NULL, OPT_FILTER },
	{ "json", no_argument, NULL, OPT_JSON },
	{ "help", no_argument, NULL, OPT_HELP },
	{ "version", no_argument, NULL, OPT_VERSION },
	{ NULL, 0, NULL, 0 },
};

static const struct command {
	const char *name;
	int (*run)(const struct info *info);
} commands[] = {
	{ "ls", info_ls },
	{ "dump", info_dump },
	{ "objects", info_objects },
	{ "missing-objects", info_missing_objects },
	{ "measure-file", info_measure_file },
};

__attribute__((noreturn))
static void bad_usage(const char *why, const char *what)
{
	fprintf(stderr, "composefs-info: %s%s\n", why, what);
	fputs("Try 'composefs-info --help'.\n", stderr);
	exit(EXIT_FAILURE);
}

static const struct command *find_command(const char *name)
{
	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (strcmp(name, commands[i].name) == 0)
			return &commands[i];
	}
	bad_usage("unknown command: ", name);
}

static void open_basedir(struct info *info, const char *path)
{
	if (info->basedir_fd >= 0)
		close(info->basedir_fd);
	info->basedir_fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (info->basedir_fd < 0) {
		fprintf(stderr, "composefs-info: can't open basedir '%s': %s\n",
			path, strerror(errno));
		exit(EXIT_FAILURE);
	}
}

static const struct command *parse_options(int argc, char **argv,
					   struct info *info)
{
	const struct command *command;
	int c;

	while ((c = getopt_long(argc, argv, "", long_options, NULL)) != -1) {
		switch (c) {
		case OPT_BASEDIR:
			open_basedir(info, optarg);
			break;
		case OPT_DIGESTS:
			info->digests = true;
			break;
		case OPT_FILTER:
			if (strchr(optarg, '/'))
				bad_usage("a filter is one name without '/': ",
					  optarg);
			info->filters[info->n_filters++] = optarg;
			break;
		case OPT_JSON:
			info->json = true;
			break;
		case OPT_HELP:
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		case OPT_VERSION:
			puts("composefs-info " CFS_VERSION);
			exit(EXIT_SUCCESS);
		default:
			fputs("Try 'composefs-info --help'.\n", stderr);
			exit(EXIT_FAILURE);
		}
	}
	if (optind == argc)
		bad_usage("no command is given", "");
	command = find_command(argv[optind++]);
	if (optind == argc)
		bad_usage("no file is given for ", command->name);
	info->files = argv + optind;
	info->n_files = (size_t)(argc - optind);
	return command;
}

int main(int argc, char **argv)
{
	struct info info = { .basedir_fd = -1 };
	const struct command *command;
	int status;

	process_begin();
	info.filters = calloc((size_t)argc, sizeof(*info.filters));
	if (!info.filters) {
		fputs("composefs-info: no memory\n", stderr);
		return EXIT_FAILURE;
	}
	command = parse_options(argc, argv, &info);
	status = command->run(&info);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "composefs-info: can't write to stdout: %s\n",
			strerror(errno));
		status = EXIT_FAILURE;
	}
	if (info.basedir_fd >= 0)
		close(info.basedir_fd);
	free(info.filters);
	return status;
}
