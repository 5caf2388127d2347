// SPDX-License-Identifier: GPL-2.0-or-later
/* Why a GET failed, in words: which party, which status, which remedy. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fetcher/http/client.h"
#include "fetcher/http/config.h"

__attribute__((format(printf, 2, 3)))
static void add(char ret[HTTP_REASON_MAX], const char *format, ...)
{
	size_t len = strlen(ret);
	va_list args;

	va_start(args, format);
	vsnprintf(ret + len, HTTP_REASON_MAX - len, format, args);
	va_end(args);
}

/* What is to be done about a status that says who may ask. */
static const char *remedy_of_status(const struct fetch_config *config, long status)
{
	bool knows = config->n_headers || config->s3_key_id;

	switch (status) {
	case 401:
		return knows ? "the mirror does not accept the token or the headers that were given" :
			       "the mirror wants a token, see token-file";
	case 403:
		return config->s3_key_id ?
			       "are s3-credentials, s3-region and this machine's clock right?" :
			       NULL;
	case 407:
		return config->proxy && strchr(config->proxy, '@') ?
			       "the proxy does not accept the password that was given" :
			       "the proxy wants a password, see proxy-file";
	}
	return NULL;
}

/* Certificates have dates, and machines without a battery start in 1970. */
static bool is_about_dates(const char *cause)
{
	return strstr(cause, "expired") || strstr(cause, "not yet");
}

static void add_remedy_of_tls(const char *cause, char ret[HTTP_REASON_MAX])
{
	time_t now = time(NULL);
	struct tm tm;
	char text[32];

	if (is_about_dates(cause) && gmtime_r(&now, &tm) &&
	    strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", &tm))
		add(ret, "; this machine's clock says %s UTC: is it right?", text);
	else if (strstr(cause, "self-signed") || strstr(cause, "self signed") ||
		 strstr(cause, "issuer"))
		add(ret, "; see ca-bundle");
}

void http_reason(const struct http_transfer *t, enum fetch_result result,
		 long status, const char *cause, char ret[HTTP_REASON_MAX])
{
	const struct fetch_config *config = t->http->config;
	long os_errno = 0;

	ret[0] = '\0';
	if (!cause)
		cause = remedy_of_status(config, status);
	if (status && status != 200 && status != 206)
		add(ret, "HTTP %ld%s", status, cause ? ": " : "");
	if (cause)
		add(ret, "%s", cause);
	curl_easy_getinfo(t->easy, CURLINFO_OS_ERRNO, &os_errno);
	if (result == FETCH_RESULT_UNREACHABLE && os_errno)
		add(ret, ": %s", strerror((int)os_errno));
	if (cause && result == FETCH_RESULT_TLS)
		add_remedy_of_tls(cause, ret);
	if (t->http->proxy_name && result != FETCH_RESULT_LOCAL &&
	    result != FETCH_RESULT_DESCRIPTORS)
		add(ret, "%s(%s the proxy %s)", *ret ? " " : "",
		    result == FETCH_RESULT_PROXY ? "said by" : "through",
		    t->http->proxy_name);
	for (char *c = ret; *c; c++)
		if (*c < ' ' || *c > '~')
			*c = '?';
}
