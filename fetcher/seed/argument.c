// SPDX-License-Identifier: GPL-2.0-or-later
/* What an argument of cfs-seed means. */
#include "fetcher/seed/argument.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "cache/base/cleanup.h"
#include "cache/base/errmsg.h"
#include "cache/base/url_text.h"
#include "cache/image/file.h"
#include "cache/mirror/profile.h"
#include "cache/store/inspect.h"
#include "cache/store/store.h"
#include "cache/upkeep/refs.h"
#include "fetcher/http/config.h"
#include "fetcher/engine/image.h"
#include "fetcher/seed/plan.h"

static int pin(const struct seed_target *target, const char *name,
	       const struct cfs_digest *digest, struct errmsg *msg)
{
	int err;

	if (!target->pin)
		return 0;
	err = cfs_store_image_set(target->store, name, digest);
	if (err > 0)
		err = -ENOENT;
	if (err < 0)
		errmsg_set(msg, err, "images/%s: %s", name, strerror(-err));
	return err;
}

/* The image is in the store: check it, pin it and want its objects. */
static int take_image(const struct seed_target *target, const char *what,
		      const char *name, const struct seed_meaning *meaning,
		      struct errmsg *msg)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];
	int err = cfs_store_image_inspect(target->store, &meaning->digest,
					  what, msg);

	cfs_digest_format(&meaning->digest, hex);
	if (target->name)
		name = target->name;
	if (err == 0)
		err = pin(target, name ? name : hex, &meaning->digest, msg);
	if (err == 0)
		err = seed_plan_add_image(target->plan, target->store,
					  &meaning->digest, msg);
	return err;
}

static int fetch_image(const struct seed_target *target, const char *what,
		       const struct image_request *request,
		       struct seed_meaning *ret, struct errmsg *msg)
{
	struct image_answer answer = { .size = 0 };
	int err;

	if (!target->config->n_mirrors)
		return errmsg_set(msg, -EINVAL,
				  "%s: not in the store, and there is no --mirror to ask",
				  what);
	err = image_fetch(target->loop, target->store, target->config, request,
			  &answer);
	if (err < 0)
		return errmsg_set(msg, err, "image %s: %s%s%s", what,
				  answer.mirror ? answer.mirror : "",
				  answer.mirror ? ": " : "",
				  *answer.reason ? answer.reason :
						  strerror(-err));
	ret->digest = answer.digest;
	ret->fetched = answer.size;
	return 0;
}

static int by_digest(const struct seed_target *target, const char *what,
		     const struct cfs_digest *digest, struct seed_meaning *ret,
		     struct errmsg *msg)
{
	const struct image_request request = { .expected = digest };
	int err = cfs_store_check(target->store, digest, UINT64_MAX);

	ret->digest = *digest;
	if (err > 0)
		err = fetch_image(target, what, &request, ret, msg);
	else if (err < 0)
		errmsg_set(msg, err, "%s: %s", what, strerror(-err));
	if (err == 0)
		err = take_image(target, what, NULL, ret, msg);
	return err;
}

static int by_name(const struct seed_target *target, const char *what,
		   struct seed_meaning *ret, struct errmsg *msg)
{
	struct image_request request = { .name = what };
	struct cfs_digest known;
	int err;

	if (!cfs_image_name_valid(what))
		return errmsg_set(msg, -EINVAL,
				  "%s: neither a digest nor an image name; write ./%s for a file",
				  what, what);
	if (cfs_store_image_get(target->store, what, &known) == 0)
		request.known = &known;
	/* Without a mirror the name means what it means here. */
	if (!target->config->n_mirrors && request.known) {
		ret->digest = known;
		return take_image(target, what, what, ret, msg);
	}
	err = fetch_image(target, what, &request, ret, msg);
	if (err == 0)
		err = take_image(target, what, what, ret, msg);
	return err;
}

struct listing {
	const struct seed_target *target;
	const struct cfs_store_refs *refs;
	struct seed_meaning *meaning;
};

