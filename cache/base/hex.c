// SPDX-License-Identifier: GPL-2.0-or-later
/* Bytes to lower-case hex and back. */
#include "cache/base/hex.h"

#include <errno.h>

void hex_encode(const uint8_t *bytes, size_t len, char *ret)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < len; i++) {
		*ret++ = digits[bytes[i] >> 4];
		*ret++ = digits[bytes[i] & 15];
	}
	*ret = '\0';
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -EINVAL;
}

int hex_decode(const char *text, size_t len, uint8_t *ret)
{
	for (size_t i = 0; i < len; i++) {
		int high = digit_value(text[2 * i]);

		if (high < 0)
			return -EINVAL;

		int low = digit_value(text[2 * i + 1]);

		if (low < 0)
			return -EINVAL;
		ret[i] = (uint8_t)(high << 4 | low);
	}
	return 0;
}
