/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Command lines described by tables: one row an option, which says into which
 * field of a struct its value goes.
 *
 * An option that does not repeat is an error the second time; so is a value out
 * of range.  --help and --version are answered here, on stdout; complaints go to
 * stderr and name the option.
 *
 * Ownership: tables, argv and the struct are borrowed for the duration of the
 * call; what OPTION_OWNED_TEXT stores is the caller's to free().
 */
#ifndef CACHE_BASE_OPTIONS_H
#define CACHE_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>

enum option_kind {
	OPTION_FLAG,		/* bool */
	OPTION_TEXT,		/* const char *, into argv */
	OPTION_OWNED_TEXT,	/* char * */
	OPTION_COUNT,		/* unsigned int, 1 to 65536 */
	OPTION_SECONDS,		/* unsigned int, milliseconds */
	OPTION_LONG_SECONDS,	/* uint64_t, milliseconds */
	OPTION_BYTES,		/* uint64_t, at least 1 */
	OPTION_BYTES_32,	/* unsigned int, at least 1 */
	OPTION_DESCRIPTOR,	/* int, at least 0 */
	OPTION_CALL,		/* set() decides, with a value */
	OPTION_CALL_BARE,	/* set() decides, without */
};

struct option_parser;

/**
 * struct option_row - one option
 * @name: without the dashes
 * @field: offset in the parser's struct; with OPTION_CALL: passed to @set
 * @repeats: may be given more than once
 * @set: @field points into the struct; 0, or -errno after a complaint
 */
struct option_row {
	const char *name;
	enum option_kind kind;
	size_t field;
	bool repeats;
	int (*set)(const struct option_parser *parser, void *field,
		   const char *name, const char *value);
};

#define OPTION_TABLES_MAX	2
#define OPTION_ROWS_MAX		96

/**
 * struct option_parser - a program's command line
 * @program: its name
 * @usage: what --help prints
 * @tables: unused ones are NULL; all rows together at most OPTION_ROWS_MAX
 * @base: the struct that each table's fields are in
 * @lengths: rows of each table
 */
struct option_parser {
	const char *program;
	const char *usage;
	const struct option_row *tables[OPTION_TABLES_MAX];
	size_t lengths[OPTION_TABLES_MAX];
	void *base[OPTION_TABLES_MAX];
};

enum {
	OPTION_ANSWERED = 1,	/* --help, --version, or a call said so: exit with success */
};

/**
 * option_parse() - read a command line
 * @ret_rest: index in @argv of the first argument that is no option
 *
 * Return: 0, OPTION_ANSWERED, -EINVAL after a complaint, or -ENOMEM.
 */
int option_parse(const struct option_parser *parser, int argc, char **argv,
		 int *ret_rest);

/** option_complain() - a line on stderr, and where help is; returns -EINVAL */
__attribute__((format(printf, 2, 3)))
int option_complain(const struct option_parser *parser, const char *format,
		    ...);

#endif /* CACHE_BASE_OPTIONS_H */
