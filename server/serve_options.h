/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The command line of cfs-serve.
 *
 * Ownership: every text of the options is borrowed from argv.
 */
#ifndef SERVER_SERVE_OPTIONS_H
#define SERVER_SERVE_OPTIONS_H

#include "server/worker.h"

struct serve_options {
	const char *store;
	const char *listen[LISTENERS_MAX];
	enum listen_role role[LISTENERS_MAX];
	size_t n_listen;
	size_t n_workers;
	struct serve_limits limits;	/* max_connections 0: as many as fit */
	enum io_engine engine;
	bool unsealed;
	bool make_trees;
	const char *access_log;		/* NULL: none */
	const char *user;		/* NULL: stay who we are */
};

/**
 * serve_options_parse() - read the command line, or exit with a message
 * @ret: filled in
 */
void serve_options_parse(int argc, char **argv, struct serve_options *ret);

#endif /* SERVER_SERVE_OPTIONS_H */
