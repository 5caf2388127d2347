// SPDX-License-Identifier: GPL-2.0-or-later
/* cfs-store gc: remove what no image needs, and say what and why. */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cache/base/errmsg.h"
#include "cache/base/units.h"
#include "cache/store/list.h"
#include "cache/programs/cfs_store.h"
#include "cache/store/store.h"
#include "cache/upkeep/gc.h"
#include "cache/store/lock.h"

static void print_count(const char *what, const struct cfs_gc_count *count,
			const char *why)
{
	char size[UNITS_SIZE_LEN];

	if (count->objects)
		printf("%-12s %10" PRIu64 " objects %12s  %s\n", what,
		       count->objects, units_format_size(count->bytes, size),
		       why);
}

static void print_report(const struct cfs_gc_report *report, bool dry_run,
			 bool limited)
{
	char size[UNITS_SIZE_LEN];

	printf("%" PRIu64 " images\n", report->images);
	print_count("kept", &report->pinned, "needed by an image");
	print_count("kept", &report->young, "younger than asked for");
	print_count("kept", &report->spare,
		    "needed by no image, but within the limit");
	if (report->removed_other)
		printf("%-12s %18s %12s  %s\n",
		       dry_run ? "would remove" : "removed", "",
		       units_format_size(report->removed_other, size),
		       "beside objects: parts of some, trees, packs, leftovers");
	if (report->removed.objects)
		print_count(dry_run ? "would remove" : "removed",
			    &report->removed,
			    limited ? "needed by no image, least recently used" :
				      "needed by no image");
	else if (!report->removed_other)
		puts(dry_run ? "nothing to remove" : "removed nothing");
}

static json_t *count_json(const struct cfs_gc_count *count)
{
	return json_pack("{s:I, s:I}", "objects", (json_int_t)count->objects,
			 "bytes", (json_int_t)count->bytes);
}

static void print_json(const struct cfs_gc_report *report, bool dry_run)
{
	json_t *root = json_pack(
		"{s:i, s:b, s:I, s:o, s:o, s:o, s:o, s:I, s:b}", "v", 1, "dry_run",
		dry_run, "images", (json_int_t)report->images, "pinned",
		count_json(&report->pinned), "young",
		count_json(&report->young), "spare",
		count_json(&report->spare), "removed",
		count_json(&report->removed), "removed_other_bytes",
		(json_int_t)report->removed_other, "enough", report->enough);

	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

/* One line for each object that goes: what, how large, and last used when. */
static void print_removed(void *context, const struct cfs_object_info *info)
{
	const struct cfs_gc_options *options = context;
	char name[CFS_OBJECT_NAME_LEN + 1], when[32], size[UNITS_SIZE_LEN];
	struct tm tm;

	cfs_object_name_format(&info->digest, name);
	strftime(when, sizeof(when), "%Y-%m-%d %H:%M",
		 gmtime_r(&info->used.tv_sec, &tm));
	printf("%s objects/%s  %s, last used %s UTC\n",
	       options->dry_run ? "would remove" : "removed", name,
	       units_format_size(info->disk_size, size), when);
}

static int check(const struct cfs_gc_options *options, bool verbose, bool json)
{
	if (options->low_water && !options->max_size)
		return store_usage_error("--low-water goes with --max-size");
	if (options->low_water > options->max_size)
		return store_usage_error("--low-water is above --max-size");
	if (verbose && json)
		return store_usage_error("--verbose and --json exclude each other");
	return 0;
}

static int parse(int argc, char **argv, struct cfs_gc_options *ret, bool *json)
{
	static const struct option options[] = {
		{ "dry-run", no_argument, NULL, 'n' },
		{ "keep-younger-than", required_argument, NULL, 'k' },
		{ "max-size", required_argument, NULL, 'm' },
		{ "low-water", required_argument, NULL, 'l' },
		{ "reserve", required_argument, NULL, 'r' },
		{ "no-wait", no_argument, NULL, 'w' },
		{ "verbose", no_argument, NULL, 'v' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	bool verbose = false;
	int option, err = 0;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'n':
			ret->dry_run = true;
			break;
		case 'k':
			err = units_parse_duration(optarg,
						   &ret->keep_younger_s);
			break;
		case 'm':
			err = units_parse_size(optarg, &ret->max_size);
			break;
		case 'l':
			err = units_parse_size(optarg, &ret->low_water);
			break;
		case 'r':
			err = units_parse_size(optarg, &ret->reserve);
			break;
		case 'w':
			ret->wait = false;
			break;
		case 'v':
			verbose = true;
			ret->removed = print_removed;
			ret->context = ret;
			break;
		case 'j':
			*json = true;
			break;
		default:
			return STORE_EXIT_USAGE;
		}
		if (err < 0)
			return store_usage_error("%s: not a %s", optarg,
						 option == 'k' ? "time" :
								 "size");
	}
	if (argc - optind != 1)
		return store_usage_error("gc takes a store");
	return check(ret, verbose, *json);
}

int store_gc(int argc, char **argv)
{
	struct cfs_gc_options options = { .wait = true };
	struct errmsg msg = { .text = "" };
	struct cfs_gc_report report;
	struct cfs_store *store;
	bool json = false;
	int err = parse(argc, argv, &options, &json);

	if (err == 0)
		err = store_open_named(argv[optind], 0, &store);
	if (err)
		return err;
	err = cfs_store_gc(store, &options, &report, &msg);
	cfs_store_close(store);
	if (err == CFS_STORE_BUSY) {
		store_complain("%s: in use; try again, or leave out --no-wait",
			       argv[optind]);
		return STORE_EXIT_BUSY;
	}
	if (err < 0)
		return store_complain(
			"%s: %s; %s", argv[optind],
			msg.text[0] ? msg.text : strerror(-err),
			err == -ENOENT || err == -EUCLEAN ?
				"fetch it again, or unpin it first" :
				"stopped");
	if (json)
		print_json(&report, options.dry_run);
	else
		print_report(&report, options.dry_run,
			     options.max_size || options.reserve);
	if (!report.enough)
		return store_complain("%s: what is left is needed by an image, or too young to go",
				      argv[optind]);
	return 0;
}
