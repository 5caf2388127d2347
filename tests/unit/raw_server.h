/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A server that answers with raw bytes, so that a test can say anything to an HTTP
 * client.  One thread; connections one after the other, or as many as come, each
 * served to its end before the next is looked at.
 *
 * Ownership: raw_server_start() gives the caller a server to raw_server_stop().
 */
#ifndef TESTS_UNIT_RAW_SERVER_H
#define TESTS_UNIT_RAW_SERVER_H

#include <stddef.h>

struct raw_server;

/**
 * typedef raw_answer_fn - answer one request; runs on the server's thread
 * @fd: the connection; what is written there is all the client sees
 * @request: its header, ended by a NUL
 * @n: how many requests came before it, over all connections
 *
 * Return: 0 to keep the connection, anything else to close it.
 */
typedef int (*raw_answer_fn)(void *context, int fd, const char *request,
			     unsigned int n);

/** raw_server_start() - listen on a free port of 127.0.0.1; aborts on failure */
struct raw_server *raw_server_start(raw_answer_fn answer, void *context);

/** raw_server_url() - "http://127.0.0.1:PORT" */
const char *raw_server_url(const struct raw_server *server);

/** raw_server_n() - requests so far */
unsigned int raw_server_n(const struct raw_server *server);

/** raw_server_stop() - close what is open, end the thread */
void raw_server_stop(struct raw_server *server);

/** raw_send() - write all of it; a client that is gone is no error */
void raw_send(int fd, const void *data, size_t len);

/** raw_print() - the same for a formatted text */
void raw_print(int fd, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* TESTS_UNIT_RAW_SERVER_H */
