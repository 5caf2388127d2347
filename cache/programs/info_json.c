// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * JSON arrays of any length in constant memory: each element is made, printed and
 * dropped.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cache/base/cleanup.h"
#include "cache/base/hex.h"
#include "cache/programs/info.h"

void info_json_begin(struct info_json *array, const char *before)
{
	array->any = false;
	fputs(before, stdout);
	putchar('[');
}

int info_json_add(struct info_json *array, json_t *element)
{
	int err;

	if (!element)
		return -ENOMEM;
	fputs(array->any ? ",\n" : "\n", stdout);
	array->any = true;
	err = json_dumpf(element, stdout, JSON_COMPACT);
	json_decref(element);
	return err ? -ENOMEM : 0;
}

void info_json_end(struct info_json *array, const char *after)
{
	fputs(array->any ? "\n]" : "]", stdout);
	fputs(after, stdout);
}

int info_json_bytes(json_t *object, const char *key, const void *bytes,
		    size_t len)
{
	json_t *text = json_stringn(bytes, len);	/* NULL: not UTF-8 */
	CLEANUP_FREE char *hex = NULL;
	char hex_key[64];

	if (text)
		return json_object_set_new(object, key, text) ? -ENOMEM : 0;
	hex = malloc(2 * len + 1);
	if (!hex)
		return -ENOMEM;
	hex_encode(bytes, len, hex);
	snprintf(hex_key, sizeof(hex_key), "%s_hex", key);
	return json_object_set_new(object, hex_key, json_string(hex)) ?
		       -ENOMEM : 0;
}
