// SPDX-License-Identifier: GPL-2.0-or-later
/* The options about mirrors and the network. */
#include "fetcher/http/options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/cleanup.h"
#include "cache/base/url_text.h"
#include "fetcher/http/config.h"
#include "cache/base/options.h"
#include "fetcher/http/policy.h"
#include "fetcher/http/secret_file.h"
#include "fetcher/http/url.h"

static int file_error(const struct option_parser *parser, const char *name,
		      const char *path, int err)
{
	if (err == SECRET_FILE_GROUP)
		fprintf(stderr, "%s: --%s=%s: its group may read it\n",
			parser->program, name, path);
	else if (err == SECRET_FILE_READABLE)
		fprintf(stderr, "%s: --%s=%s: others may read this secret: chmod 600 %s\n",
			parser->program, name, path, path);
	else if (err == -EPERM)
		return option_complain(parser, "--%s=%s: others may read or change this secret: chmod 600 %s",
				       name, path, path);
	else if (err == -EINVAL)
		return option_complain(parser, "--%s=%s: malformed content",
				       name, path);
	else if (err < 0)
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
		CLEANUP_FREE char *shown = url_masked(value);

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

static int check_proxy(const struct option_parser *parser, const char *name,
		       const char *url)
{
	CLEANUP_FREE char *shown = NULL;
	const char *why;
	int err = http_url_proxy(url, &why);

	if (err != -EINVAL)
		return err;
	shown = url_masked(url);
	return option_complain(parser, "--%s: %s: %s", name, shown ? shown : "",
			       why);
}

static int second_proxy(const struct option_parser *parser)
{
	return option_complain(parser, "--proxy and --proxy-file exclude each other");
}

static int take_proxy(const struct option_parser *parser, void *field,
		      const char *name, const char *value)
{
	struct fetch_config *config = field;

	if (config->proxy)
		return second_proxy(parser);
	if (strchr(value, '@'))
		return option_complain(parser, "--%s: a password on the command line can be read by everybody; use --proxy-file",
				       name);
	config->proxy = strdup(value);
	return config->proxy ? check_proxy(parser, name, value) : -ENOMEM;
}

static int read_proxy(const struct option_parser *parser, void *field,
		      const char *name, const char *path)
{
	struct fetch_config *config = field;
	int err;

	if (config->proxy)
		return second_proxy(parser);
	err = file_error(parser, name, path,
			 fetch_config_set_proxy_file(config, path));
	return err < 0 ? err : check_proxy(parser, name, config->proxy);
}

static int read_pem(const struct option_parser *parser, struct fetch_pem *pem,
		    const char *name, const char *path, bool is_key)
{
	int err = fetch_config_set_pem(pem, path, is_key);

	if (err == -EINVAL)
		return option_complain(parser, "--%s=%s: no %s in PEM format",
				       name, path,
				       is_key ? "private key" : "certificate");
	return file_error(parser, name, path, err);
}

static int read_cert(const struct option_parser *parser, void *field,
		     const char *name, const char *path)
{
	return read_pem(parser, field, name, path, false);
}

static int read_key(const struct option_parser *parser, void *field,
		    const char *name, const char *path)
{
	return read_pem(parser, field, name, path, true);
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
	{ "client-cert", OPTION_CALL, FIELD(client_cert), false, read_cert },
	{ "client-key", OPTION_CALL, FIELD(client_key), false, read_key },
	{ "secrets-in-clear", OPTION_FLAG, FIELD(secrets_in_clear), false, NULL },
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

static bool has_secrets(const struct fetch_config *config)
{
	for (size_t i = 0; i < config->n_headers; i++)
		if (http_header_is_secret(config->headers[i]))
			return true;
	return false;
}

/* A secret must not cross a network in clear unless that was asked for. */
static int check_secrets(const struct option_parser *parser,
			 const struct fetch_config *config)
{
	size_t n = 0;

	if (!has_secrets(config))
		return 0;
	for (size_t i = 0; i < config->n_mirrors; i++)
		n += fetch_config_is_private(config, config->mirrors[i]);
	if (config->n_mirrors && n == 0)
		return option_complain(parser, "%s: the token or secret header would cross the network in clear; use https, or --secrets-in-clear",
				       config->mirrors[0]);
	for (size_t i = 0; i < config->n_mirrors; i++)
		if (!fetch_config_is_private(config, config->mirrors[i]))
			fprintf(stderr, "%s: %s: is not sent the token or secret header, which would cross the network in clear; use https, or --secrets-in-clear\n",
				parser->program, config->mirrors[i]);
	return 0;
}

int network_options_check(const struct option_parser *parser,
			  const struct fetch_config *config)
{
	const struct fetch_pem *cert = &config->client_cert;
	const struct fetch_pem *key = &config->client_key;

	for (size_t i = 0; i < config->n_mirrors; i++)
		if (config->mirror_is_s3[i] && !config->s3_key_id)
			return option_complain(parser, "--mirror=s3+%s: --s3-credentials is missing",
					       config->mirrors[i]);
	if (!cert->uri && !cert->text && (key->uri || key->text))
		return option_complain(parser, "--client-key goes with --client-cert");
	if (cert->text && !key->uri && !key->text &&
	    !strstr(cert->text, "PRIVATE KEY-----"))
		return option_complain(parser, "--client-cert: there is no private key in that file: --client-key is missing");
	return check_secrets(parser, config);
}
