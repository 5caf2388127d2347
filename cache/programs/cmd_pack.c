// SPDX-License-Identifier: GPL-2.0-or-later
/* cfs-store pack: what a start of an image needs, as one file. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/beneath.h"
#include "cache/base/cleanup.h"
#include "cache/base/processors.h"
#include "cache/base/progress.h"
#include "cache/base/replace_file.h"
#include "cache/base/units.h"
#include "cache/mirror/mirror_file.h"
#include "cache/mirror/pack_write.h"
#include "cache/programs/cfs_store.h"
#include "cache/store/store.h"

#define THREADS_MAX	256
#define LEVEL_MAX	22
/* Digest, dot and NAME make a name that a mirror accepts. */
#define NAME_MAX_LEN	(CFS_IMAGE_NAME_MAX - CFS_DIGEST_HEX_LEN - 1)

struct pack_command {
	struct cfs_pack_options options;
	uint64_t max_size;
	const char *profile;
	const char *name;
	const char *store_path;
	const char *image_name;
	bool all;
	bool json;
	char file[2 * CFS_DIGEST_HEX_LEN + 2];	/* "<digest>[.NAME]" */
	uint64_t total;
	struct progress progress;
};

static void show(void *context, uint64_t bytes)
{
	struct pack_command *command = context;
	const struct progress_state state = {
		.bytes = bytes,
		.total = command->total,
	};

	progress_show(&command->progress, &state);
}

static int take_option(struct pack_command *command, int option)
{
	switch (option) {
	case 'p':
		command->profile = optarg;
		return 0;
	case 'a':
		command->all = true;
		return 0;
	case 'n':
		command->name = optarg;
		if (!cfs_image_name_valid(optarg) || strlen(optarg) > NAME_MAX_LEN)
			return store_usage_error("--name=%s: a letter or digit, then at most %d letters, digits, dots, underscores and dashes",
						 optarg, NAME_MAX_LEN - 1);
		return 0;
	case 'm':
		if (units_parse_size(optarg, &command->max_size) < 0 ||
		    command->max_size > CFS_PACK_OBJECT_LIMIT)
			return store_usage_error("--max-object-size=%s: not a size up to 1G",
						 optarg);
		return 0;
	case 'l':
		command->options.level = (int)store_number(optarg, LEVEL_MAX);
		return command->options.level ? 0 :
			store_usage_error("--level: a number from 1 to %d", LEVEL_MAX);
	case 't':
		command->options.n_threads = store_number(optarg, THREADS_MAX);
		return command->options.n_threads ? 0 :
			store_usage_error("--threads: a number from 1 to %d",
					  THREADS_MAX);
	case 'j':
		command->json = true;
		return 0;
	default:
		return STORE_EXIT_USAGE;
	}
}

static int parse(int argc, char **argv, struct pack_command *command)
{
	static const struct option options[] = {
		{ "profile", required_argument, NULL, 'p' },
		{ "all", no_argument, NULL, 'a' },
		{ "name", required_argument, NULL, 'n' },
		{ "max-object-size", required_argument, NULL, 'm' },
		{ "level", required_argument, NULL, 'l' },
		{ "threads", required_argument, NULL, 't' },
		{ "json", no_argument, NULL, 'j' },
		{ NULL, 0, NULL, 0 },
	};
	int option, status;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		status = take_option(command, option);
		if (status)
			return status;
	}
	if (argc - optind != 2)
		return store_usage_error("pack takes a store and an image");
	if (command->all && command->profile)
		return store_usage_error("--all and --profile exclude each other");
	command->store_path = argv[optind];
	command->image_name = argv[optind + 1];
	return 0;
}

/* Read the list of what goes in. */
static int fill_order(struct pack_command *command, const struct cfs_digest *image,
		      struct cfs_pack_order *order)
{
	char in_store[sizeof(command->file) + 16];
	const char *path = command->profile ? command->profile : in_store;
	CLEANUP_CLOSE int fd = -1;
	int err;

	if (command->all) {
		err = cfs_pack_order_image(order, image);
		return err ? store_complain("%s: %s", command->image_name,
					    strerror(-err)) : 0;
	}
	snprintf(in_store, sizeof(in_store), "profiles/%s", command->file);
	if (command->profile) {
		fd = open(path, O_RDONLY | O_CLOEXEC);
		err = fd < 0 ? -errno : 0;
	} else {
		fd = beneath_open(cfs_store_root_fd(order->store), path,
				  O_RDONLY | O_NONBLOCK, 0);
		err = fd < 0 ? fd : 0;
	}
	if (err == -ENOENT && !command->profile)
		return store_complain("%s/%s: no such profile; give --profile=FILE, or --all for everything the image names",
				      command->store_path, path);
	if (err == 0)
		err = cfs_pack_order_profile(order, fd);
	if (err)
		return command->profile ?
			store_complain("%s: %s", path, strerror(-err)) :
			store_complain_of(order->store, path, err);
	if (!order->n)
		return store_complain("%s: lists no object that %s has and names",
				      path, command->store_path);
	return 0;
}

