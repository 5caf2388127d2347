// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The daemon: builds its parts in order, runs the loop, and takes them down.
 *
 *	RUNNING --- SIGTERM, SIGINT, or the kernel ended the mount ---> STOPPING
 *	STOPPING	every waiter is answered, no fetch begins, jobs finish,
 *			the store is made durable; then unmount and leave the loop
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cache/base/container_of.h"
#include "cache/base/descriptor_limit.h"
#include "cache/base/log.h"
#include "cache/base/sd_notify.h"
#include "cache/store/store.h"
#include "cache/store/lock.h"
#include "cache/store/transient.h"
#include "fetcher/prefetch/ahead.h"
#include "fetcher/allow/scan.h"
#include "fetcher/programs/daemonize.h"
#include "fetcher/programs/cfs_fetch.h"
#include "fetcher/engine/fetch.h"
#include "fetcher/http/descriptors.h"
#include "fetcher/mount/mount.h"
#include "fetcher/loop/loop.h"
#include "fetcher/mirror/offers.h"
#include "fetcher/programs/fetch_options.h"
#include "fetcher/programs/own_namespace.h"
#include "fetcher/programs/privileges.h"
#include "fetcher/programs/private_root.h"
#include "fetcher/status/status.h"
#include "fetcher/status/file.h"

/* What the daemon opens after its loop: FUSE, signals, /proc, and for moments status,
 * images and profiles. */
#define DESCRIPTORS	5

struct daemon {
	struct fetch_options *options;
	struct background background;
	struct cfs_store *store;
	struct allow_scan *scan;
	struct loop *loop;
	struct fetcher *fetcher;
	struct ahead *ahead;
	struct fuse_mount *mount;
	struct status status;
	struct status_file *status_file;
	struct log_limit log_ahead;
	struct log_limit log_failed;
	struct log_limit log_collected;
	struct loop_fd signals;
	int signal_fd;
	int image_fd;		/* held as long as it is served, or -1 */
	bool stopping;
};

static int fail(const char *what, int err)
{
	fprintf(stderr, "cfs-fetch: %s: %s\n", what, strerror(-err));
	return EXIT_FAILED;
}

/*
 * Of what no reader waits for, all may fail for one reason; and readers may try what
 * fails without end.
 */
static struct log_limit *limit_of(struct daemon *daemon,
				  const struct fetch_event *event)
{
	return event->kind != FETCH_DEMAND && !event->demand_ms ?
		       &daemon->log_ahead : &daemon->log_failed;
}

static void log_event(void *context, const struct fetch_event *event)
{
	struct daemon *daemon = context;
	char hex[CFS_DIGEST_HEX_LEN + 1], reason[256];
	struct log_limit *limit;

	cfs_digest_format(event->digest, hex);
	if (event->final && !event->err) {
		ahead_event(daemon->ahead, event);
		log_line(LOG_INFO,
			 "fetched object=%s bytes=%llu ms=%llu mirror=%s result=%s",
			 hex, (unsigned long long)event->size,
			 (unsigned long long)event->ms,
			 event->mirror ? event->mirror : "-",
			 fetch_result_name(event->result));
		return;
	}
	limit = limit_of(daemon, event);
	if (!log_limit_pass(limit, loop_now_ms(daemon->loop)))
		return;
	status_note_error(&daemon->status, event);
	log_quote(event->reason ? event->reason : "", reason, sizeof(reason));
	log_line(event->final ? LOG_ERR : LOG_WARNING,
		 "%s object=%s ms=%llu mirror=%s result=%s reason=%s error=\"%s\" suppressed=%llu",
		 event->final ? "failed" : "retrying", hex,
		 (unsigned long long)event->ms,
		 event->mirror ? event->mirror : "-",
		 fetch_result_name(event->result), reason,
		 event->err ? strerror(-event->err) : "",
		 (unsigned long long)limit->suppressed);
}

