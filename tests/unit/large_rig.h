/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a test of large objects needs beside fetch_rig.h: one object that is fetched in
 * parts, and two mirrors, each of which answers in its manner.
 */
#ifndef TESTS_UNIT_LARGE_RIG_H
#define TESTS_UNIT_LARGE_RIG_H

#include "tests/unit/fetch_rig.h"

#define LARGE_MIRRORS	2

#define SIZE	((size_t)3 << 20 | 1234)
#define BLOCK	4096
#define TREES	"composefs-mirror 1\nverity\n"
#define NO_TREES "composefs-mirror 1\n"

/* How a mirror answers a GET for a part. */
enum manner {
	RIGHT,
	WRONG_DATA,		/* one byte of each block is another */
	WRONG_TREE,
	NO_TREE,		/* 404 */
	NO_RANGE,
	RANGE_IS_500,		/* falls over what is no whole */
	NO_OBJECT,
};

extern struct object large;
extern uint8_t *large_tree;		/* made by make_large() */
extern size_t large_tree_len;
extern enum manner manners[LARGE_MIRRORS];

/** make_large() - the object, of SIZE bytes, and its tree; before start_large() */
void make_large(void);

/** start_large() - setup() and start(); @text is the mirrors' file; NULL: not yet asked for */
void start_large(size_t n_mirrors, const char *text);

/** start_hedged() - the same; a mirror that is slow is left for another one */
void start_hedged(size_t n_mirrors, const char *text);

/** offer_all() - make the mirrors say what they have */
void offer_all(const char *text);

/** finish_large() - teardown(), and free the object */
void finish_large(void);

/** serve_large() - answer one GET */
void serve_large(struct http_get *get);

/** serve_until() - answer what is asked for until @calls is 1 */
void serve_until(const int *calls);

/** serve_rest() - answer all that comes */
void serve_rest(void);

#endif /* TESTS_UNIT_LARGE_RIG_H */
