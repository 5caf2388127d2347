// SPDX-License-Identifier: GPL-2.0
/*
 * Mount options.
 *
 *	source=IMAGE		the image file
 *	basedir=A:B:C		where objects are looked for, in order
 *	basedir+=D		one more, as it is: ':' and '\\' are no escapes here.  A
 *				value of fsconfig(2) has at most 255 bytes, hence this
 *	digest=HEX		fs-verity digest that the image file must have
 *	verity_check=0|1|2	what is asked of backing files
 *
 * digest= means verity_check=2, unless verity_check is given too, in either
 * order.  Of a repeated basedir= or verity_check= the last counts; basedir+= adds to
 * what was given before it.
 */
#include <linux/hex.h>
#include <linux/slab.h>

#include "internal.h"

enum { OPT_BASEDIR, OPT_BASEDIR_ADD, OPT_DIGEST, OPT_VERITY_CHECK };

/* The parser's own answer to an empty string would not say what is wrong. */
#define param_string_or_empty(name, opt) \
	__fsparam(fs_param_is_string, name, opt, fs_param_can_be_empty, NULL)

const struct fs_parameter_spec cfs_param_spec[] = {
	param_string_or_empty("basedir",	OPT_BASEDIR),
	param_string_or_empty("basedir+",	OPT_BASEDIR_ADD),
	param_string_or_empty("digest",		OPT_DIGEST),
	fsparam_u32("verity_check",		OPT_VERITY_CHECK),
	{}
};

/*
 * Append @name to basedir=, so escaped that it comes out as it is.  Anybody with a user
 * namespace can get here, only not to a mount: what is kept has a limit.
 */
static int add_basedir(struct fs_context *fc, struct cfs_params *params,
		       const char *name)
{
	size_t before = params->basedir ? strlen(params->basedir) : 0;
	char *joined, *out;
	int err;

	if (!*name)
		return invalfc(fc, "empty basedir");
	err = before ? cfs_basedirs_check_count(fc, params->basedir, 1) : 0;
	if (err)
		return err;
	joined = krealloc(params->basedir, before + 2 * strlen(name) + 2,
			  GFP_KERNEL_ACCOUNT);
	if (!joined)
		return -ENOMEM;
	params->basedir = joined;
	out = joined + before;
	if (before)
		*out++ = ':';
	for (; *name; name++) {
		if (*name == ':' || *name == '\\')
			*out++ = '\\';
		*out++ = *name;
	}
	*out = '\0';
	return 0;
}

static int parse_digest(struct fs_context *fc, struct cfs_params *params,
			const char *text)
{
	u8 digest[CFS_DIGEST_SIZE];

	if (strlen(text) != 2 * CFS_DIGEST_SIZE ||
	    hex2bin(digest, text, CFS_DIGEST_SIZE))
		return invalfc(fc, "digest must be %d hex digits, not '%s'",
			       2 * CFS_DIGEST_SIZE, text);
	if (params->has_digest &&
	    memcmp(params->digest, digest, CFS_DIGEST_SIZE))
		return invalfc(fc, "two different digests were given");
	memcpy(params->digest, digest, CFS_DIGEST_SIZE);
	params->has_digest = true;
	return 0;
}

/**
 * cfs_parse_param() - take one option
 * @fc: its fs_private is a struct cfs_params
 * @param: its string is taken over
 *
 * Return: 0; -ENOPARAM for source and what is unknown, which the VFS deals with;
 * -EINVAL, explained in the context's log.
 */
int cfs_parse_param(struct fs_context *fc, struct fs_parameter *param)
{
	struct cfs_params *params = fc->fs_private;
	struct fs_parse_result result;
	int opt = fs_parse(fc, cfs_param_spec, param, &result);

	switch (opt) {
	case OPT_BASEDIR:
		kfree(params->basedir);
		params->basedir = param->string;
		param->string = NULL;
		return 0;
	case OPT_BASEDIR_ADD:
		return add_basedir(fc, params, param->string);
	case OPT_DIGEST:
		return parse_digest(fc, params, param->string);
	case OPT_VERITY_CHECK:
		if (result.uint_32 > CFS_VERITY_REQUIRE)
			return invalfc(fc, "Invalid verity_check mode: %u",
				       result.uint_32);
		params->verity_check = result.uint_32;
		params->has_verity_check = true;
		return 0;
	}
	return opt;
}

/**
 * cfs_params_verity_check() - what is asked of backing files
 * @params: all options
 */
enum cfs_verity_check cfs_params_verity_check(const struct cfs_params *params)
{
	if (params->has_verity_check)
		return params->verity_check;
	return params->has_digest ? CFS_VERITY_REQUIRE : CFS_VERITY_OFF;
}

/**
 * cfs_params_free() - free options that were taken
 * @params: NULL is fine
 */
void cfs_params_free(struct cfs_params *params)
{
	if (!params)
		return;
	kfree(params->basedir);
	kfree(params);
}
