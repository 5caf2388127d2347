// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/base/errmsg.h"

#include <stdarg.h>
#include <stdio.h>

int errmsg_set(struct errmsg *msg, int err, const char *format, ...)
{
	va_list args;
	char *c;

	if (!msg)
		return err;
	va_start(args, format);
	vsnprintf(msg->text, sizeof(msg->text), format, args);
	va_end(args);
	/* Names come from anywhere; they must not drive the reader's terminal. */
	for (c = msg->text; *c; c++) {
		if ((unsigned char)*c < ' ' || *c == 0x7f)
			*c = '?';
	}
	return err;
}
