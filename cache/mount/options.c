// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading the options of a composefs mount. */
#include "cache/mount/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>

#include "cache/base/cleanup.h"

enum id {
	OPT_BACKEND, OPT_BASEDIR, OPT_DIGEST, OPT_FETCHER, OPT_IDMAP,
	OPT_IMAGE_VERITY, OPT_LOG, OPT_MIRROR, OPT_NOPREFETCH, OPT_REMOUNT, OPT_RO,
	OPT_RW, OPT_STORE, OPT_TRYVERITY, OPT_UPPERDIR, OPT_VERITY,
	OPT_VERITY_CHECK, OPT_WORKDIR,
	OPT_SET_ATTRIBUTE, OPT_CLEAR_ATTRIBUTE, OPT_ATIME, OPT_PASSED_OVER,
};

struct spec {
	const char *name;
	enum id id;
	bool has_value;
	uint64_t attribute;
};

static const struct spec specs[] = {
	{ "backend", OPT_BACKEND, true, 0 },
	{ "basedir", OPT_BASEDIR, true, 0 },
	{ "digest", OPT_DIGEST, true, 0 },
	{ "idmap", OPT_IDMAP, true, 0 },
	{ "image_verity", OPT_IMAGE_VERITY, false, 0 },
	{ "log", OPT_LOG, true, 0 },
	{ "mirror", OPT_MIRROR, true, 0 },
	{ "remount", OPT_REMOUNT, false, 0 },
	{ "ro", OPT_RO, false, 0 },
	{ "rw", OPT_RW, false, 0 },
	{ "store", OPT_STORE, true, 0 },
	{ "tryverity", OPT_TRYVERITY, false, 0 },
	{ "upperdir", OPT_UPPERDIR, true, 0 },
	{ "verity", OPT_VERITY, false, 0 },
	{ "verity_check", OPT_VERITY_CHECK, true, 0 },
	{ "workdir", OPT_WORKDIR, true, 0 },
	{ "nosuid", OPT_SET_ATTRIBUTE, false, MOUNT_ATTR_NOSUID },
	{ "nodev", OPT_SET_ATTRIBUTE, false, MOUNT_ATTR_NODEV },
	{ "noexec", OPT_SET_ATTRIBUTE, false, MOUNT_ATTR_NOEXEC },
	{ "nodiratime", OPT_SET_ATTRIBUTE, false, MOUNT_ATTR_NODIRATIME },
	{ "nosymfollow", OPT_SET_ATTRIBUTE, false, MOUNT_ATTR_NOSYMFOLLOW },
	{ "suid", OPT_CLEAR_ATTRIBUTE, false, MOUNT_ATTR_NOSUID },
	{ "dev", OPT_CLEAR_ATTRIBUTE, false, MOUNT_ATTR_NODEV },
	{ "exec", OPT_CLEAR_ATTRIBUTE, false, MOUNT_ATTR_NOEXEC },
	{ "diratime", OPT_CLEAR_ATTRIBUTE, false, MOUNT_ATTR_NODIRATIME },
	{ "symfollow", OPT_CLEAR_ATTRIBUTE, false, MOUNT_ATTR_NOSYMFOLLOW },
	{ "noatime", OPT_ATIME, false, MOUNT_ATTR_NOATIME },
	{ "strictatime", OPT_ATIME, false, MOUNT_ATTR_STRICTATIME },
	{ "relatime", OPT_ATIME, false, MOUNT_ATTR_RELATIME },
	{ "atime", OPT_ATIME, false, MOUNT_ATTR_RELATIME },
	/* cfs-fetch has these, too. */
	{ "ca-bundle", OPT_FETCHER, true, 0 },
	{ "client-cert", OPT_FETCHER, true, 0 },
	{ "client-key", OPT_FETCHER, true, 0 },
	{ "complete", OPT_FETCHER, false, 0 },
	{ "complete-rate", OPT_FETCHER, true, 0 },
	{ "connections", OPT_FETCHER, true, 0 },
	{ "deadline", OPT_FETCHER, true, 0 },
	{ "for-root", OPT_FETCHER, false, 0 },
	{ "hard", OPT_FETCHER, false, 0 },
	{ "header-file", OPT_FETCHER, true, 0 },
	{ "high-water", OPT_FETCHER, true, 0 },
	{ "low-water", OPT_FETCHER, true, 0 },
	{ "max-size", OPT_FETCHER, true, 0 },
	{ "no-hedge", OPT_FETCHER, false, 0 },
	{ "no-io-uring", OPT_FETCHER, false, 0 },
	{ "noprefetch", OPT_NOPREFETCH, false, 0 },
	{ "profile", OPT_FETCHER, true, 0 },
	{ "proxy", OPT_FETCHER, true, 0 },
	{ "proxy-file", OPT_FETCHER, true, 0 },
	{ "record", OPT_FETCHER, true, 0 },
	{ "reserve", OPT_FETCHER, true, 0 },
	{ "s3-credentials", OPT_FETCHER, true, 0 },
	{ "s3-region", OPT_FETCHER, true, 0 },
	{ "secrets-in-clear", OPT_FETCHER, false, 0 },
	{ "soft", OPT_FETCHER, false, 0 },
	{ "status-file", OPT_FETCHER, true, 0 },
	{ "threads", OPT_FETCHER, true, 0 },
	{ "token-file", OPT_FETCHER, true, 0 },
	{ "transfers", OPT_FETCHER, true, 0 },
	/* For mount(8), fstab and file systems that write: no image has a use for them. */
	{ "_netdev", OPT_PASSED_OVER, false, 0 },
	{ "async", OPT_PASSED_OVER, false, 0 },
	{ "auto", OPT_PASSED_OVER, false, 0 },
	{ "defaults", OPT_PASSED_OVER, false, 0 },
	{ "dirsync", OPT_PASSED_OVER, false, 0 },
	{ "group", OPT_PASSED_OVER, false, 0 },
	{ "iversion", OPT_PASSED_OVER, false, 0 },
	{ "lazytime", OPT_PASSED_OVER, false, 0 },
	{ "loud", OPT_PASSED_OVER, false, 0 },
	{ "mand", OPT_PASSED_OVER, false, 0 },
	{ "noauto", OPT_PASSED_OVER, false, 0 },
	{ "nofail", OPT_PASSED_OVER, false, 0 },
	{ "nogroup", OPT_PASSED_OVER, false, 0 },
	{ "noiversion", OPT_PASSED_OVER, false, 0 },
	{ "nolazytime", OPT_PASSED_OVER, false, 0 },
	{ "nomand", OPT_PASSED_OVER, false, 0 },
	{ "noowner", OPT_PASSED_OVER, false, 0 },
	{ "norelatime", OPT_PASSED_OVER, false, 0 },
	{ "nostrictatime", OPT_PASSED_OVER, false, 0 },
	{ "nouser", OPT_PASSED_OVER, false, 0 },
	{ "nousers", OPT_PASSED_OVER, false, 0 },
	{ "owner", OPT_PASSED_OVER, false, 0 },
	{ "silent", OPT_PASSED_OVER, false, 0 },
	{ "sync", OPT_PASSED_OVER, false, 0 },
	{ "user", OPT_PASSED_OVER, false, 0 },
	{ "users", OPT_PASSED_OVER, false, 0 },
};

