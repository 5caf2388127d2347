/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a member of a struct to the struct: how a callback that was handed a timer,
 * a waiter or a request finds what it is part of.  Borrowed stays borrowed.
 */
#ifndef CACHE_BASE_CONTAINER_OF_H
#define CACHE_BASE_CONTAINER_OF_H

#include <stddef.h>

#define container_of(ptr, type, member)					\
	((type *)((char *)(ptr) - offsetof(type, member)))

#endif /* CACHE_BASE_CONTAINER_OF_H */
