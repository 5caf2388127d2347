// SPDX-License-Identifier: GPL-2.0-or-later
/* Reading root=cfs: and what goes with it. */
#include "cache/boot/boot_cmdline.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/cleanup.h"
#include "cache/base/units.h"

#define PERCENT_MAX	1000

/* A command line while it is read. */
struct reader {
	struct boot_cmdline out;
	const char *root;		/* what follows root=cfs: */
	const char *composefs;
	const char *other_root;		/* a root= of another kind, or another digest */
	const char *other_composefs;
	bool has_store, has_verity, has_retry, has_overlay;
	bool has_cfs;			/* any cfs.* word */
};

struct choice {
	const char *word;
	int value;
};

static bool is_plain(const char *value)
{
	for (; *value; value++)
		if (!isalnum((unsigned char)*value) &&
		    !strchr("-._~:/[]%@+,=", *value))
			return false;
	return true;
}

/* A name of a file system or a profile: no path can be made of it. */
static bool is_name(const char *value)
{
	if (!isalnum((unsigned char)*value))
		return false;
	for (; *value; value++)
		if (!isalnum((unsigned char)*value) && !strchr("-._", *value))
			return false;
	return true;
}

static int once(bool *seen, const char *key, struct errmsg *msg)
{
	if (*seen)
		return errmsg_set(msg, -EINVAL, "%s= is given twice", key);
	*seen = true;
	return 0;
}

static int copy(char **field, const char *value)
{
	*field = strdup(value);
	return *field ? 0 : -ENOMEM;
}

static int choose(const char *key, const char *value,
		  const struct choice *choices, size_t n, int *ret,
		  struct errmsg *msg)
{
	char words[64] = "";
	size_t i;

	for (i = 0; i < n; i++) {
		if (strcmp(value, choices[i].word) == 0) {
			*ret = choices[i].value;
			return 0;
		}
		snprintf(words + strlen(words), sizeof(words) - strlen(words),
			 "%s%s", i ? ", " : "", choices[i].word);
	}
	return errmsg_set(msg, -EINVAL, "%s=%s is none of: %s", key, value,
			  words);
}

/* "LABEL=NAME" or "UUID=ID", which udev makes links for. */
static bool is_device(const char *value)
{
	if (strncmp(value, "LABEL=", 6) == 0)
		return is_name(value + 6);
	if (strncmp(value, "UUID=", 5) == 0)
		return is_name(value + 5);
	return false;
}

static int set_size(struct boot_cmdline *out, const char *value,
		    const char *size, struct errmsg *msg)
{
	unsigned long percent;
	char *end;

	percent = isdigit((unsigned char)*size) ? strtoul(size, &end, 10) : 0;
	if (percent && strcmp(end, "%") == 0 && percent <= PERCENT_MAX) {
		out->store_percent = percent;
		return 0;
	}
	if (units_parse_size(size, &out->store_bytes) == 0 &&
	    out->store_bytes > 0)
		return 0;
	return errmsg_set(msg, -EINVAL,
			  "cfs.store=%s: the size is not like 2G, 512M or 50%%",
			  value);
}

static int set_store(struct reader *r, const char *value, struct errmsg *msg)
{
	int err = once(&r->has_store, "cfs.store", msg);

	if (err < 0)
		return err;
	if (strncmp(value, "zram:", 5) == 0) {
		r->out.store = BOOT_STORE_ZRAM;
		return set_size(&r->out, value, value + 5, msg);
	}
	if (strncmp(value, "ramdisk:", 8) == 0) {
		r->out.store = BOOT_STORE_RAMDISK;
		return set_size(&r->out, value, value + 8, msg);
	}
	if (is_device(value))
		return copy(&r->out.store_device, value);
	return errmsg_set(msg, -EINVAL,
			  "cfs.store=%s is not LABEL=NAME, UUID=ID, zram:SIZE or ramdisk:SIZE",
			  value);
}