/* What was asked for, before the options are put together. */
struct asked {
	bool verity;
	bool try_verity;
	bool has_verity_check;
	unsigned int verity_check;
	bool basedir;
	bool backend;
	/* For a remount mount(8) repeats what is in force: the last counts. */
	const char *again;
};

void mount_options_init(struct mount_options *options)
{
	*options = (struct mount_options){ .read_only = false };
}

static void forget_basedirs(struct mount_options *options)
{
	while (options->n_basedirs)
		free(options->basedirs[--options->n_basedirs]);
}

void mount_options_free(struct mount_options *options)
{
	size_t i;

	forget_basedirs(options);
	for (i = 0; i < options->n_mirrors; i++)
		free(options->mirrors[i]);
	for (i = 0; i < options->n_fetcher_args; i++)
		free(options->fetcher_args[i]);
	free(options->store);
	free(options->log);
	free(options->upperdir);
	free(options->workdir);
	free(options->idmap);
	mount_options_init(options);
}

static int set_string(char **field, const char *name, const char *value,
		      struct errmsg *msg)
{
	if (*field)
		return errmsg_set(msg, -EINVAL, "%s= is given twice", name);
	if (!*value)
		return errmsg_set(msg, -EINVAL, "%s= is empty", name);
	*field = strdup(value);
	return *field ? 0 : -ENOMEM;
}

/*
 * Cut the part before the first @separator off the text, undoing its escapes in
 * place: a backslash takes the next character's meaning away.
 */
static char *next_part(char **text, char separator)
{
	char *part = *text, *from = *text, *to = *text;

	for (; *from && *from != separator; from++) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*text = *from ? from + 1 : NULL;
	*to = '\0';
	return part;
}

