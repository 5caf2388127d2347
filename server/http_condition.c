// SPDX-License-Identifier: GPL-2.0-or-later
#include "server/http_condition.h"

#include <errno.h>
#include <string.h>

void http_date_format(time_t time, char ret[HTTP_DATE_MAX])
{
	struct tm tm;

	gmtime_r(&time, &tm);
	/* The C locale is in force: day and month names are English. */
	strftime(ret, HTTP_DATE_MAX, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

int http_date_parse(const struct http_text *text, time_t *ret)
{
	static const char *const forms[] = {
		"%a, %d %b %Y %H:%M:%S GMT",
		"%A, %d-%b-%y %H:%M:%S GMT",
		"%a %b %e %H:%M:%S %Y",
	};
	char copy[64];
	size_t i;

	if (text->len >= sizeof(copy))
		return -EINVAL;
	memcpy(copy, text->text, text->len);
	copy[text->len] = '\0';
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm = { 0 };
		const char *end = strptime(copy, forms[i], &tm);

		if (end && !*end) {
			*ret = timegm(&tm);
			return 0;
		}
	}
	return -EINVAL;
}

/* Is there such a date, and one to compare it with? */
static bool has_date(const struct http_text *text,
		     const struct http_validators *current, time_t *ret)
{
	return text->text && current->modified &&
	       http_date_parse(text, ret) == 0;
}

static bool matches(const struct http_text *list,
		    const struct http_validators *current, bool strong)
{
	/* "*" means: if there is anything at all, and there is. */
	return http_etag_matches(list, current->etag ? current->etag : "",
				 strong);
}

int http_condition_status(const struct http_request *request,
			  const struct http_validators *current)
{
	time_t date;

	if (request->if_match.text) {
		if (!matches(&request->if_match, current, true))
			return 412;
	} else if (has_date(&request->if_unmodified_since, current, &date) &&
		   current->modified > date) {
		return 412;
	}
	if (request->if_none_match.text)
		return matches(&request->if_none_match, current, false) ? 304 :
									  0;
	if (has_date(&request->if_modified_since, current, &date) &&
	    current->modified <= date)
		return 304;
	return 0;
}

bool http_condition_range(const struct http_request *request,
			  const struct http_validators *current)
{
	const struct http_text *text = &request->if_range;
	time_t date;

	/* Ranges are defined for GET. */
	if (!request->range.text || request->method != HTTP_GET)
		return false;
	if (!text->text)
		return true;
	if (text->len && (text->text[0] == '"' || text->text[0] == 'W'))
		return current->etag && text->len == strlen(current->etag) &&
		       memcmp(text->text, current->etag, text->len) == 0;
	return current->is_exact && has_date(text, current, &date) &&
	       date == current->modified;
}
