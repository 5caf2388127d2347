/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The options about mirrors and the network, which every program of this folder
 * has: one table, and its part of --help.
 */
#ifndef FETCHER_HTTP_OPTIONS_H
#define FETCHER_HTTP_OPTIONS_H

#include <stddef.h>

#include "cache/base/options.h"

/* Its fields are those of struct fetch_config. */
extern const struct option_row network_options[];
extern const size_t n_network_options;

struct fetch_config;

/** network_options_check() - do they make sense together?  0, or -EINVAL after a
 *	complaint
 */
int network_options_check(const struct option_parser *parser,
			  const struct fetch_config *config);

#define NETWORK_OPTIONS_USAGE						\
"Network:\n"								\
"  --token-file=FILE         send the bearer token that FILE holds\n"	\
"  --header-file=FILE        send the header lines that FILE holds\n"	\
"  --s3-credentials=FILE     sign requests to s3+http: and s3+https: mirrors\n" \
"  --s3-region=REGION        for that region instead of us-east-1\n"	\
"  --proxy=URL               HTTP or SOCKS proxy\n"			\
"  --proxy-file=FILE         the same from a file, if it has a password\n" \
"  --ca-bundle=FILE          trust these certificates instead of the system's\n" \
"  --client-cert=FILE|URI    show mirrors this certificate (PEM, or pkcs11:...)\n" \
"  --client-key=FILE|URI     and this is its key, if not in the same file\n" \
"  --secrets-in-clear        send the token to http mirrors on other machines, too\n" \
"  --user-agent=TEXT\n"							\
"  --transfers=N             GETs at once\n"				\
"  --connections=N           connections at once\n"			\
"  --connect-timeout=SECONDS, --tls-timeout=SECONDS\n"			\
"  --first-byte-timeout=SECONDS\n"					\
"  --stall-timeout=SECONDS, --stall-rate=BYTES\n"			\
"                            cut a transfer slower than BYTES/s for SECONDS\n" \
"  --object-timeout=SECONDS, --object-rate=BYTES\n"			\
"                            limit of a whole object: SECONDS + size / BYTES\n" \
"  --no-hedge                never ask a second mirror when the first is late\n"

#endif /* FETCHER_HTTP_OPTIONS_H */