static int add_basedirs(struct mount_options *options, char *value,
			struct errmsg *msg)
{
	while (value) {
		char *one = next_part(&value, ':');

		if (!*one)
			return errmsg_set(msg, -EINVAL,
					  "basedir= has an empty folder");
		if (options->n_basedirs == MOUNT_BASEDIRS_MAX)
			return errmsg_set(msg, -EINVAL,
					  "basedir= has more than %d folders",
					  MOUNT_BASEDIRS_MAX);
		options->basedirs[options->n_basedirs] = strdup(one);
		if (!options->basedirs[options->n_basedirs])
			return -ENOMEM;
		options->n_basedirs++;
	}
	return 0;
}

static int add_mirror(struct mount_options *options, const char *value,
		      struct errmsg *msg)
{
	if (!*value)
		return errmsg_set(msg, -EINVAL, "mirror= is empty");
	if (options->n_mirrors == MOUNT_MIRRORS_MAX)
		return errmsg_set(msg, -EINVAL, "more than %d mirrors",
				  MOUNT_MIRRORS_MAX);
	options->mirrors[options->n_mirrors] = strdup(value);
	if (!options->mirrors[options->n_mirrors])
		return -ENOMEM;
	options->n_mirrors++;
	return 0;
}

static int add_fetcher_arg(struct mount_options *options, const char *name,
			   const char *value, struct errmsg *msg)
{
	char *arg;

	if (options->n_fetcher_args == MOUNT_FETCHER_ARGS_MAX)
		return errmsg_set(msg, -EINVAL,
				  "more than %d options for the fetcher",
				  MOUNT_FETCHER_ARGS_MAX);
	if (asprintf(&arg, "--%s%s%s", name, value ? "=" : "",
		     value ? value : "") < 0)
		return -ENOMEM;
	options->fetcher_args[options->n_fetcher_args++] = arg;
	return 0;
}

static int set_digest(struct mount_options *options, struct asked *asked,
		      const char *value, struct errmsg *msg)
{
	if (options->has_digest)
		asked->again = "digest";
	if (cfs_digest_parse(value, strlen(value), &options->digest) < 0)
		return errmsg_set(msg, -EINVAL,
				  "digest=%s is not 64 lower-case hex digits",
				  value);
	options->has_digest = true;
	return 0;
}

static int set_verity_check(struct asked *asked, const char *value,
			    struct errmsg *msg)
{
	if (asked->has_verity_check)
		asked->again = "verity_check";
	if (value[0] < '0' || value[0] > '2' || value[1])
		return errmsg_set(msg, -EINVAL,
				  "verity_check=%s is not 0, 1 or 2", value);
	asked->has_verity_check = true;
	asked->verity_check = value[0] - '0';
	return 0;
}

static int set_backend(struct mount_options *options, struct asked *asked,
		       const char *value, struct errmsg *msg)
{
	if (asked->backend)
		return errmsg_set(msg, -EINVAL, "backend= is given twice");
	asked->backend = true;
	if (strcmp(value, "kernel") == 0)
		options->backend = MOUNT_BACKEND_KERNEL;
	else if (strcmp(value, "overlay") == 0 ||
		 strcmp(value, "overlayfs") == 0)
		options->backend = MOUNT_BACKEND_OVERLAY;
	else
		return errmsg_set(msg, -EINVAL,
				  "backend=%s is not kernel or overlay", value);
	return 0;
}

static int set_basedir(struct mount_options *options, struct asked *asked,
		       char *value, struct errmsg *msg)
{
	if (asked->basedir)
		asked->again = "basedir";
	asked->basedir = true;
	forget_basedirs(options);
	return add_basedirs(options, value, msg);
}

static int apply(struct mount_options *options, struct asked *asked,
		 const struct spec *spec, char *value, struct errmsg *msg)
{
	switch (spec->id) {
	case OPT_BACKEND:
		return set_backend(options, asked, value, msg);
	case OPT_BASEDIR:
		return set_basedir(options, asked, value, msg);
	case OPT_DIGEST:
		return set_digest(options, asked, value, msg);
	case OPT_FETCHER:
		return add_fetcher_arg(options, spec->name, value, msg);
	case OPT_NOPREFETCH:	/* as mount(8) spells what is not to be */
		return add_fetcher_arg(options, "no-prefetch", NULL, msg);
	case OPT_IDMAP:
		return set_string(&options->idmap, spec->name, value, msg);
	case OPT_IMAGE_VERITY:
		options->image_verity = true;
		return 0;
	case OPT_LOG:
		return set_string(&options->log, spec->name, value, msg);
	case OPT_MIRROR:
		return add_mirror(options, value, msg);
	case OPT_REMOUNT:
		options->remount = true;
		return 0;
	case OPT_RO:
	case OPT_RW:
		options->read_only = spec->id == OPT_RO;
		return 0;
	case OPT_STORE:
		return set_string(&options->store, spec->name, value, msg);
	case OPT_TRYVERITY:
		asked->try_verity = true;
		return 0;
	case OPT_UPPERDIR:
		return set_string(&options->upperdir, spec->name, value, msg);
	case OPT_VERITY:
		asked->verity = true;
		return 0;
	case OPT_VERITY_CHECK:
		return set_verity_check(asked, value, msg);
	case OPT_WORKDIR:
		return set_string(&options->workdir, spec->name, value, msg);
	case OPT_SET_ATTRIBUTE:
		options->attributes |= spec->attribute;
		return 0;
	case OPT_CLEAR_ATTRIBUTE:
		options->attributes &= ~spec->attribute;
		return 0;
	case OPT_ATIME:
		options->attributes &= ~(uint64_t)MOUNT_ATTR__ATIME;
		options->attributes |= spec->attribute;
		return 0;
	case OPT_PASSED_OVER:
		return 0;
	}
	abort();
}

