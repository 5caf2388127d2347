// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * mount.composefs: what mount(8) runs for `mount -t composefs IMAGE MNT`.
 *
 *	basedirs	where objects are, and whether something fetches
 *	checks		whether the file systems can give what is asked for
 *	image		the file, or what cfs-fetch got, checked against digest=
 *	fetcher		cfs-fetch, for as long as the mount lives
 *	backend		composefs.ko, or EROFS and overlayfs
 *	attach		only now anybody sees the mount
 *
 * A remount changes what is attached already, see mount_remount.c.
 *
 * What is not attached yet is gone when this process is, so no failure needs
 * undoing.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/process.h"
#include "cache/base/url_text.h"
#include "cache/mount/context.h"
#include "cache/programs/mount_request.h"
#include "cache/store/lock.h"
#include "cache/store/unmake.h"


/* Exit statuses of mount(8). */
enum { EXIT_USAGE = 1, EXIT_SYSTEM = 2, EXIT_FAIL = 32 };

static const char usage[] =
"Usage: mount.composefs [-sfnv] [-N NAMESPACE] [-t TYPE] [-o OPTION[,OPTION]...] IMAGE MOUNTPOINT\n"
"       mount.composefs [...] http://HOST/images/NAME MOUNTPOINT -o store=STORE[,digest=HEX]\n"
"Mount a composefs image.\n"
"\n"
"  -o basedir=DIR[:DIR]...  where objects are: folders, and mounts of cfs-fetch\n"
"     store=STORE           the same as basedir=STORE/objects\n"
"     mirror=URL            fetch what the store lacks from here, too\n"
"     hard, soft            wait for ever for a mirror, or give up (soft)\n"
"     deadline=SECONDS      when to give up\n"
"     ca-bundle=, client-cert=, client-key=, complete, complete-rate=, connections=,\n"
"     header-file=, no-hedge, secrets-in-clear,\n"
"     no-io-uring, noprefetch, profile=, proxy=, proxy-file=, record=,\n"
"     for-root, s3-credentials=, s3-region=, status-file=, threads=, token-file=, transfers=\n"
"                           as the options of cfs-fetch\n"
"     log=FILE              where the fetcher's messages go (default: the journal)\n"
"     digest=HEX            the image must have this fs-verity digest\n"
"     verity_check=0|1|2    what an object must have to be opened\n"
"     verity, tryverity     verity_check=2; the same where it is possible\n"
"     image_verity          with verity_check=0: the image must have fs-verity\n"
"     upperdir=, workdir=   make the mount writable\n"
"     idmap=FILE            user namespace to map owners through\n"
"     backend=kernel|overlay\n"
"     remount               change flags; with composefs.ko also where objects are\n"
"     ro, rw, nosuid, nodev, noexec, noatime, ...\n"
"  -s  pass over unknown options      -f  only check the arguments\n"
"  -v  say what is done               -n, -t  have no effect\n"
"  -N NAMESPACE  mount there: a process id, or a file such as /proc/PID/ns/mnt\n"
"  --help, --version\n";

void say(const char *format, ...)
{
	va_list args;

	fputs("mount.composefs: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
}

/* Say why, if the library did not, and end. */
__attribute__((noreturn))
static void fail(int status, int err, const struct errmsg *msg)
{
	if (err == -ENOMEM)
		status = EXIT_SYSTEM;
	say("%s", msg->text[0] ? msg->text : strerror(-err));
	exit(status);
}

static int join_options(char **all, const char *more)
{
	char *joined;

	if (asprintf(&joined, "%s%s%s", *all ? *all : "", *all ? "," : "",
		     more) < 0)
		return -ENOMEM;
	free(*all);
	*all = joined;
	return 0;
}

static void enter_namespace(const char *name)
{
	char path[64];
	const char *file = name;
	char *end;
	long pid = strtol(name, &end, 10);

	if (!*end && pid > 0) {
		snprintf(path, sizeof(path), "/proc/%ld/ns/mnt", pid);
		file = path;
	}

	CLEANUP_CLOSE int fd = open(file, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || setns(fd, CLONE_NEWNS) < 0) {
		say("namespace %s: %s", name, strerror(errno));
		exit(EXIT_SYSTEM);
	}
}

static void parse_arguments(int argc, char **argv, struct request *r)
{
	static const struct option long_options[] = {
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ NULL, 0, NULL, 0 },
	};
	CLEANUP_FREE char *all = NULL;
	struct errmsg msg = { "" };
	bool sloppy = false;
	int c, err;

	while ((c = getopt_long(argc, argv, "sfnvN:t:o:hV", long_options,
				NULL)) != -1) {
		switch (c) {
		case 's':
			sloppy = true;
			break;
		case 'f':
			r->fake = true;
			break;
		case 'v':
			r->verbose = true;
			break;
		case 'n':
		case 't':
			break;
		case 'N':
			enter_namespace(optarg);
			break;
		case 'o':
			if (join_options(&all, optarg) < 0)
				fail(EXIT_SYSTEM, -ENOMEM, &msg);
			break;
		case 'h':
			fputs(usage, stdout);
			exit(EXIT_SUCCESS);
		case 'V':
			puts("mount.composefs " CFS_VERSION);
			exit(EXIT_SUCCESS);
		default:
			fputs(usage, stderr);
			exit(EXIT_USAGE);
		}
	}
	if (argc - optind != 2) {
		fputs(usage, stderr);
		exit(EXIT_USAGE);
	}
	r->source = argv[optind];
	r->target = argv[optind + 1];
	err = mount_options_parse(&r->options, all ? all : "", sloppy, &msg);
	if (err < 0)
		fail(EXIT_USAGE, err, &msg);
	r->options_text = take_ptr(all);
}

