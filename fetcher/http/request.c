// SPDX-License-Identifier: GPL-2.0-or-later
/* What one GET asks for: its URL, its range, its headers, its signature. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "fetcher/http/config.h"
#include "fetcher/http/client.h"
#include "fetcher/http/policy.h"
#include "fetcher/http/sigv4.h"

static int add_header(struct http_transfer *t, const char *line)
{
	struct curl_slist *list = curl_slist_append(t->headers, line);

	if (!list)
		return -ENOMEM;
	t->headers = list;
	return 0;
}

/* What was configured goes to the mirrors only, and a secret not in clear. */
static struct curl_slist *headers_for(const struct http *http, const char *url,
				      bool at_mirror)
{
	if (!at_mirror)
		return NULL;
	return !http->has_secrets || fetch_config_is_private(http->config, url) ?
		       http->headers : http->open_headers;
}

/* The certificate that the request shows if it is asked for one. */
static int set_certificate(struct http_transfer *t, bool at_mirror)
{
	const struct fetch_config *config = t->http->config;
	const struct fetch_pem *cert = &config->client_cert;
	const struct fetch_pem *key = config->client_key.uri ||
				      config->client_key.text ?
					      &config->client_key : cert;
	struct curl_blob cert_blob = { cert->text, cert->len, CURL_BLOB_NOCOPY };
	struct curl_blob key_blob = { key->text, key->len, CURL_BLOB_NOCOPY };
	bool wanted = at_mirror && (cert->uri || cert->text);

	if (curl_easy_setopt(t->easy, CURLOPT_SSLCERT,
			     wanted ? cert->uri : NULL) != CURLE_OK ||
	    curl_easy_setopt(t->easy, CURLOPT_SSLKEY,
			     wanted ? key->uri : NULL) != CURLE_OK ||
	    curl_easy_setopt(t->easy, CURLOPT_SSLCERT_BLOB,
			     wanted && cert->text ? &cert_blob : NULL) !=
		    CURLE_OK ||
	    curl_easy_setopt(t->easy, CURLOPT_SSLKEY_BLOB,
			     wanted && key->text ? &key_blob : NULL) != CURLE_OK)
		return -ENOMEM;
	return 0;
}

/* The headers of this request; most have none but the configured ones. */
static int set_headers(struct http_transfer *t, const char *url, bool at_mirror,
		       bool s3)
{
	const struct http_get *get = t->get;
	struct http *http = t->http;
	struct curl_slist *configured = headers_for(http, url, at_mirror);
	char line[HTTP_ETAG_MAX + 32];
	struct curl_slist *i;
	int err = 0;

	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, NULL);
	curl_slist_free_all(t->headers);
	t->headers = NULL;
	if (!get->no_cache && !get->if_none_match && !s3) {
		curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, configured);
		return 0;
	}
	for (i = configured; i && err == 0; i = i->next)
		err = add_header(t, i->data);
	if (err == 0 && get->no_cache)
		err = add_header(t, "Cache-Control: no-cache");
	if (err == 0 && get->if_none_match) {
		snprintf(line, sizeof(line), "If-None-Match: \"%.*s\"",
			 HTTP_ETAG_MAX - 1, get->if_none_match);
		err = add_header(t, line);
	}
	if (err == 0 && s3)
		err = s3_add_headers(http->config, &t->headers);
	curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers);
	return err;
}

static void set_range(struct http_transfer *t)
{
	const struct http_get *get = t->get;
	char range[48];

	if (get->length)
		snprintf(range, sizeof(range), "%" PRIu64 "-%" PRIu64,
			 get->offset, get->offset + get->length - 1);
	else
		snprintf(range, sizeof(range), "%" PRIu64 "-", get->offset);
	curl_easy_setopt(t->easy, CURLOPT_RANGE,
			 http_get_is_part(get) ? range : NULL);
}

int http_request_set(struct http_transfer *t, const char *url, bool at_mirror)
{
	const struct fetch_config *config = t->http->config;
	bool s3 = at_mirror && s3_wanted(config, url);

	if (set_headers(t, url, at_mirror, s3) < 0 || s3_set(t->easy, config, s3) < 0 ||
	    set_certificate(t, at_mirror) < 0)
		return -ENOMEM;
	set_range(t);
	/*
	 * To share an HTTP/2 connection it has to be known for one.  Without TLS it never
	 * is, and libcurl lets go one of those who wait at a time.
	 */
	curl_easy_setopt(t->easy, CURLOPT_PIPEWAIT, http_is_https(url) ? 1L : 0L);
	if (curl_easy_setopt(t->easy, CURLOPT_URL, url) != CURLE_OK)
		return -ENOMEM;
	return 0;
}
