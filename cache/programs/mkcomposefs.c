// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mkcomposefs: a directory or a dump becomes an image.
 *
 *	read the tree ---> write the image to nameless files ---> name them
 *
 * so that a run that fails or is killed leaves neither an image nor a part of
 * one; at most objects, each of them whole.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/descriptor_limit.h"
#include "cache/base/errmsg.h"
#include "cache/base/failpoint.h"
#include "cache/base/full_io.h"
#include "cache/base/process.h"
#include "cache/base/replace_file.h"
#include "cache/build/dump_parse.h"
#include "cache/build/tree.h"
#include "cache/build/write.h"
#include "cache/store/publish.h"
#include "cache/programs/mkcomposefs.h"
#include "cache/store/explain.h"
#include "cache/store/guard.h"
#include "cache/store/store.h"
#include "cache/store/unmake.h"
#include "cache/store/lock.h"
#include "cache/verity/hash.h"

/* Everywhere that the bytes of the image go. */
struct output {
	struct cfs_verity_hash *hash;
	struct replace_file file;
	int image_fd;			/* -1: none; borrowed */
	int object_fd;			/* staged in the store; -1: none */
	uint64_t size;
	struct cfs_digest digest;	/* when all is written */
};

/* That had to be made; die() takes it back. */
static struct {
	const char *path;
	unsigned int absent;
} new_store;

void die(const char *format, ...)
{
	va_list args;

	fputs("mkcomposefs: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	if (new_store.absent)
		cfs_store_unmake(new_store.path, new_store.absent);
	exit(EXIT_FAILURE);
}

static void read_dump(const struct mkcomposefs_options *o,
		      struct cfs_tree *tree)
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

static void read_directory(const struct mkcomposefs_options *o,
			   struct cfs_store *store,
			   struct cfs_scan_counters *counters,
			   struct cfs_tree *tree)
{
	struct cfs_scan_options options = o->scan;
	struct mkcomposefs_progress progress;
	struct errmsg msg = { "" };
	int err;

	options.store = store;
	mkcomposefs_progress_begin(&progress, o->source, counters);
	err = cfs_scan(o->source, &options, counters, tree, &msg);
	mkcomposefs_progress_end(&progress);
	if (err)
		die("%s", msg.text[0] ? msg.text : strerror(-err));
}

static void say_waiting(const struct cfs_store_lock_holder *holder)
{
	char text[CFS_STORE_LOCK_TEXT];

	fprintf(stderr, "mkcomposefs: %s\n", cfs_store_lock_format(holder, text));
}

static void open_store(const struct mkcomposefs_options *o,
		       struct cfs_store **ret, int *lock_fd)
{
	const char *path = o->store ? o->store : o->digest_store;
	struct errmsg why;
	int err;

	if (!path || (o->digest_store && o->from_file))
		return;
	if (o->store) {
		new_store.path = path;
		new_store.absent = cfs_store_absent(path);
	}
	err = o->store ? cfs_store_open(path, CFS_STORE_CREATE, ret) :
			 cfs_store_open_objects(path, CFS_STORE_CREATE, ret);
	if (err) {
		cfs_store_explain_open(path, err, &why);
		die("%s", why.text);
	}
	if (!o->store)
		return;
	err = cfs_store_guard(path, &why);
	if (err < 0)
		die("%s", why.text);
	if (err > 0)
		fprintf(stderr, "mkcomposefs: %s\n", why.text);
	/* Until the image's name pins them, gc must not take our objects. */
	err = cfs_store_lock(*ret, CFS_STORE_LOCK_SHARED, true, lock_fd);
	if (err)
		die("%s: %s", path, strerror(-err));
	if (!cfs_store_has_verity(*ret))
		fprintf(stderr, "mkcomposefs: %s: no fs-verity on this file system; mount with verity_check=0\n",
			path);
}

static bool is_stdout(int fd)
{
	struct stat st, out;

	/* To /dev/null all may go. */
	return fstat(fd, &st) == 0 && !S_ISCHR(st.st_mode) &&
	       fstat(STDOUT_FILENO, &out) == 0 &&
	       st.st_dev == out.st_dev && st.st_ino == out.st_ino;
}

static void open_output(const struct mkcomposefs_options *o,
			struct cfs_store *store, struct output *output)
{
	int err;

	if (o->image) {
		err = replace_file_begin(&output->file, o->image, 0644);
		if (err)
			die("%s: %s", o->image, strerror(-err));
		if (isatty(output->file.fd))
			die("%s is a terminal, and the image is not text",
			    strcmp(o->image, "-") == 0 ? "stdout" : o->image);
		if (o->json && is_stdout(output->file.fd))
			die("--json can't be printed after an image on stdout");
		output->image_fd = output->file.fd;
	}
	if (o->store) {
		err = cfs_object_stage(store, 0, &output->object_fd);
		if (err)
			die("%s: %s", o->store, strerror(-err));
	}
	err = cfs_verity_hash_new(&output->hash);
	if (err)
		die("%s", strerror(-err));
}

static int take_bytes(void *context, const void *data, size_t len)
{
	struct output *output = context;
	int err = cfs_verity_hash_add(output->hash, data, len);

	if (!err)
		err = FAILPOINT("image.write");
	if (!err && output->image_fd >= 0)
		err = full_write(output->image_fd, data, len);
	if (!err && output->object_fd >= 0)
		err = full_write(output->object_fd, data, len);
	output->size += len;
	return err;
}

static void write_image(const struct mkcomposefs_options *o,
			struct cfs_tree *tree, struct output *output)
{
	struct errmsg msg = { "" };
	int err = cfs_image_write(tree, o->min_version, o->max_version,
				  take_bytes, output, &msg);

	if (!err)
		err = cfs_verity_hash_finish(output->hash, &output->digest);
	if (err)
		die("%s: %s", o->image ? o->image : o->store ? o->store :
							       o->source,
		    msg.text[0] ? msg.text : strerror(-err));
}

static void die_of_store(const struct cfs_store *store, const char *path, int err)
{
	struct errmsg why;

	cfs_store_explain(store, err, &why);
	die("%s: %s", path, why.text);
}

/* The image is an object too; its name comes last, when all it needs is there. */
static void publish(const struct mkcomposefs_options *o,
		    struct cfs_store *store, struct output *output)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];
	int err;

	if (o->store) {
		err = cfs_object_publish(store, output->object_fd,
					 &output->digest);
		output->object_fd = -1;
		if (err < 0)
			die_of_store(store, o->store, err);
	}
	if (store) {
		err = cfs_store_sync(store);
		if (err)
			die("%s: %s", o->store ? o->store : o->digest_store,
			    strerror(-err));
	}
	if (o->image) {
		err = replace_file_commit(&output->file);
		if (err)
			die("%s: %s", o->image, strerror(-err));
	}
	if (o->store) {
		cfs_digest_format(&output->digest, hex);
		err = cfs_store_image_set(store, o->name ? o->name : hex,
					  &output->digest);
		if (err < 0)
			die_of_store(store, o->store, err);
		if (err)
			die("%s: %s: the image is gone", o->store,
			    o->name ? o->name : hex);
	}
}

