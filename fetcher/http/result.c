// SPDX-License-Identifier: GPL-2.0-or-later
/* What libcurl and the server say, in the words of the engine. */
#include "fetcher/http/result.h"

enum fetch_result http_result_of_code(CURLcode code)
{
	switch (code) {
	case CURLE_PARTIAL_FILE:
		return FETCH_RESULT_SHORT;
	case CURLE_OPERATION_TIMEDOUT:
		return FETCH_RESULT_TIMEOUT;
	case CURLE_COULDNT_RESOLVE_PROXY:
	case CURLE_COULDNT_RESOLVE_HOST:
	case CURLE_COULDNT_CONNECT:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_PROXY:
		return FETCH_RESULT_UNREACHABLE;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CRL_BADFILE:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_SSL_ENGINE_INITFAILED:
	case CURLE_SSL_SHUTDOWN_FAILED:
		return FETCH_RESULT_TLS;
	case CURLE_FAILED_INIT:
		return FETCH_RESULT_LOCAL;
	default:
		/*
		 * HTTP/0.9, a garbled status line, a header line without end
		 * (out of memory, says libcurl), HTTP/2 framing, ...
		 */
		return FETCH_RESULT_PROTOCOL;
	}
}

enum fetch_result http_result_of_status(long status, bool conditional)
{
	switch (status) {
	case 304:
		return conditional ? FETCH_RESULT_NOT_MODIFIED :
				     FETCH_RESULT_STATUS;
	case 401:
	case 403:
		return FETCH_RESULT_DENIED;
	case 407:
		return FETCH_RESULT_PROXY;
	case 404:
	case 410:
		return FETCH_RESULT_MISSING;
	case 429:
	case 503:
		return FETCH_RESULT_BUSY;
	}
	return FETCH_RESULT_STATUS;
}
