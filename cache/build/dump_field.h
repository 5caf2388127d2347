/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The fields of a dump line, one by one: composefs-dump(5).
 *
 * Ownership: a field borrows the line; unescaped bytes are either the field
 * itself or lie in the scratch space that the caller gave.
 */
#ifndef CACHE_BUILD_DUMP_FIELD_H
#define CACHE_BUILD_DUMP_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct dump_field {
	const char *text;		/* no NUL at the end */
	size_t len;
};

/** dump_field_is_unset() - is it the lone "-"? */
static inline bool dump_field_is_unset(const struct dump_field *field)
{
	return field->len == 1 && field->text[0] == '-';
}

/**
 * dump_field_next() - cut the next field off a line
 * @rest: what is left of the line; starts behind the one space that ends the
 *	field afterwards, and its text is NULL when the line has ended
 * @ret: the field, which may be empty
 *
 * Return: false if there is no further field.
 */
bool dump_field_next(struct dump_field *rest, struct dump_field *ret);

/**
 * dump_field_number() - read a number: digits only
 * @base: 8 or 10
 * @max: the largest allowed
 *
 * Return: 0 or -EINVAL.
 */
int dump_field_number(const struct dump_field *field, unsigned int base,
		      uint64_t max, uint64_t *ret);

/**
 * dump_field_time() - read SECONDS.NANOSECONDS; seconds may be negative
 *
 * Return: 0 or -EINVAL.
 */
int dump_field_time(const struct dump_field *field, int64_t *ret_sec,
		    uint32_t *ret_nsec);

/**
 * dump_field_unescape() - turn \\ \n \r \t and \xHH into the bytes they mean
 * @scratch: where there is room for @field->len bytes; advanced by what was used
 * @ret: the bytes
 *
 * Return: 0 or -EINVAL.
 */
int dump_field_unescape(const struct dump_field *field, char **scratch,
			struct dump_field *ret);

#endif /* CACHE_BUILD_DUMP_FIELD_H */
