// SPDX-License-Identifier: GPL-2.0-or-later
#include "cache/build/dump_field.h"

#include <errno.h>

#define NSEC_MAX	999999999

bool dump_field_next(struct dump_field *rest, struct dump_field *ret)
{
	const char *space;

	if (!rest->text)
		return false;
	space = memchr(rest->text, ' ', rest->len);
	ret->text = rest->text;
	ret->len = space ? (size_t)(space - rest->text) : rest->len;
	if (space) {
		rest->text = space + 1;
		rest->len -= ret->len + 1;
	} else {
		*rest = (struct dump_field){ 0 };
	}
	return true;
}

int dump_field_number(const struct dump_field *field, unsigned int base,
		      uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;
	size_t i;

	if (!field->len)
		return -EINVAL;
	for (i = 0; i < field->len; i++) {
		unsigned int digit = (unsigned char)field->text[i] - '0';

		if (digit >= base || value > (max - digit) / base)
			return -EINVAL;
		value = value * base + digit;
	}
	*ret = value;
	return 0;
}

int dump_field_time(const struct dump_field *field, int64_t *ret_sec,
		    uint32_t *ret_nsec)
{
	struct dump_field sec = *field, nsec;
	const char *dot = memchr(field->text, '.', field->len);
	bool negative;
	uint64_t value, nsec_value;

	if (!dot)
		return -EINVAL;
	sec.len = dot - field->text;
	nsec.text = dot + 1;
	nsec.len = field->len - sec.len - 1;

	negative = sec.len && sec.text[0] == '-';
	if (negative) {
		sec.text++;
		sec.len--;
	}
	if (dump_field_number(&sec, 10, (uint64_t)INT64_MAX + negative,
			      &value) ||
	    dump_field_number(&nsec, 10, NSEC_MAX, &nsec_value))
		return -EINVAL;
	*ret_sec = negative ? -value : value;
	*ret_nsec = nsec_value;
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/* What follows a backslash.  Returns how many characters that is, or 0. */
static size_t unescape_one(const char *text, size_t len, char *ret)
{
	int high, low;

	if (!len)
		return 0;
	switch (text[0]) {
	case '\\':
		*ret = '\\';
		return 1;
	case 'n':
		*ret = '\n';
		return 1;
	case 'r':
		*ret = '\r';
		return 1;
	case 't':
		*ret = '\t';
		return 1;
	case 'x':
		if (len < 3)
			return 0;
		high = hex_digit(text[1]);
		low = hex_digit(text[2]);
		if (high < 0 || low < 0)
			return 0;
		*ret = high << 4 | low;
		return 3;
	}
	return 0;
}

int dump_field_unescape(const struct dump_field *field, char **scratch,
			struct dump_field *ret)
{
	const char *text = field->text, *end = text + field->len;
	char *out = *scratch;

	if (!memchr(text, '\\', field->len)) {
		*ret = *field;
		return 0;
	}
	while (text < end) {
		size_t used;

		if (*text != '\\') {
			*out++ = *text++;
			continue;
		}
		text++;
		used = unescape_one(text, end - text, out);
		if (!used)
			return -EINVAL;
		out++;
		text += used;
	}
	ret->text = *scratch;
	ret->len = out - *scratch;
	*scratch = out;
	return 0;
}
