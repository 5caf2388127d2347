// SPDX-License-Identifier: GPL-2.0-or-later
/* Bytes as a dump shows them: composefs-dump(5). */
#include <stdio.h>

#include "cache/programs/info.h"

static bool is_plain(unsigned char c, unsigned int flags)
{
	if (c == '=')
		return !(flags & INFO_ESCAPE_EQUAL);
	if (c == ' ')
		return flags & INFO_KEEP_SPACE;
	return c > ' ' && c < 0x7f;
}

static void escape_byte(unsigned char c, unsigned int flags)
{
	switch (c) {
	case '\\':
		fputs("\\\\", stdout);
		return;
	case '\n':
		fputs("\\n", stdout);
		return;
	case '\r':
		fputs("\\r", stdout);
		return;
	case '\t':
		fputs("\\t", stdout);
		return;
	}
	if (is_plain(c, flags))
		putchar_unlocked(c);
	else
		printf("\\x%.2x", c);
}

void info_escape(const char *bytes, size_t len, unsigned int flags)
{
	if ((flags & INFO_ESCAPE_LONE_DASH) && len == 1 && bytes[0] == '-') {
		fputs("\\x2d", stdout);
		return;
	}
	for (size_t i = 0; i < len; i++)
		escape_byte((unsigned char)bytes[i], flags);
}