static void log_collection(void *context, const struct fetch_collection *done)
{
	struct daemon *daemon = context;
	const struct cfs_gc_report *report = &done->report;
	const struct cfs_gc_count *kept = &report->pinned;
	char reason[256];

	ahead_objects_removed(daemon->ahead);
	/* A store that stays full is collected for each object that does not fit. */
	if ((done->err || !report->removed.objects) &&
	    !log_limit_pass(&daemon->log_collected, loop_now_ms(daemon->loop)))
		return;
	if (done->err == 0) {
		log_line(LOG_INFO,
			 "collected objects=%llu bytes=%llu ms=%llu kept_objects=%llu kept_bytes=%llu spare_bytes=%llu store=%s",
			 (unsigned long long)report->removed.objects,
			 (unsigned long long)report->removed.bytes,
			 (unsigned long long)done->ms,
			 (unsigned long long)kept->objects,
			 (unsigned long long)kept->bytes,
			 (unsigned long long)report->spare.bytes,
			 daemon->options->store);
		return;
	}
	log_quote(done->err == CFS_STORE_BUSY ?
			  "somebody is about to name an image" : done->msg.text,
		  reason, sizeof(reason));
	log_line(LOG_WARNING, "collected nothing ms=%llu store=%s reason=%s error=\"%s\"",
		 (unsigned long long)done->ms, daemon->options->store, reason,
		 done->err < 0 ? strerror(-done->err) : "");
}

static void stopped(void *context)
{
	struct daemon *daemon = context;

	if (daemon->mount)
		fuse_mount_unmount(daemon->mount);
	loop_stop(daemon->loop);
}

static void stop(struct daemon *daemon, const char *why)
{
	if (daemon->stopping)
		return;
	daemon->stopping = true;
	log_line(LOG_INFO, "stopping reason=\"%s\"", why);
	(void)sd_notify_send("STOPPING=1");
	ahead_stop(daemon->ahead);
	fetcher_stop(daemon->fetcher, stopped, daemon);
}

static void mount_ended(void *context)
{
	stop(context, "unmounted");
}

static int status_text(void *context, enum fuse_mount_text which, char **ret,
		       size_t *ret_len)
{
	struct daemon *daemon = context;

	ahead_look(daemon->ahead);
	switch (which) {
	case FUSE_MOUNT_STATUS_JSON:
		return status_json(&daemon->status, ret, ret_len);
	case FUSE_MOUNT_METRICS:
		return status_metrics(&daemon->status, ret, ret_len);
	}
	return -EINVAL;
}

/* One line an image, so that the log shows what may be fetched. */
static void log_images(const struct allow_scan *scan)
{
	size_t n;
	const struct allow_image *images = allow_scan_images(scan, &n);

	for (size_t i = 0; i < n; i++) {
		char hex[CFS_DIGEST_HEX_LEN + 1], file[256];

		cfs_digest_format(&images[i].digest, hex);
		if (images[i].err)
			log_line(LOG_ERR, "unreadable image=%s name=%s error=\"%s\"",
				 hex, images[i].name ? images[i].name : "-",
				 strerror(-images[i].err));
		else if (images[i].clashes)
			log_line(LOG_WARNING,
				 "contradiction image=%s name=%s objects=%zu reason=\"the images of the store give them several sizes\" effect=\"the digests decide\"",
				 hex, images[i].name ? images[i].name : "-",
				 images[i].clashes);
		if (images[i].n_files)
			log_line(LOG_WARNING,
				 "unfetchable image=%s name=%s files=%zu first=%s reason=\"their contents are not named by their digests\" effect=\"they open only if another basedir has them\"",
				 hex, images[i].name ? images[i].name : "-",
				 images[i].n_files,
				 log_quote(images[i].file ? images[i].file : "-",
					   file, sizeof(file)));
	}
}

static void scan_again(struct daemon *daemon)
{
	int err = allow_scan_again(daemon->scan);

	if (err)
		log_line(LOG_ERR, "scan error=\"%s\"", strerror(-err));
	log_images(daemon->scan);
	ahead_images_read(daemon->ahead);
}

static void signal_came(struct loop_fd *lfd, uint32_t events)
{
	struct daemon *daemon = container_of(lfd, struct daemon, signals);
	struct signalfd_siginfo info;

	(void)events;
	while (read(daemon->signal_fd, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGHUP)
			scan_again(daemon);
		else
			stop(daemon, info.ssi_signo == SIGTERM ? "SIGTERM" :
								 "SIGINT");
	}
}

