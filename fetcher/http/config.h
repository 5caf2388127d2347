/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What an administrator can set about fetching, with the defaults.
 *
 * Ownership: a struct fetch_config owns its strings; fetch_config_init() makes
 * an empty one, fetch_config_free() releases what it holds.  Modules borrow the
 * configuration for as long as they live.
 */
#ifndef FETCHER_HTTP_CONFIG_H
#define FETCHER_HTTP_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FETCH_MIRRORS_MAX	16

/**
 * struct fetch_pem - a certificate or a key
 * @uri: PKCS#11, or NULL
 * @text: PEM, or NULL; read once, since privileges may be dropped later
 */
struct fetch_pem {
	char *uri;
	char *text;
	size_t len;
};

/**
 * struct fetch_config - all of it
 * @mirrors: base URLs, best first, without a slash at the end
 * @n_mirrors: how many
 * @mirror_is_s3: requests to that mirror are signed (AWS Signature Version 4)
 * @hard: wait for ever for a mirror; else give up after @deadline_ms
 * @deadline_ms: counted from the digest's first miss
 * @max_transfers: GETs in flight at once
 * @max_files: objects being received or published at once; UINT_MAX: no limit
 * @in_batches: objects get their names many at a time, for who waits for none
 * @max_ahead: of these, GETs that no reader waits for
 * @max_beside_demand: the same, while a reader waits for another one
 * @max_ahead_bytes: objects in such GETs together are at most about so large, or
 *	there is only one; 0: no limit
 * @max_connections: open at once, over all mirrors; 0: as @max_transfers
 * @max_unknown_size: cap for an object whose size is not known, bytes
 * @max_image_size: cap for an image, bytes
 * @large_size: objects of at least so many bytes are fetched in parts
 * @fill_percent: of an object that is read in parts: when so much of it is here, the
 *	rest is fetched, too; 100: never, unless somebody needs the whole
 * @connect_ms: for each address tried, and for the name look-up
 * @tls_ms: for the TLS handshake
 * @first_byte_ms: from the request to the first byte of the answer
 * @stall_ms: window in which at least @stall_rate bytes a second must come
 * @stall_rate: bytes a second
 * @object_ms: for a whole object, plus its size at @object_rate
 * @object_rate: bytes a second
 * @probe_ms: a mirror that does not answer is left alone for so long
 * @no_hedge: never ask a second mirror while a first one may still answer
 * @proxy: URL of a proxy, or NULL; the environment is not looked at
 * @ca_bundle: file of PEM certificates, or NULL for SSL_CERT_FILE, SSL_CERT_DIR
 *	or the system's
 * @client_cert: what a mirror that asks for one is shown (not where it redirects to)
 * @client_key: goes with @client_cert, which may hold it itself
 * @headers: lines sent with every request to a mirror (not where it redirects
 *	to), such as "Authorization: Bearer x"
 * @n_headers: how many
 * @secrets_in_clear: secret headers go to mirrors without TLS, too
 * @user_agent: NULL for the default
 * @s3_region: NULL for us-east-1, which most that are not Amazon go by
 * @s3_key_id: NULL: there are no credentials
 * @s3_secret: goes with @s3_key_id
 * @s3_token: of temporary credentials, or NULL
 */
struct fetch_config {
	char *mirrors[FETCH_MIRRORS_MAX];
	size_t n_mirrors;
	bool mirror_is_s3[FETCH_MIRRORS_MAX];

	bool hard;
	uint64_t deadline_ms;
	unsigned int max_transfers;
	unsigned int max_files;
	bool in_batches;
	unsigned int max_ahead;
	unsigned int max_beside_demand;
	uint64_t max_ahead_bytes;
	unsigned int max_connections;
	uint64_t max_unknown_size;
	uint64_t max_image_size;

	uint64_t large_size;
	unsigned int fill_percent;

	unsigned int connect_ms;
	unsigned int tls_ms;
	unsigned int first_byte_ms;
	unsigned int stall_ms;
	unsigned int stall_rate;
	unsigned int object_ms;
	unsigned int object_rate;
	unsigned int probe_ms;
	bool no_hedge;

	char *proxy;
	char *ca_bundle;
	struct fetch_pem client_cert, client_key;
	char **headers;
	size_t n_headers;
	bool secrets_in_clear;
	char *user_agent;
	char *s3_region;
	char *s3_key_id;
	char *s3_secret;
	char *s3_token;
};

/** fetch_config_init() - all defaults, no mirror */
void fetch_config_init(struct fetch_config *config);

/**
 * fetch_config_limit_ahead() - keep @max_ahead and so on within what readers can
 *	stand; from @max_transfers
 */
void fetch_config_limit_ahead(struct fetch_config *config);

/**
 * fetch_config_is_private() - can nobody on the way read what is sent there?
 *
 * With TLS, or to this machine itself without a proxy; or that does not matter.
 */
bool fetch_config_is_private(const struct fetch_config *config, const char *url);

/** fetch_config_free() - release what it holds; the struct is the caller's */
void fetch_config_free(struct fetch_config *config);

/**
 * fetch_config_add_mirror() - append a mirror
 * @config: to change
 * @url: http or https, with a host, without user, query or fragment; "s3+" in
 *	front of it says that requests are to be signed; copied, as http_url_base()
 *	writes it
 *
 * Return: 0, -EINVAL (not such a URL), -E2BIG (too many) or -ENOMEM.
 */
int fetch_config_add_mirror(struct fetch_config *config, const char *url);

/** fetch_config_mirror_fault() - why that was -EINVAL, in words; a constant */
const char *fetch_config_mirror_fault(const char *url);

/**
 * fetch_config_add_header_file() - read request headers from a file
 * @config: to change
 * @path: one "Name: value" a line; empty lines and lines beginning with # are
 *	passed over
 *
 * Return: 0; SECRET_FILE_GROUP (its group may read a secret in it); -EPERM (others may
 * read or change it, and there is a secret in it), -EINVAL (a line that is not a header),
 * -EFBIG (over 64 KiB), -ENOMEM or what open and read gave.
 */
int fetch_config_add_header_file(struct fetch_config *config, const char *path);

/**
 * fetch_config_add_token_file() - send "Authorization: Bearer" and the file's
 *	first line
 *
 * Return: as fetch_config_add_header_file().
 */
int fetch_config_add_token_file(struct fetch_config *config, const char *path);

/**
 * fetch_config_set_proxy_file() - the proxy that the first line names
 *
 * Return: as fetch_config_add_header_file(), but SECRET_FILE_READABLE if others may read
 * a password in it.
 */
int fetch_config_set_proxy_file(struct fetch_config *config, const char *path);

/**
 * fetch_config_set_pem() - a client certificate or its key
 * @pem: of the configuration; empty
 * @path: a file, or a PKCS#11 URI
 * @is_key: else a certificate, with or without its key
 *
 * Return: as fetch_config_add_header_file(); also -EINVAL if it is not PEM.
 */
int fetch_config_set_pem(struct fetch_pem *pem, const char *path, bool is_key);

/**
 * fetch_config_add_s3_file() - read what requests to s3+ mirrors are signed with
 * @config: to change
 * @path: a credentials file as the AWS tools have it: aws_access_key_id,
 *	aws_secret_access_key and perhaps aws_session_token of section [default],
 *	or without a section
 *
 * Return: as fetch_config_set_proxy_file(); also -EINVAL if one is missing.
 */
int fetch_config_add_s3_file(struct fetch_config *config, const char *path);

#endif /* FETCHER_HTTP_CONFIG_H */