static void print_json(const struct mkcomposefs_options *o,
		       const struct cfs_scan_counters *counters,
		       const struct output *output)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];
	json_t *json;

	cfs_digest_format(&output->digest, hex);
	json = json_pack("{s:s, s:I}", "digest", hex,
			 "image_bytes", (json_int_t)output->size);
	if (json && !o->from_file) {
		json_object_set_new(json, "files",
				    json_integer(counters->files));
		json_object_set_new(json, "bytes",
				    json_integer(counters->bytes));
	}
	if (json && !o->from_file && (o->store || o->digest_store)) {
		json_object_set_new(json, "objects",
				    json_integer(counters->objects));
		json_object_set_new(json, "object_bytes",
				    json_integer(counters->object_bytes));
		json_object_set_new(json, "new_objects",
				    json_integer(counters->new_objects));
		json_object_set_new(json, "new_bytes",
				    json_integer(counters->new_bytes));
	}
	if (!json || json_dumpf(json, stdout, JSON_INDENT(2)) < 0)
		die("stdout: %s", strerror(errno ? errno : ENOMEM));
	putchar('\n');
	json_decref(json);
}

static void print_results(const struct mkcomposefs_options *o,
			  const struct cfs_scan_counters *counters,
			  const struct output *output)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];

	if (o->json) {
		print_json(o, counters, output);
	} else if (o->print_digest) {
		cfs_digest_format(&output->digest, hex);
		puts(hex);
	}
	if (fflush(stdout) || ferror(stdout))
		die("stdout: %s", strerror(errno));
}

int main(int argc, char **argv)
{
	struct output output = {
		.file = { .fd = -1, .dir_fd = -1 },
		.image_fd = -1,
		.object_fd = -1,
	};
	struct cfs_scan_counters counters = { 0 };
	struct cfs_store *store = NULL;
	struct mkcomposefs_options o;
	struct cfs_tree tree = { 0 };
	CLEANUP_CLOSE int lock_fd = -1;

	process_begin();
	cfs_store_lock_tell(say_waiting);
	mkcomposefs_parse_options(argc, argv, &o);
	descriptor_limit_raise();
	open_store(&o, &store, &lock_fd);
	open_output(&o, store, &output);
	if (o.from_file)
		read_dump(&o, &tree);
	else
		read_directory(&o, store, &counters, &tree);
	write_image(&o, &tree, &output);
	publish(&o, store, &output);
	print_results(&o, &counters, &output);

	cfs_verity_hash_free(output.hash);
	cfs_tree_release(&tree);
	cfs_store_close(store);
	return EXIT_SUCCESS;
}
