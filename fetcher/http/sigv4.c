// SPDX-License-Identifier: GPL-2.0-or-later
/* Which requests are signed for S3, and with what. */
#include "fetcher/http/sigv4.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/cleanup.h"
#include "fetcher/http/config.h"

/*
 * SHA-256 of no bytes: a GET has no body.  S3 insists on this header, and libcurl
 * of this age does not send it by itself.
 */
#define NO_BODY "x-amz-content-sha256: e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

bool s3_wanted(const struct fetch_config *config, const char *url)
{
	size_t i;

	for (i = 0; i < config->n_mirrors; i++) {
		size_t len = strlen(config->mirrors[i]);

		if (config->mirror_is_s3[i] &&
		    strncmp(url, config->mirrors[i], len) == 0 &&
		    url[len] == '/')
			return true;
	}
	return false;
}

int s3_set(CURL *easy, const struct fetch_config *config, bool wanted)
{
	CLEANUP_FREE char *provider = NULL;

	if (!wanted) {
		curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, NULL);
		curl_easy_setopt(easy, CURLOPT_USERNAME, NULL);
		curl_easy_setopt(easy, CURLOPT_PASSWORD, NULL);
		return 0;
	}
	if (asprintf(&provider, "aws:amz:%s:s3", config->s3_region ?
		     config->s3_region : "us-east-1") < 0) {
		provider = NULL;
		return -ENOMEM;
	}
	if (curl_easy_setopt(easy, CURLOPT_AWS_SIGV4, provider) != CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_USERNAME, config->s3_key_id) !=
		    CURLE_OK ||
	    curl_easy_setopt(easy, CURLOPT_PASSWORD, config->s3_secret) !=
		    CURLE_OK)
		return -ENOMEM;
	return 0;
}

static int add(struct curl_slist **headers, const char *line)
{
	struct curl_slist *list = curl_slist_append(*headers, line);

	if (!list)
		return -ENOMEM;
	*headers = list;
	return 0;
}

int s3_add_headers(const struct fetch_config *config,
		   struct curl_slist **headers)
{
	CLEANUP_FREE char *token = NULL;
	int err = add(headers, NO_BODY);

	if (err < 0 || !config->s3_token)
		return err;
	if (asprintf(&token, "x-amz-security-token: %s", config->s3_token) < 0) {
		token = NULL;
		return -ENOMEM;
	}
	return add(headers, token);
}
