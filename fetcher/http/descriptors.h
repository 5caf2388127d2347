/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Fetching within a limit of open files: each transfer needs a connection and a file, and
 * more for moments.  With few there are fewer transfers; where that does not suffice,
 * since others open files too, what finds none waits (engine/wait.c).
 */
#ifndef FETCHER_HTTP_DESCRIPTORS_H
#define FETCHER_HTTP_DESCRIPTORS_H

struct fetch_config;

/** descriptors_threads() - threads of a pool; @wanted: 0 for the default.  As loop_new() */
unsigned int descriptors_threads(unsigned int wanted);

/**
 * descriptors_fit() - make the configuration one that the limit allows
 * @config: changed if less is left than it would take
 * @n_threads: of the pool
 * @reserved: what the program itself will open yet
 *
 * Return: 0, -EMFILE (not one transfer fits) or the number of transfers that there are
 * now, if those are fewer than before.
 */
int descriptors_fit(struct fetch_config *config, unsigned int n_threads,
		    unsigned int reserved);

#endif /* FETCHER_HTTP_DESCRIPTORS_H */