static int add_listed(void *context, const struct cfs_digest *digest)
{
	const struct listing *listing = context;
	const struct cfs_ref *ref;
	size_t n;

	ref = cfs_store_refs_find(listing->refs, digest, &n);
	if (!ref) {
		listing->meaning->strange++;
		return 0;
	}
	return seed_plan_add(listing->target->plan, digest, ref->size);
}

static int read_lines(const struct seed_target *target,
		      const struct cfs_store_refs *refs, int fd,
		      struct seed_meaning *ret)
{
	struct listing listing = { target, refs, ret };
	struct profile_reader reader = {
		.digest = add_listed,
		.context = &listing,
	};
	int err = profile_read_file(&reader, fd);

	ret->listed = reader.n_digests;
	ret->bad_lines = reader.n_bad;
	ret->too_long = reader.too_long;
	/* Not one digest: it was meant to be something else. */
	return err == 0 && reader.n_bad && !reader.n_digests ? -EINVAL : err;
}

struct restoring {
	const struct seed_target *target;
	struct seed_meaning *meaning;
	struct errmsg *msg;
};

/* An image that has a name but is not here, or damaged, is fetched by digest. */
static int restore_image(void *context, const char *name,
			 const struct cfs_digest *digest)
{
	const struct restoring *restoring = context;
	const struct image_request request = { .expected = digest };
	int err = cfs_store_check(restoring->target->store, digest, UINT64_MAX);

	if (err > 0)
		err = fetch_image(restoring->target, name, &request,
				  restoring->meaning, restoring->msg);
	return err;
}

static int read_profile(const struct seed_target *target, const char *what,
			int fd, struct seed_meaning *ret, struct errmsg *msg)
{
	struct restoring restoring = { target, ret, msg };
	struct cfs_store_refs *refs;
	int err = cfs_store_image_each(target->store, restore_image,
				       &restoring);

	if (err == 0)
		err = cfs_store_refs_new(target->store, NULL, 0, &refs, msg);
	if (err < 0)
		return err;
	ret->is_profile = true;
	err = read_lines(target, refs, fd, ret);
	cfs_store_refs_free(refs);
	if (err < 0)
		errmsg_set(msg, err, "%s: %s", what,
			   err == -EINVAL ?
				   "neither an image nor a profile (one digest a line)" :
				   strerror(-err));
	return err;
}

/* Does the file begin like an image? */
static bool is_image(int fd)
{
	struct cfs_image_file *image;
	int copy_fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy_fd < 0 || cfs_image_file_open(copy_fd, &image) < 0)
		return false;
	cfs_image_file_close(image);
	return true;
}

static int by_file(const struct seed_target *target, const char *what,
		   struct seed_meaning *ret, struct errmsg *msg)
{
	CLEANUP_CLOSE int fd = open(what, O_RDONLY | O_CLOEXEC);
	int err;

	if (fd < 0)
		return errmsg_set(msg, -errno, "%s: %m", what);
	if (!is_image(fd))
		return read_profile(target, what, fd, ret, msg);
	err = cfs_image_import(target->store, fd, what, true, &ret->digest, msg);
	if (err < 0)
		return err;
	return take_image(target, what, NULL, ret, msg);
}

/* Mirrors are an option: so the same mirrors can be asked for all of it. */
static int by_url(const char *what, struct errmsg *msg)
{
	CLEANUP_FREE char *masked = url_masked(what);

	return errmsg_set(msg, -EINVAL, "%s: a URL is given as --mirror, and here the name of its image",
			  masked ? masked : "URL");
}

int seed_what(const struct seed_target *target, const char *what,
	      struct seed_meaning *ret, struct errmsg *msg)
{
	struct cfs_digest digest;

	*ret = (struct seed_meaning){ .is_profile = false };
	if (cfs_digest_parse(what, strlen(what), &digest) == 0)
		return by_digest(target, what, &digest, ret, msg);
	if (url_scheme_len(what))
		return by_url(what, msg);
	if (strchr(what, '/'))
		return by_file(target, what, ret, msg);
	return by_name(target, what, ret, msg);
}