static int add_mirror(struct boot_cmdline *out, const char *value,
		      struct errmsg *msg)
{
	if (strncmp(value, "http://", 7) != 0 &&
	    strncmp(value, "https://", 8) != 0)
		return errmsg_set(msg, -EINVAL,
				  "cfs.mirror=%s is not http://... or https://...",
				  value);
	/* They are handed on as mount options, which commas separate. */
	if (strchr(value, ','))
		return errmsg_set(msg, -EINVAL,
				  "cfs.mirror=%s: a comma is written %%2C",
				  value);
	if (out->n_mirrors == BOOT_MIRRORS_MAX)
		return errmsg_set(msg, -EINVAL, "more than %d mirrors",
				  BOOT_MIRRORS_MAX);
	return copy(&out->mirrors[out->n_mirrors++], value);
}

static int set_verity(struct reader *r, const char *value, struct errmsg *msg)
{
	static const struct choice choices[] = {
		{ "require", BOOT_VERITY_REQUIRE },
		{ "image", BOOT_VERITY_IMAGE },
		{ "off", BOOT_VERITY_OFF },
	};
	int which = 0, err = once(&r->has_verity, "cfs.verity", msg);

	if (err == 0)
		err = choose("cfs.verity", value, choices, 3, &which, msg);
	r->out.verity = which;
	return err;
}

static int set_retry(struct reader *r, const char *value, struct errmsg *msg)
{
	static const struct choice choices[] = { { "hard", 0 }, { "soft", 1 } };
	int which = 0, err = once(&r->has_retry, "cfs.retry", msg);

	if (err == 0)
		err = choose("cfs.retry", value, choices, 2, &which, msg);
	r->out.soft = which;
	return err;
}

static int set_overlay(struct reader *r, const char *value, struct errmsg *msg)
{
	int err = once(&r->has_overlay, "cfs.overlay", msg);

	if (err < 0 || strcmp(value, "tmpfs") == 0)
		return err;
	if (strcmp(value, "none") == 0) {
		r->out.overlay = BOOT_OVERLAY_NONE;
		return 0;
	}
	if (!is_device(value))
		return errmsg_set(msg, -EINVAL,
				  "cfs.overlay=%s is not tmpfs, none, LABEL=NAME or UUID=ID",
				  value);
	r->out.overlay = BOOT_OVERLAY_DEVICE;
	return copy(&r->out.overlay_device, value);
}

static int set_prefetch(struct reader *r, const char *value, struct errmsg *msg)
{
	bool seen = r->out.prefetch;
	int err = once(&seen, "cfs.prefetch", msg);

	if (err < 0)
		return err;
	if (!is_name(value))
		return errmsg_set(msg, -EINVAL,
				  "cfs.prefetch=%s is not boot, all, none or the name of a profile",
				  value);
	return copy(&r->out.prefetch, value);
}

/* Whether two of them are wrong is only known once all words are. */
static void take_root(const char **field, const char **other, const char *value)
{
	if (!*field)
		*field = value;
	else if (strcmp(*field, value) != 0)
		*other = value;
}

static int read_word(struct reader *r, char *word, struct errmsg *msg)
{
	char *value = strchr(word, '=');
	const char *key = word;

	if (value)
		*value++ = '\0';
	if (value && strcmp(key, "root") == 0) {
		if (strncmp(value, "cfs:", 4) == 0)
			take_root(&r->root, &r->other_root, value + 4);
		else
			r->other_root = value;
		return 0;
	}
	if (value && strcmp(key, "composefs") == 0) {
		take_root(&r->composefs, &r->other_composefs, value);
		return 0;
	}
	if (strncmp(key, "cfs.", 4) != 0)
		return 0;
	r->has_cfs = true;
	if (!value || !*value)
		return errmsg_set(msg, -EINVAL, "%s needs a value", key);
	if (!is_plain(value))
		return errmsg_set(msg, -EINVAL,
				  "%s has a character that does not belong there",
				  key);
	if (strcmp(key, "cfs.mirror") == 0)
		return add_mirror(&r->out, value, msg);
	if (strcmp(key, "cfs.store") == 0)
		return set_store(r, value, msg);
	if (strcmp(key, "cfs.verity") == 0)
		return set_verity(r, value, msg);
	if (strcmp(key, "cfs.retry") == 0)
		return set_retry(r, value, msg);
	if (strcmp(key, "cfs.overlay") == 0)
		return set_overlay(r, value, msg);
	if (strcmp(key, "cfs.prefetch") == 0)
		return set_prefetch(r, value, msg);
	return errmsg_set(msg, -EINVAL, "%s is not known", key);
}

