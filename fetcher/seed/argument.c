// SPDX-License-Identifier: GPL-2.0-or-later
/* What an argument of cfs-seed means. */
#include "fetcher/seed/argument.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/cleanup.h"
#include "cache/base/errmsg.h"
#include "cache/image/file.h"
#include "cache/store/inspect.h"
#include "cache/store/import.h"
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
	struct image_answer answer = { .reason = NULL };
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
				  answer.reason ? answer.reason :
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

/* One line of a profile; comments and empty lines are nobody's wish. */
static int add_profile_line(const struct seed_target *target,
			    const struct cfs_store_refs *refs, char *line,
			    struct seed_meaning *ret)
{
	const struct cfs_ref *ref;
	struct cfs_digest digest;
	size_t n;

	line[strcspn(line, "\r\n")] = '\0';
	if (!*line || *line == '#')
		return 0;
	if (cfs_digest_parse(line, strlen(line), &digest) < 0)
		return -EINVAL;
	ret->listed++;
	ref = cfs_store_refs_find(refs, &digest, &n);
	if (!ref) {
		ret->strange++;
		return 0;
	}
	return seed_plan_add(target->plan, &digest, ref->size);
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
			FILE *file, struct seed_meaning *ret,
			struct errmsg *msg)
{
	struct restoring restoring = { target, ret, msg };
	struct cfs_store_refs *refs;
	char line[256];
	int err = cfs_store_image_each(target->store, restore_image,
				       &restoring);

	if (err == 0)
		err = cfs_store_refs_new(target->store, NULL, 0, &refs, msg);
	if (err < 0)
		return err;
	ret->is_profile = true;
	while (err == 0 && fgets(line, sizeof(line), file))
		err = add_profile_line(target, refs, line, ret);
	if (err == 0 && ferror(file))
		err = -EIO;
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

static void close_file(FILE **file)
{
	if (*file)
		fclose(*file);
}

static int by_file(const struct seed_target *target, const char *what,
		   struct seed_meaning *ret, struct errmsg *msg)
{
	CLEANUP(close_file) FILE *file = fopen(what, "re");
	int err;

	if (!file)
		return errmsg_set(msg, -errno, "%s: %m", what);
	if (!is_image(fileno(file)))
		return read_profile(target, what, file, ret, msg);
	err = cfs_object_import(target->store, fileno(file), &ret->digest);
	if (err < 0)
		return errmsg_set(msg, err, "%s: %s", what, strerror(-err));
	return take_image(target, what, NULL, ret, msg);
}

int seed_what(const struct seed_target *target, const char *what,
	      struct seed_meaning *ret, struct errmsg *msg)
{
	struct cfs_digest digest;

	*ret = (struct seed_meaning){ .is_profile = false };
	if (cfs_digest_parse(what, strlen(what), &digest) == 0)
		return by_digest(target, what, &digest, ret, msg);
	if (strchr(what, '/'))
		return by_file(target, what, ret, msg);
	return by_name(target, what, ret, msg);
}
