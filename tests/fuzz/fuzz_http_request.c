// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes to the request parser, and what comes out of it to everything that
 * looks at a request.  The first bytes choose the size of the file.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "server/http_request.h"
#include "server/url_target.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool condition)
{
	if (!condition)
		abort();
}

static void check_range(const struct http_text *range, unsigned long long size)
{
	unsigned long long first, n;

	if (http_range_resolve(range, size, &first, &n) != 0)
		return;
	must(n > 0 && first < size && n <= size - first);
}

static void check_request(const struct http_request *request,
			  unsigned long long size)
{
	struct url_target target;

	must(request->target.len > 0 && request->target.text[0] == '/');
	if (url_target_parse(request->target.text, request->target.len,
			     &target) == 0) {
		must(!strstr(target.path, ".."));
		must(target.path[0] != '/');
	}
	if (request->range.text)
		check_range(&request->range, size);
	if (request->if_none_match.text)
		http_etag_matches(&request->if_none_match, "\"abc\"", false);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct http_request request, again;
	unsigned long long size;
	const char *bytes;
	int outcome;

	if (len < sizeof(size))
		return 0;
	memcpy(&size, data, sizeof(size));
	bytes = (const char *)data + sizeof(size);
	len -= sizeof(size);

	outcome = http_request_parse(bytes, len, &request);
	switch (outcome) {
	case 0:
		must(request.len > 0 && request.len <= len &&
		     request.len <= HTTP_HEAD_MAX);
		check_request(&request, size);
		/* What follows a head changes nothing about it. */
		must(http_request_parse(bytes, request.len, &again) == 0);
		must(again.len == request.len);
		break;
	case HTTP_REQUEST_PARTIAL:
		must(len < HTTP_HEAD_MAX);
		break;
	case HTTP_REQUEST_REFUSED:
		must(request.status >= 400 && request.status <= 505);
		break;
	default:
		abort();
	}
	return 0;
}
