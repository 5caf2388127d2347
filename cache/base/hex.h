/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Bytes to lower-case hex and back.  Nothing here allocates; every buffer is
 * borrowed for the duration of the call.
 */
#ifndef CACHE_BASE_HEX_H
#define CACHE_BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/**
 * hex_encode() - write @len bytes as 2 * @len lower-case digits and a NUL
 * @bytes: what to write
 * @len: how many bytes
 * @ret: room for 2 * @len + 1 characters
 */
void hex_encode(const uint8_t *bytes, size_t len, char *ret);

/**
 * hex_decode() - read exactly 2 * @len lower-case hex digits
 * @text: the digits; need not end in a NUL
 * @len: how many bytes to produce
 * @ret: room for @len bytes; contents undefined on failure
 *
 * Return: 0, or -EINVAL if one of the characters is not in [0-9a-f].
 */
int hex_decode(const char *text, size_t len, uint8_t *ret);

#endif /* CACHE_BASE_HEX_H */
