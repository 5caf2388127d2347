// SPDX-License-Identifier: GPL-2.0-or-later
/* The options about mirrors and the network. */
#include "fetcher/http/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/cleanup.h"
#include "fetcher/http/config.h"
#include "cache/base/options.h"
#include "fetcher/http/url.h"

static int file_error(const struct option_parser *parser, const char *name,
		      const char *path, int err)
{
	if (err == -EINVAL)
		return option_complain(parser, "--%s=%s: malformed content",
				       name, path);
	if (err < 0)
		return option_complain(parser, "--%s=%s: %s", name, path,
				       strerror(-err));
	return 0;
}

static int add_mirror(const struct option_parser *parser, void *field,
		      const char *name, const char *value)
{
	int err = fetch_config_add_mirror(field, value);

	if (err == -E2BIG)
		return option_complain(parser, "--%s: more than %d", name,
				       FETCH_MIRRORS_MAX);
	if (err == -EINVAL) {
		CLEANUP_FREE char *shown = http_url_masked(value);

		return option_complain(parser, "--%s=%s: %s", name,
				       shown ? shown : "",
				       fetch_config_mirror_fault(value));
	}
	return err;
}

static int add_token(const struct option_parser *parser, void *field,
		     const char *name, const char *value)
{
	return file_error(parser, name, value,
			  fetch_config_add_token_file(field, value));
}

static int add_headers(const struct option_parser *parser, void *field,
		       const char *name, const char *value)
{
	return file_error(parser, name, value,
			  fetch_config_add_header_file(field, value));
}

static int add_s3_file(const struct option_parser *parser, void *field,
		       const char *name, const char *value)
{
	return file_error(parser, name, value,
			  fetch_config_add_s3_file(field, value));
}

static int set_proxy(const struct option_parser *parser,
		     struct fetch_config *config, const char *url)
{
	const char *why;
	int err;

	if (config->proxy)
		return option_complain(parser, "--proxy and --proxy-file exclude each other");
	err = http_url_proxy(url, &why);
	if (err == -EINVAL) {
		CLEANUP_FREE char *shown = http_url_masked(url);

		return option_complain(parser, "proxy %s: %s", shown ? shown : "",
				       why);
	}
	if (err < 0)
		return err;
	config->proxy = strdup(url);
	return config->proxy ? 0 : -ENOMEM;
}

static int take_proxy(const struct option_parser *parser, void *field,
		      const char *name, const char *value)
{
	if (strchr(value, '@'))
		return option_complain(parser, "--%s: a password on the command line can be read by everybody; use --proxy-file",
				       name);
	return set_proxy(parser, field, value);
}

static int read_proxy(const struct option_parser *parser, void *field,
		      const char *name, const char *path)
{
	CLEANUP_FREE char *line = NULL;
	FILE *file = fopen(path, "re");
	size_t size = 0;
	ssize_t len;

	if (!file)
		return file_error(parser, name, path, -errno);
	len = getline(&line, &size, file);
	fclose(file);
	if (len <= 0)
		return file_error(parser, name, path, -EINVAL);
	line[strcspn(line, "\r\n")] = '\0';
	return set_proxy(parser, field, line);
}

#define FIELD(f)	offsetof(struct fetch_config, f)

const struct option_row network_options[] = {
	{ "mirror", OPTION_CALL, 0, true, add_mirror },
	{ "hard", OPTION_FLAG, FIELD(hard), false, NULL },
	{ "deadline", OPTION_LONG_SECONDS, FIELD(deadline_ms), false, NULL },
	{ "token-file", OPTION_CALL, 0, false, add_token },
	{ "header-file", OPTION_CALL, 0, true, add_headers },
	{ "s3-credentials", OPTION_CALL, 0, false, add_s3_file },
	{ "s3-region", OPTION_OWNED_TEXT, FIELD(s3_region), false, NULL },
	{ "proxy", OPTION_CALL, 0, false, take_proxy },
	{ "proxy-file", OPTION_CALL, 0, false, read_proxy },
	{ "ca-bundle", OPTION_OWNED_TEXT, FIELD(ca_bundle), false, NULL },
	{ "user-agent", OPTION_OWNED_TEXT, FIELD(user_agent), false, NULL },
	{ "transfers", OPTION_COUNT, FIELD(max_transfers), false, NULL },
	{ "connections", OPTION_COUNT, FIELD(max_connections), false, NULL },
	{ "connect-timeout", OPTION_SECONDS, FIELD(connect_ms), false, NULL },
	{ "tls-timeout", OPTION_SECONDS, FIELD(tls_ms), false, NULL },
	{ "first-byte-timeout", OPTION_SECONDS, FIELD(first_byte_ms), false,
	  NULL },
	{ "stall-timeout", OPTION_SECONDS, FIELD(stall_ms), false, NULL },
	{ "stall-rate", OPTION_BYTES_32, FIELD(stall_rate), false, NULL },
	{ "object-timeout", OPTION_SECONDS, FIELD(object_ms), false, NULL },
	{ "no-hedge", OPTION_FLAG, FIELD(no_hedge), false, NULL },
	{ "object-rate", OPTION_BYTES_32, FIELD(object_rate), false, NULL },
};

const size_t n_network_options =
	sizeof(network_options) / sizeof(network_options[0]);

int network_options_check(const struct option_parser *parser,
			  const struct fetch_config *config)
{
	size_t i;

	for (i = 0; i < config->n_mirrors; i++)
		if (config->mirror_is_s3[i] && !config->s3_key_id)
			return option_complain(parser, "--mirror=s3+%s: --s3-credentials is missing",
					       config->mirrors[i]);
	return 0;
}
