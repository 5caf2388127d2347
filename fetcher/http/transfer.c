// SPDX-License-Identifier: GPL-2.0-or-later
/* A transfer of libcurl's, with what is the same for all requests. */
#include <limits.h>
#include <stdlib.h>

#include "fetcher/http/config.h"
#include "fetcher/http/client.h"

/* A file or folder of certificates that the environment names, as OpenSSL does. */
static void set_certificates(CURL *easy, const struct fetch_config *config)
{
	const char *file = config->ca_bundle ? config->ca_bundle :
					       getenv("SSL_CERT_FILE");
	const char *dir = config->ca_bundle ? NULL : getenv("SSL_CERT_DIR");

	if (file)
		curl_easy_setopt(easy, CURLOPT_CAINFO, file);
	if (dir)
		curl_easy_setopt(easy, CURLOPT_CAPATH, dir);
}

static void set_options(struct http_transfer *t)
{
	const struct fetch_config *config = t->http->config;
	CURL *easy = t->easy;

	curl_easy_setopt(easy, CURLOPT_PRIVATE, t);
	curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->error);
	curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(easy, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED);
	curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(easy, CURLOPT_NOPROGRESS, 1L);
	/* An empty string keeps libcurl from looking at the environment. */
	curl_easy_setopt(easy, CURLOPT_PROXY, config->proxy ? config->proxy : "");
	curl_easy_setopt(easy, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
	curl_easy_setopt(easy, CURLOPT_USERAGENT,
			 config->user_agent ? config->user_agent :
					      "composefs/" CFS_VERSION);
	set_certificates(easy, config);
	curl_easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	curl_easy_setopt(easy, CURLOPT_PROXY_SSLVERSION,
			 (long)CURL_SSLVERSION_TLSv1_2);
	/* Else OpenSSL asks the terminal for the password of a key. */
	curl_easy_setopt(easy, CURLOPT_KEYPASSWD, "");
	curl_easy_setopt(easy, CURLOPT_HTTP_VERSION,
			 (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(easy, CURLOPT_TCP_KEEPALIVE, 1L);
	/* A mirror may move; connections that work need no look-up. */
	curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, 10L);
	/*
	 * Our own timer is the limit; libcurl's default is 300 s, and it counts the
	 * time in which this process was stopped.
	 */
	curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)INT_MAX);
	/* Else removing a handle waits for a name server that does not answer. */
	curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, http_socket_open);
	curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, t);
	curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, http_request_goes_out);
	curl_easy_setopt(easy, CURLOPT_PREREQDATA, t);
	curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, http_take_header);
	curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, http_take_body);
	curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
}

struct http_transfer *http_transfer_new(struct http *http)
{
	struct http_transfer *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->http = http;
	t->timer.expired = http_phase_over;
	t->easy = curl_easy_init();
	if (!t->easy) {
		free(t);
		return NULL;
	}
	set_options(t);
	return t;
}

void http_transfer_free(struct http_transfer *t)
{
	curl_easy_cleanup(t->easy);
	free(t);
}