/* Cut the next word off the text, without its quotes; NULL at the end. */
static char *next_word(char **text)
{
	char *from = *text, *to, *word;
	bool quoted = false;

	while (isspace((unsigned char)*from))
		from++;
	if (!*from)
		return NULL;
	word = to = from;
	for (; *from && (quoted || !isspace((unsigned char)*from)); from++) {
		if (*from == '"')
			quoted = !quoted;
		else
			*to++ = *from;
	}
	*text = *from ? from + 1 : from;
	*to = '\0';
	return word;
}

static int read_digest(const char *key, const char *hex, struct cfs_digest *ret,
		       struct errmsg *msg)
{
	size_t len = strlen(hex);

	if (cfs_digest_parse(hex, len, ret) == 0)
		return 0;
	if (*hex == '?')
		return errmsg_set(msg, -EINVAL,
				  "%s%s: a digest that may be left unchecked; write cfs.verity=off and the digest alone",
				  key, hex);
	return errmsg_set(msg, -EINVAL,
			  "%s%s: the digest is not 64 lower-case hex digits but %zu characters%s",
			  key, hex, len,
			  len == 128 ? " (SHA-512 is not supported)" : "");
}

/* Which image, once all words are known. */
static int settle(struct reader *r, struct errmsg *msg)
{
	struct cfs_digest other;
	int err;

	if (r->root && r->other_root)
		return errmsg_set(msg, -EINVAL,
				  "root= is given twice: cfs:%s and %s", r->root,
				  r->other_root);
	if (r->composefs && r->other_composefs)
		return errmsg_set(msg, -EINVAL,
				  "composefs= is given twice: %s and %s",
				  r->composefs, r->other_composefs);
	if (r->root)
		err = read_digest("root=cfs:", r->root, &r->out.digest, msg);
	else
		err = read_digest("composefs=", r->composefs, &r->out.digest,
				  msg);
	if (err == 0 && r->root && r->composefs) {
		err = read_digest("composefs=", r->composefs, &other, msg);
		if (err == 0 && !cfs_digest_equal(&other, &r->out.digest))
			err = errmsg_set(msg, -EINVAL,
					 "root=cfs: and composefs= name different images");
	}
	if (err == 0 && !r->has_store)
		err = errmsg_set(msg, -EINVAL,
				 "cfs.store= is missing: LABEL=NAME, UUID=ID, zram:SIZE or ramdisk:SIZE");
	return err;
}

static int parse(struct reader *r, char *text, struct errmsg *msg)
{
	int err = 0, first_err = 0;
	struct errmsg later;
	char *word;

	while ((word = next_word(&text)) && strcmp(word, "--") != 0) {
		err = read_word(r, word, first_err ? &later : msg);
		if (!first_err)
			first_err = err;
	}
	/* Without a word that asks for an image the others are nobody's concern. */
	if (!r->root && !(r->composefs && r->has_cfs))
		return BOOT_CMDLINE_NOT_OURS;
	return first_err ? first_err : settle(r, msg);
}

int boot_cmdline_parse(const char *text, struct boot_cmdline *ret,
		       struct errmsg *msg)
{
	CLEANUP_FREE char *words = strdup(text);
	struct reader r = { .root = NULL };
	int err = words ? parse(&r, words, msg) : -ENOMEM;

	if (err)
		boot_cmdline_free(&r.out);
	else
		*ret = r.out;
	return err;
}

void boot_cmdline_free(struct boot_cmdline *cmdline)
{
	size_t i;

	for (i = 0; i < cmdline->n_mirrors; i++)
		free(cmdline->mirrors[i]);
	free(cmdline->store_device);
	free(cmdline->overlay_device);
	free(cmdline->prefetch);
	*cmdline = (struct boot_cmdline){ .n_mirrors = 0 };
}
