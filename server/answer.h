/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a request to its response: what to open, what to load, what to say.
 *
 * Decides and fills in; sending, and every operation, is connection.c's.
 * Everything is borrowed; called on the connection's thread only.
 *
 *	answer_begin --- OPEN ---> answer_opened --- LOAD ---> answer_loaded
 *	     |                          |                        |      ^
 *	     +----------- SEND ---------+-------- SEND ----------+ LOAD |
 *	                                                         +------+
 */
#ifndef SERVER_ANSWER_H
#define SERVER_ANSWER_H

struct connection;

enum answer_step {
	ANSWER_SEND,	/* ->response says it all, ->object or ->text the body */
	ANSWER_OPEN,	/* open what ->op says */
	ANSWER_LOAD,	/* read what ->op says */
};

/** answer_begin() - a whole request has arrived */
enum answer_step answer_begin(struct connection *conn);

/** answer_refuse() - answer the request with a status and a line of text */
enum answer_step answer_refuse(struct connection *conn, int status);

/**
 * answer_opened() - the file was opened, or not
 * @res: its descriptor, owned by this function, or -errno
 */
enum answer_step answer_opened(struct connection *conn, int res);

/**
 * answer_loaded() - a part of the file was read, or not
 * @res: number of bytes, or -errno
 */
enum answer_step answer_loaded(struct connection *conn, int res);

#endif /* SERVER_ANSWER_H */
