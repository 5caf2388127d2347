// SPDX-License-Identifier: GPL-2.0-or-later
/* The fetcher's configuration: defaults, mirrors, request headers from files. */
#include "fetcher/http/config.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cache/base/cleanup.h"
#include "fetcher/http/policy.h"
#include "fetcher/http/secret_file.h"
#include "fetcher/http/url.h"

/* More than a fast link holds, and not more than a slow one can bring while a reader
 * waits. */
#define AHEAD_BYTES	((uint64_t)8 << 20)

/* What objects of 60 KB need to fill 1 Gbit/s over a round trip of 50 ms
 * (tests/bench/replay.sh: with half as many a start takes a fifth longer there). */
#define TRANSFERS	128

void fetch_config_init(struct fetch_config *config)
{
	*config = (struct fetch_config){
		.deadline_ms = 60 * 1000,
		.max_transfers = TRANSFERS,
		.max_files = UINT_MAX,
		.max_ahead = UINT_MAX,
		.max_beside_demand = UINT_MAX,
		.max_unknown_size = (uint64_t)16 << 30,
		.max_image_size = (uint64_t)1 << 30,
		.large_size = (uint64_t)16 << 20,
		.fill_percent = 10,
		.connect_ms = 3000,
		.tls_ms = 5000,
		.first_byte_ms = 10000,
		.stall_ms = 10000,
		.stall_rate = 1024,
		.object_ms = 30000,
		.object_rate = 64 * 1024,
		.probe_ms = 10000,
	};
}

void fetch_config_limit_ahead(struct fetch_config *config)
{
	/* A quarter is always left for readers. */
	config->max_ahead = config->max_transfers * 3 / 4;
	if (!config->max_ahead)
		config->max_ahead = 1;
	/* tests/bench/replay.sh: fewer make a start with a profile that lacks a little
	 * slower as a whole, more make its misses slower. */
	config->max_beside_demand = (config->max_ahead * 2 + 2) / 3;
	config->max_ahead_bytes = AHEAD_BYTES;
}

bool fetch_config_is_private(const struct fetch_config *config, const char *url)
{
	return http_is_https(url) || config->secrets_in_clear ||
	       (!config->proxy && http_url_is_loopback(url));
}

static void free_pem(struct fetch_pem *pem)
{
	free(pem->uri);
	if (pem->text)
		explicit_bzero(pem->text, pem->len);
	free(pem->text);
}

void fetch_config_free(struct fetch_config *config)
{
	size_t i;

	for (i = 0; i < config->n_mirrors; i++)
		free(config->mirrors[i]);
	for (i = 0; i < config->n_headers; i++)
		free(config->headers[i]);
	free(config->headers);
	free(config->proxy);
	free(config->ca_bundle);
	free_pem(&config->client_cert);
	free_pem(&config->client_key);
	free(config->user_agent);
	free(config->s3_region);
	free(config->s3_key_id);
	free(config->s3_secret);
	free(config->s3_token);
	fetch_config_init(config);
}

static int base_of(const char *url, bool *ret_s3, char **ret,
		   const char **ret_why)
{
	*ret_s3 = strncasecmp(url, "s3+", 3) == 0;
	return http_url_base(*ret_s3 ? url + 3 : url, *ret_s3, ret, ret_why);
}

int fetch_config_add_mirror(struct fetch_config *config, const char *url)
{
	const char *why;
	char *base;
	bool is_s3;
	int err = base_of(url, &is_s3, &base, &why);

	if (err < 0)
		return err;
	if (config->n_mirrors == FETCH_MIRRORS_MAX) {
		free(base);
		return -E2BIG;
	}
	config->mirror_is_s3[config->n_mirrors] = is_s3;
	config->mirrors[config->n_mirrors++] = base;
	return 0;
}

const char *fetch_config_mirror_fault(const char *url)
{
	const char *why = NULL;
	char *base = NULL;
	bool is_s3;

	(void)base_of(url, &is_s3, &base, &why);
	free(base);
	return why;
}

/* A token of RFC 9110, a colon, and no control characters after it. */
static bool is_header(const char *line)
{
	const char *colon = strchr(line, ':'), *c;

	if (!colon || colon == line)
		return false;
	for (c = line; c < colon; c++)
		if (!isalnum((unsigned char)*c) && !strchr("!#$%&'*+-.^_`|~", *c))
			return false;
	for (; *c; c++)
		if (iscntrl((unsigned char)*c) && *c != '\t')
			return false;
	return true;
}

static int add_header(struct fetch_config *config, const char *line)
{
	char **headers;
	char *copy;

	if (!is_header(line))
		return -EINVAL;
	headers = realloc(config->headers,
			  (config->n_headers + 1) * sizeof(*headers));
	if (!headers)
		return -ENOMEM;
	config->headers = headers;
	copy = strdup(line);
	if (!copy)
		return -ENOMEM;
	headers[config->n_headers++] = copy;
	return 0;
}

