/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What /mirror says where STORE/mirror does not say it: which of the extras this
 * store has folders for.
 *
 *	composefs-mirror 1
 *	profiles
 *	zst
 *
 * Clients pass over words they do not know, and ask for nothing that is not here.
 * Any thread may call it.
 */
#ifndef SERVER_MIRROR_TEXT_H
#define SERVER_MIRROR_TEXT_H

/* The longest text, and its NUL. */
#define MIRROR_TEXT_MAX	128

/**
 * mirror_text() - look at the folders that are there now
 * @root_fd: the store's folder
 * @ret: the text
 */
void mirror_text(int root_fd, char ret[MIRROR_TEXT_MAX]);

#endif /* SERVER_MIRROR_TEXT_H */