/* A remount leaves as it is what is not named. */
static int check_places(const struct request *r, struct errmsg *msg)
{
	const struct mount_options *o = &r->options;
	bool keeps = o->remount && !o->n_basedirs;

	if (o->store)
		return 0;
	if ((r->is_url && !keeps) || o->n_mirrors)
		return errmsg_set(msg, -EINVAL,
				  "an image on a mirror needs store=STORE");
	if (!o->n_basedirs && !keeps)
		return errmsg_set(msg, -EINVAL,
				  "basedir=DIR is missing: where are the objects?");
	return 0;
}

/* Of a URL, before anything else that would repeat a password. */
static int refuse_user(const char *url, struct errmsg *msg)
{
	CLEANUP_FREE char *shown = url_masked(url);

	return errmsg_set(msg, -EINVAL,
			  "%s: a user or password in a URL can be read by everybody; see the options token-file=, header-file= and s3-credentials=",
			  shown ? shown : "the URL");
}

/* What of all that can be said before anything is touched. */
static void check_request(struct request *r)
{
	struct mount_options *o = &r->options;
	struct errmsg msg = { "" };
	int err = 0;

	r->is_url = mount_source_is_url(r->source);
	if (url_has_user(r->source))
		err = refuse_user(r->source, &msg);
	else if (r->is_url)
		err = mount_source_parse(r->source, &r->url, &msg);
	if (err == 0)
		err = check_places(r, &msg);
	if (err == 0 && r->is_url && !r->url.name[0]) {
		if (o->has_digest &&
		    !cfs_digest_equal(&o->digest, &r->url.digest))
			err = errmsg_set(&msg, -EINVAL,
					 "digest= and the digest in the URL differ");
		/* To name an image by its digest is to pin it. */
		if (!o->has_digest && !o->verity_check)
			o->verity_check = 2;
		o->has_digest = true;
		o->digest = r->url.digest;
	}
	if (err < 0)
		fail(EXIT_USAGE, err, &msg);
}

/* What is weaker than it could be is said, once. */
static void say_weaknesses(const struct request *r)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];
	const char *given = r->options_text;

	if (r->weak.text[0])
		say("%s: objects are checked when they are fetched, not when they are read (verity_check=0)",
		    r->weak.text);
	if (!r->is_url || r->options.has_digest)
		return;
	cfs_digest_format(&r->digest, hex);
	/* mount(8) will put it in front again. */
	if (strncmp(given, "rw,", 3) == 0)
		given += 3;
	say("nothing vouches for %s, so it is mounted nosuid,nodev; to get this image and no other next time: -o '%s,digest=%s%s'",
	    r->source, given, hex,
	    r->weak.text[0] && !r->options.says_verity &&
		    !r->options.try_verity ? ",tryverity" : "");
}

static int run(struct request *r, struct errmsg *msg)
{
	CLEANUP_CLOSE int target_fd = open(r->target, O_PATH | O_DIRECTORY |
					   O_CLOEXEC);
	CLEANUP_CLOSE int mount_fd = -1;
	int err;

	if (target_fd < 0)
		return errmsg_set(msg, -errno, "%s: %s", r->target,
				  strerror(errno));
	if (r->options.remount)
		return remount_image(r, target_fd, msg);
	err = mount_context_permitted(msg);
	if (err == 0)
		err = find_objects(r, msg);
	if (err == 0)
		err = get_image(r, msg);
	if (err < 0)
		return err;
	err = check_image(r, msg);
	if (err == 0)
		err = mount_image(r, &mount_fd, msg);
	if (err == 0 && move_mount(mount_fd, "", target_fd, "",
				   MOVE_MOUNT_F_EMPTY_PATH |
				   MOVE_MOUNT_T_EMPTY_PATH) < 0)
		err = errmsg_set(msg, -errno, "%s: %s", r->target,
				 strerror(errno));
	if (err < 0) {
		forget_image(r);
		return err;
	}
	say_weaknesses(r);
	return 0;
}

static void say_waiting(const struct cfs_store_lock_holder *holder)
{
	char text[CFS_STORE_LOCK_TEXT];

	say("%s", cfs_store_lock_format(holder, text));
}

int main(int argc, char **argv)
{
	struct request request = {
		.image_fd = -1,
		.lock_fd = -1,
		.objects_fd = -1,
	};
	struct errmsg msg = { "" };
	int err = 0;

	process_begin();
	cfs_store_lock_tell(say_waiting);
	mount_options_init(&request.options);
	parse_arguments(argc, argv, &request);
	check_request(&request);
	if (!request.fake)
		err = run(&request, &msg);
	if (err < 0) {
		cleanup_close(&request.lock_fd);
		if (request.store_absent)
			cfs_store_unmake(request.options.store,
					 request.store_absent);
		fail(EXIT_FAIL, err, &msg);
	}
	cleanup_close(&request.image_fd);
	cleanup_close(&request.objects_fd);
	cfs_store_close(request.store);
	free(request.store_path);
	free(request.options_text);
	mount_source_free(&request.url);
	mount_basedirs_free(&request.basedirs);
	mount_options_free(&request.options);
	return EXIT_SUCCESS;
}