/* Cut white space, a CR among it, off the end of a line. */
static char *trimmed(char *line)
{
	size_t len = strlen(line);

	while (len && isspace((unsigned char)line[len - 1]))
		line[--len] = '\0';
	return line;
}

/* Of a file in a format of other programs: who may read it is to be said. */
static int judge_foreign(const struct secret_file *file)
{
	return file->access == SECRET_FILE_OPEN ? -EPERM : file->access;
}

/* Of a file that is ours: its group's reading is to be said. */
static int judge_access(const struct secret_file *file)
{
	return file->access == SECRET_FILE_READABLE ? -EPERM :
						      judge_foreign(file);
}

int fetch_config_add_header_file(struct fetch_config *config, const char *path)
{
	CLEANUP(secret_file_free) struct secret_file file = { .text = NULL };
	int err = secret_file_read(path, &file);
	bool secret = false;
	char *rest, *line;

	rest = file.text;
	while (err == 0 && (line = strsep(&rest, "\n"))) {
		line = trimmed(line);
		if (!*line || *line == '#')
			continue;
		err = add_header(config, line);
		secret = secret || http_header_is_secret(line);
	}
	return err == 0 && secret ? judge_access(&file) : err;
}

int fetch_config_add_token_file(struct fetch_config *config, const char *path)
{
	CLEANUP(secret_file_free) struct secret_file file = { .text = NULL };
	CLEANUP_FREE char *header = NULL;
	char *rest, *token;
	int err = secret_file_read(path, &file);

	if (err < 0)
		return err;
	rest = file.text;
	token = trimmed(strsep(&rest, "\n"));
	if (!*token)
		return -EINVAL;
	if (asprintf(&header, "Authorization: Bearer %s", token) < 0) {
		header = NULL;
		return -ENOMEM;
	}
	err = add_header(config, header);
	return err < 0 ? err : judge_access(&file);
}

int fetch_config_set_proxy_file(struct fetch_config *config, const char *path)
{
	CLEANUP(secret_file_free) struct secret_file file = { .text = NULL };
	int err = secret_file_read(path, &file);

	if (err < 0)
		return err;
	file.text[strcspn(file.text, "\r\n")] = '\0';
	if (!*file.text)
		return -EINVAL;
	config->proxy = strdup(file.text);
	if (!config->proxy)
		return -ENOMEM;
	return strchr(config->proxy, '@') ? judge_foreign(&file) : 0;
}

/* Tokens in the hardware have a URI, which libcurl understands. */
static bool is_token_uri(const char *text)
{
	return strncasecmp(text, "pkcs11:", 7) == 0;
}

int fetch_config_set_pem(struct fetch_pem *pem, const char *path, bool is_key)
{
	CLEANUP(secret_file_free) struct secret_file file = { .text = NULL };
	int err;

	if (is_token_uri(path)) {
		pem->uri = strdup(path);
		return pem->uri ? 0 : -ENOMEM;
	}
	err = secret_file_read(path, &file);
	if (err < 0)
		return err;
	if (!strstr(file.text, "-----BEGIN ") ||
	    (is_key && !strstr(file.text, "PRIVATE KEY-----")))
		return -EINVAL;
	err = strstr(file.text, "PRIVATE KEY-----") ? judge_access(&file) : 0;
	if (err < 0)
		return err;
	pem->len = file.len;
	pem->text = take_ptr(file.text);
	return err;
}

/* "name = value" of a credentials file: into the field that has this name. */
static int take_s3_line(struct fetch_config *config, char *line)
{
	const struct {
		const char *name;
		char **field;
	} fields[] = {
		{ "aws_access_key_id", &config->s3_key_id },
		{ "aws_secret_access_key", &config->s3_secret },
		{ "aws_session_token", &config->s3_token },
	};
	char *value = strchr(line, '=');
	size_t i;

	if (!value)
		return -EINVAL;
	*value++ = '\0';
	value += strspn(value, " \t");
	line = trimmed(line);
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (strcmp(line, fields[i].name) != 0)
			continue;
		if (!*value || *fields[i].field)
			return -EINVAL;
		*fields[i].field = strdup(value);
		return *fields[i].field ? 0 : -ENOMEM;
	}
	/* Such a file also says other things, to other programs. */
	return 0;
}

int fetch_config_add_s3_file(struct fetch_config *config, const char *path)
{
	CLEANUP(secret_file_free) struct secret_file file = { .text = NULL };
	int err = secret_file_read(path, &file);
	bool wanted = true;
	char *rest, *line;

	rest = file.text;
	while (err == 0 && (line = strsep(&rest, "\n"))) {
		line = trimmed(line + strspn(line, " \t"));
		if (*line == '[')
			wanted = strcmp(line, "[default]") == 0;
		else if (*line && *line != '#' && *line != ';' && wanted)
			err = take_s3_line(config, line);
	}
	if (err == 0 && (!config->s3_key_id || !config->s3_secret))
		err = -EINVAL;
	return err < 0 ? err : judge_foreign(&file);
}