static int watch_signals(struct daemon *daemon)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	/* Blocked since before there were threads, see run_mount(). */
	daemon->signal_fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	if (daemon->signal_fd < 0)
		return -errno;
	daemon->signals.ready = signal_came;
	return loop_fd_start(daemon->loop, &daemon->signals, daemon->signal_fd,
			     EPOLLIN);
}

static void block_signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigprocmask(SIG_BLOCK, &set, NULL);
	/* One that is ignored, as nohup does it, never gets to a signalfd. */
	signal(SIGTERM, SIG_DFL);
	signal(SIGHUP, SIG_DFL);
	signal(SIGPIPE, SIG_IGN);
}

/* Fewer transfers, if no more files may be open. */
static int fit_descriptors(struct fetch_config *config, unsigned int n_threads)
{
	int n = descriptors_fit(config, n_threads, DESCRIPTORS);

	if (n == -EMFILE)
		fprintf(stderr, "cfs-fetch: only %u files may be open, which are too few; see ulimit -n, LimitNOFILE=\n",
			descriptor_limit());
	if (n < 0)
		return EXIT_FAILED;
	if (n > 0) {
		fetch_config_limit_ahead(config);
		log_line(LOG_WARNING, "few_descriptors limit=%u transfers=%d fix=\"ulimit -n, LimitNOFILE=\"",
			 descriptor_limit(), n);
	}
	return 0;
}

static int open_parts(struct daemon *daemon)
{
	struct fetch_options *options = daemon->options;
	unsigned int n_threads;
	const char *what;
	int err, status = open_store(options->store, &daemon->store);

	if (status)
		return status;
	/* What a mount's own fetcher serves keeps its name as long. */
	if (options->n_images == 1 &&
	    fuse_mount_is_descriptor(options->mountpoint))
		(void)cfs_transient_hold(daemon->store, options->images,
					 &daemon->image_fd);
	err = allow_scan_new(daemon->store, options->images, options->n_images,
			     &daemon->scan);
	if (err)
		return fail("reading the images of the store", err);
	log_images(daemon->scan);
	n_threads = descriptors_threads(options->n_threads);
	err = loop_new(options->no_io_uring ? LOOP_NO_IO_URING : 0, n_threads,
		       &daemon->loop);
	if (err)
		return fail("event loop", err);
	err = fit_descriptors(&options->config, n_threads);
	if (err)
		return err;
	err = fetcher_new(daemon->loop, daemon->store, &options->config,
			  log_event, daemon, &daemon->fetcher);
	if (err)
		return fail("download engine", err);
	err = ahead_new(daemon->loop, daemon->store, daemon->scan,
			daemon->fetcher, &options->ahead, &daemon->ahead,
			&what);
	if (err)
		return fail(what, err);
	daemon->status = (struct status){
		.loop = daemon->loop,
		.store = daemon->store,
		.fetcher = daemon->fetcher,
		.scan = daemon->scan,
		.ahead = daemon->ahead,
		.config = &options->config,
		.mountpoint = options->mountpoint,
		.store_path = options->store,
		.started_ms = loop_now_ms(daemon->loop),
	};
	err = watch_signals(daemon);
	if (err)
		return fail("signals", err);
	if (options->status_file) {
		err = status_file_new(daemon->loop, &daemon->status,
				      options->status_file,
				      &daemon->status_file);
		if (err)
			return fail(options->status_file, err);
	}
	return 0;
}

static int mount_objects(struct daemon *daemon)
{
	const struct fetch_options *options = daemon->options;
	struct fuse_mount_config config = {
		.mountpoint = options->mountpoint,
		.allow_other = options->allow_other,
		.any = options->any,
		.partial_reads = options->partial_reads,
		.text = status_text,
		.ended = mount_ended,
		.context = daemon,
	};
	struct errmsg msg = { 0 };
	int err = fuse_mount_new(daemon->loop, daemon->store, daemon->fetcher,
				 daemon->scan, &config, &daemon->mount, &msg);

	if (err && *msg.text)
		fprintf(stderr, "cfs-fetch: mounting on %s: %s\n",
			options->mountpoint, msg.text);
	else if (err)
		(void)fail(options->mountpoint, err);
	if (err)
		return EXIT_FAILED;
	daemon->status.mount = daemon->mount;
	if (options->user) {
		err = privileges_drop(options->user);
		if (err)
			return fail(options->user, err);
		if (access("/proc/1/status", R_OK) < 0)
			log_line(LOG_WARNING,
				 "hidden what=/proc/PID/status user=%s effect=\"any signal ends a waiting open() with EINTR\" fix=\"mount /proc without hidepid\"",
				 options->user);
	}
	return 0;
}