static int write_pack(struct pack_command *command, const struct cfs_digest *image,
		      const struct cfs_pack_order *order,
		      struct cfs_pack_report *report)
{
	char object[CFS_OBJECT_NAME_LEN + 1], path[sizeof(command->file) + 8];
	struct cfs_store *store = order->store;
	CLEANUP_CLOSE int folder_fd = -1;
	struct replace_file file;
	int err = cfs_store_folder(store, "packs", true, &folder_fd);

	snprintf(path, sizeof(path), "packs/%s", command->file);
	if (err == 0)
		err = replace_file_begin_at(&file, folder_fd, command->file, 0444);
	if (err < 0)
		return store_complain_of(store, path, err);
	err = cfs_pack_write(image, order, &command->options, file.fd, report);
	progress_end(&command->progress);
	if (err) {
		replace_file_abandon(&file);
		cfs_object_name_format(&report->damaged, object);
		return err == -EBADMSG ?
			store_complain("objects/%s: damaged; see cfs-store verify --full",
				       object) :
			store_complain("%s: %s", path, err < 0 ? strerror(-err) :
				       "an object went while it was packed");
	}
	err = replace_file_commit(&file);
	if (err == 0)
		err = cfs_mirror_file_update(store);
	if (err < 0)
		return store_complain_of(store, path, err);
	return 0;
}

static void print_report(const struct pack_command *command,
			 const struct cfs_pack_order *order,
			 const struct cfs_pack_report *report)
{
	char size[UNITS_SIZE_LEN], packed[UNITS_SIZE_LEN];

	printf("packs/%s: %" PRIu32 " objects, %s in %s\n", command->file,
	       order->n, units_format_size(order->bytes, size),
	       units_format_size(report->file_size, packed));
	if (order->missing)
		printf("left out, since the store lacks them: %" PRIu64 "\n",
		       order->missing);
	if (order->large)
		printf("left out, over --max-object-size: %" PRIu64 "\n",
		       order->large);
	if (order->strange)
		printf("listed, but not of this image: %" PRIu64 "\n",
		       order->strange);
	if (order->bad_lines)
		printf("lines of the profile that are no digests: %" PRIu64 "\n",
		       order->bad_lines);
	if (order->too_long)
		puts("the profile is longer than 8 MiB: the rest was not read");
}

static void print_json(const struct pack_command *command,
		       const struct cfs_pack_order *order,
		       const struct cfs_pack_report *report)
{
	json_t *root = json_pack(
		"{s:i, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:b}", "v", 1,
		"pack", command->file, "objects", (json_int_t)order->n, "bytes",
		(json_int_t)order->bytes, "packed_bytes",
		(json_int_t)report->file_size, "frames",
		(json_int_t)report->n_frames, "missing",
		(json_int_t)order->missing, "large", (json_int_t)order->large,
		"strange", (json_int_t)order->strange, "repeated",
		(json_int_t)order->repeated, "bad_lines",
		(json_int_t)order->bad_lines, "profile_cut", order->too_long);

	json_dumpf(root, stdout, JSON_INDENT(2));
	putchar('\n');
	json_decref(root);
}

static int pack(struct pack_command *command, struct cfs_store *store,
		const struct cfs_digest *image)
{
	struct cfs_pack_report report = { 0 };
	struct cfs_object_table table;
	struct cfs_pack_order order;
	int err = cfs_object_table_of(store, image, &table);

	if (err)
		return store_complain("%s: %s", command->image_name,
				      err < 0 ? strerror(-err) :
						"the store does not have this image");
	err = cfs_pack_order_init(&order, store, &table, command->max_size);
	if (err < 0) {
		cfs_object_table_free(&table);
		return store_complain("%s: %s", command->image_name,
				      strerror(-err));
	}
	err = fill_order(command, image, &order);
	command->total = order.bytes;
	progress_begin(&command->progress, "cfs-store", "objects");
	if (!err)
		err = write_pack(command, image, &order, &report);
	if (!err && command->json)
		print_json(command, &order, &report);
	else if (!err)
		print_report(command, &order, &report);
	cfs_pack_order_free(&order);
	cfs_object_table_free(&table);
	return err;
}

int store_pack(int argc, char **argv)
{
	struct pack_command command = {
		.options = {
			.level = CFS_PACK_LEVEL,
			.frame_size = CFS_PACK_FRAME_SIZE,
			.n_threads = processors(),
			.progress = show,
			.context = &command,
		},
		.max_size = CFS_PACK_MAX_OBJECT,
	};
	struct cfs_digest image;
	struct cfs_store *store;
	int err = parse(argc, argv, &command);

	if (err == 0)
		err = store_open_named(command.store_path, 0, &store);
	if (err)
		return err;
	err = store_resolve(store, command.image_name, &image);
	if (err == 0) {
		cfs_digest_format(&image, command.file);
		if (command.name)
			snprintf(command.file + CFS_DIGEST_HEX_LEN,
				 NAME_MAX_LEN + 2, ".%s", command.name);
		err = pack(&command, store, &image);
	}
	cfs_store_close(store);
	return err;
}
