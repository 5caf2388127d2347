// SPDX-License-Identifier: GPL-2.0-or-later
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cache/base/descriptor_limit.h"
#include "cache/base/interrupt.h"
#include "cache/store/store.h"
#include "fetcher/programs/cfs_fetch.h"
#include "fetcher/engine/image.h"
#include "fetcher/http/descriptors.h"
#include "fetcher/loop/loop.h"
#include "fetcher/programs/fetch_options.h"
#include "fetcher/programs/private_root.h"

static int exit_status(int err)
{
	switch (err) {
	case 0:
		return 0;
	case -ENOENT:
	case -EACCES:
		return EXIT_MISSING;
	case -EBADMSG:
		return EXIT_WRONG;
	case -ETIMEDOUT:
	case -EHOSTUNREACH:
		return EXIT_UNREACHABLE;
	default:
		return EXIT_FAILED;
	}
}

/* What the errors mean here; the reason says the rest. */
static const char *words_for(int err)
{
	switch (err) {
	case -ENOENT:
		return "not to be had";
	case -EACCES:
		return "access denied";
	case -EBADMSG:
		return "wrong bytes";
	case -ETIMEDOUT:
		return "given up after the deadline";
	case -EHOSTUNREACH:
		return "no mirror could be reached";
	}
	return strerror(-err);
}

static int fetch_image(struct loop *loop, struct cfs_store *store,
		       const struct fetch_options *options)
{
	struct image_request request = { 0 };
	struct image_answer answer = { 0 };
	struct cfs_digest digest, known;
	char hex[CFS_DIGEST_HEX_LEN + 1];
	const char *text = options->fetch_image;
	int err;

	if (options->has_expected)
		request.expected = &options->expected;
	if (cfs_digest_parse(text, strlen(text), &digest) == 0) {
		if (options->has_expected &&
		    !cfs_digest_equal(&digest, &options->expected)) {
			fprintf(stderr, "cfs-fetch: --fetch-image and --digest name different images\n");
			return EXIT_USAGE;
		}
		request.expected = &digest;
	} else if (cfs_image_name_valid(text)) {
		request.name = text;
		if (cfs_store_image_get(store, text, &known) == 0)
			request.known = &known;
	} else {
		fprintf(stderr, "cfs-fetch: %s: neither an image name nor a digest\n",
			text);
		return EXIT_USAGE;
	}
	err = image_fetch(loop, store, &options->config, &request, &answer);
	if (err) {
		fprintf(stderr, "cfs-fetch: image %s: %s%s%s%s%s\n", text,
			words_for(err), *answer.reason ? ": " : "",
			answer.reason, answer.mirror ? ": " : "",
			answer.mirror ? answer.mirror : "");
		return exit_status(err);
	}
	cfs_digest_format(&answer.digest, hex);
	printf("%s\n", hex);
	return fflush(stdout) == 0 ? 0 : EXIT_FAILED;
}

int run_image(const struct fetch_options *options)
{
	struct cfs_store *store;
	struct loop *loop;
	unsigned int n_threads = descriptors_threads(options->n_threads);
	struct fetch_config config = options->config;	/* borrows its texts */
	int status, err = 0;

	interrupt_say("cfs-fetch: interrupted while it fetched an image\n");
	/* With the name servers and certificates that the root's fetcher will have. */
	if (options->for_root)
		err = root_place_enter();
	if (err) {
		fprintf(stderr, "cfs-fetch: a place of its own: %s\n",
			strerror(-err));
		return EXIT_FAILED;
	}
	status = open_store(options->store, &store);
	if (status)
		return status;
	err = loop_new(options->no_io_uring ? LOOP_NO_IO_URING : 0,
		       n_threads, &loop);
	if (err) {
		fprintf(stderr, "cfs-fetch: event loop: %s\n", strerror(-err));
		status = EXIT_FAILED;
	} else if (descriptors_fit(&config, n_threads, 0) < 0) {
		fprintf(stderr, "cfs-fetch: only %u files may be open, which are too few; see ulimit -n, LimitNOFILE=\n",
			descriptor_limit());
		status = EXIT_FAILED;
		loop_free(loop);
	} else {
		status = fetch_image(loop, store, options);
		loop_free(loop);
	}
	cfs_store_close(store);
	return status;
}