static int serve(struct daemon *daemon)
{
	const struct allow_count *total =
		allow_list_total(allow_scan_list(daemon->scan));
	int err;

	log_line(LOG_INFO,
		 "started mountpoint=%s store=%s objects=%llu bytes=%llu io_uring=%s verity=%s",
		 daemon->options->mountpoint, daemon->options->store,
		 (unsigned long long)total->objects,
		 (unsigned long long)total->bytes,
		 loop_uses_io_uring(daemon->loop) ? "yes" : "no",
		 cfs_store_has_verity(daemon->store) ? "yes" : "no");
	/* When a machine starts, its network may come late. */
	fetcher_ask_for_offers(daemon->fetcher, MIRROR_OFFERS_PATIENT);
	fetcher_limit(daemon->fetcher, &daemon->options->limits,
		      log_collection, daemon);
	ahead_start(daemon->ahead);
	background_ready(&daemon->background);
	err = loop_run(daemon->loop);
	if (err)
		log_line(LOG_ERR, "loop error=\"%s\"", strerror(-err));
	return err ? EXIT_FAILED : 0;
}

static void close_parts(struct daemon *daemon)
{
	if (daemon->status_file)
		status_file_free(daemon->status_file);
	if (daemon->mount) {
		fuse_mount_unmount(daemon->mount);
		fuse_mount_free(daemon->mount);
	}
	ahead_free(daemon->ahead);
	fetcher_free(daemon->fetcher);
	if (daemon->signal_fd >= 0) {
		loop_fd_stop(daemon->loop, &daemon->signals);
		close(daemon->signal_fd);
	}
	loop_free(daemon->loop);
	if (daemon->image_fd >= 0) {
		cfs_transient_release(daemon->store, daemon->options->images,
				      daemon->image_fd);
		close(daemon->image_fd);
	}
	allow_scan_free(daemon->scan);
	cfs_store_close(daemon->store);
}

/* What serves a mount of the caller's must not keep the caller's namespace alive. */
static void leave_namespace(const struct fetch_options *options)
{
	const char *paths[8 + AHEAD_SOURCES] = {
		options->store, options->status_file, options->log_file,
		options->ahead.record, options->config.ca_bundle,
		getenv("SSL_CERT_FILE"), getenv("SSL_CERT_DIR"),
	};
	size_t n = 8, i;
	int err;

	for (i = 0; i < options->ahead.n_profiles && i < AHEAD_SOURCES; i++)
		paths[n++] = options->ahead.profiles[i];
	err = own_namespace_enter(paths, n);
	if (err)
		log_line(LOG_WARNING,
			 "namespace error=\"%s\" effect=\"the mount lives as long as this process, if it is not unmounted\"",
			 strerror(-err));
}

int run_mount(struct fetch_options *options)
{
	struct daemon daemon = {
		.options = options,
		.signal_fd = -1,
		.image_fd = -1,
		/* Each of some readers' failures is worth a line, not each of a flood. */
		.log_failed = { .lines = 100 },
	};
	int status, err;

	err = options->user ? privileges_check(options->user) : 0;
	if (err) {
		fprintf(stderr, "cfs-fetch: --user=%s: %s\n", options->user,
			err == -EPERM ? "is root, so nothing would be dropped; name another user" :
			err == -ENOENT ? "no such user" : strerror(-err));
		return EXIT_FAILED;
	}
	block_signals();
	privileges_harden();
	if (options->for_root) {
		err = root_place_enter();
		if (err)
			return fail("a place of its own", err);
	} else if (fuse_mount_is_descriptor(options->mountpoint)) {
		leave_namespace(options);
	}
	err = background_begin(&daemon.background, options->foreground,
			       options->ready_fd, options->log_file);
	if (err)
		return fail(options->log_file ? options->log_file : "start", err);
	status = open_parts(&daemon);
	if (!status)
		status = mount_objects(&daemon);
	if (!status)
		status = serve(&daemon);
	close_parts(&daemon);
	return status;
}
