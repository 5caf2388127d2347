/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From libcurl's codes and HTTP's status to enum fetch_result.  Pure functions. */
#ifndef FETCHER_HTTP_RESULT_H
#define FETCHER_HTTP_RESULT_H

#include <curl/curl.h>
#include <stdbool.h>

#include "fetcher/http/stats.h"

/** http_result_of_code() - a transfer that libcurl has ended, not with CURLE_OK */
enum fetch_result http_result_of_code(CURLcode code);

/**
 * http_result_of_status() - an answer without the body that was wanted
 * @status: of HTTP
 * @conditional: the request had If-None-Match
 */
enum fetch_result http_result_of_status(long status, bool conditional);

#endif /* FETCHER_HTTP_RESULT_H */