static int apply_word(struct mount_options *options, struct asked *asked,
		      char *word, bool sloppy, struct errmsg *msg)
{
	char *value = strchr(word, '=');
	size_t i;

	if (!*word || strncmp(word, "x-", 2) == 0 ||
	    strncmp(word, "X-", 2) == 0 || strncmp(word, "comment=", 8) == 0)
		return 0;
	if (value)
		*value++ = '\0';
	for (i = 0; i < sizeof(specs) / sizeof(specs[0]); i++) {
		if (strcmp(word, specs[i].name) != 0)
			continue;
		if (specs[i].has_value && !value)
			return errmsg_set(msg, -EINVAL, "%s needs a value",
					  word);
		if (!specs[i].has_value && value)
			return errmsg_set(msg, -EINVAL, "%s takes no value",
					  word);
		/* basedir= is split at colons that are not escaped. */
		if (value && specs[i].id != OPT_BASEDIR) {
			char *rest = value;

			next_part(&rest, '\0');
		}
		return apply(options, asked, &specs[i], value, msg);
	}
	if (sloppy)
		return 0;
	return errmsg_set(msg, -EINVAL, "unsupported option %s", word);
}

/* Cut the first option off the text, with its escapes. */
static char *next_word(char **text)
{
	char *word = *text, *end = word;

	for (; *end && *end != ','; end++)
		if (*end == '\\' && end[1])
			end++;
	*text = *end ? end + 1 : NULL;
	*end = '\0';
	return word;
}

/*
 * digest=, verity and tryverity ask for all checks, unless verity_check= says
 * how much is wanted.  tryverity gives way only if nothing else insists.
 */
static int combine(struct mount_options *options, const struct asked *asked,
		   struct errmsg *msg)
{
	if (asked->again && !options->remount)
		return errmsg_set(msg, -EINVAL, "%s= is given twice",
				  asked->again);
	if (asked->verity && asked->has_verity_check &&
	    asked->verity_check != 2)
		return errmsg_set(msg, -EINVAL,
				  "verity means verity_check=2, not %u",
				  asked->verity_check);
	if (options->image_verity && !options->has_digest)
		return errmsg_set(msg, -EINVAL, "image_verity needs digest=");
	if (asked->has_verity_check)
		options->verity_check = asked->verity_check;
	else if (options->has_digest || asked->verity || asked->try_verity)
		options->verity_check = 2;
	options->says_verity = asked->verity || asked->has_verity_check;
	options->try_verity = asked->try_verity && !asked->verity &&
			      !asked->has_verity_check;

	if (!options->upperdir != !options->workdir)
		return errmsg_set(msg, -EINVAL,
				  "upperdir= and workdir= need each other");
	/* mount(8) gives every helper rw, unless ro was asked for. */
	if (!options->upperdir && !options->remount)
		options->read_only = true;
	if (options->store && options->remount)
		forget_basedirs(options);
	else if (options->store && asked->basedir)
		return errmsg_set(msg, -EINVAL,
				  "store= and basedir= exclude each other");
	if (options->upperdir && options->backend == MOUNT_BACKEND_KERNEL)
		return errmsg_set(msg, -EINVAL,
				  "upperdir= needs backend=overlay");
	return 0;
}

int mount_options_parse(struct mount_options *options, const char *text,
			bool sloppy, struct errmsg *msg)
{
	CLEANUP_FREE char *copy = strdup(text);
	struct asked asked = { .verity = false };
	char *rest = copy;
	int err;

	if (!copy)
		return -ENOMEM;
	while (rest) {
		char *word = next_word(&rest);

		err = apply_word(options, &asked, word, sloppy, msg);
		if (err < 0)
			return err;
	}
	return combine(options, &asked, msg);
}
