// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A line at a time: first the path makes a node (dump_names.c), then the fields
 * fill it, then the xattrs.
 *
 * What the existing parser lets through by accident (signs, overflow, fields
 * that are missing, digests that are none) is refused: no writer produces it,
 * and the image would not be the one that was meant.
 */
#include "cache/build/dump_parse.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/limits.h>
#include <stdlib.h>

#include "cache/base/errmsg.h"
#include "cache/build/dump_field.h"
#include "cache/build/dump_names.h"
#include "cache/build/tree.h"
#include "kmod/cfs_format.h"

/* What the existing tools allow, before unescaping, behind the digest's space. */
#define XATTR_TEXT_MAX	65535
/* Far above what any tree that can be walked gives; lets an int hold lengths. */
#define LINE_MAX_LEN	((size_t)16 << 20)

struct parser {
	struct cfs_tree *tree;
	struct dump_names names;
	struct dump_place at;		/* the line that is read */
	unsigned int flags;
	char *scratch;			/* unescaped bytes of this line */
	size_t scratch_size;
	char *scratch_next;
};

/* ---- fields ---- */

enum {
	SIZE, MODE, NLINK, UID, GID, RDEV, MTIME, PAYLOAD, CONTENT, DIGEST,
	N_FIELDS,
};

static const char *const field_names[N_FIELDS] = {
	"SIZE", "MODE", "NLINK", "UID", "GID", "RDEV", "MTIME", "PAYLOAD",
	"CONTENT", "DIGEST",
};

static int number(struct parser *parser, const struct dump_field *fields,
		  int which, uint64_t max, uint64_t *ret)
{
	if (dump_field_number(&fields[which], which == MODE ? 8 : 10, max, ret))
		return bad_line(&parser->at, "%s is not a number in range: %.*s",
				field_names[which], (int)fields[which].len,
				fields[which].text);
	return 0;
}

static int number32(struct parser *parser, const struct dump_field *fields,
		    int which, uint32_t *ret)
{
	uint64_t value;
	int err = number(parser, fields, which, UINT32_MAX, &value);

	if (!err)
		*ret = value;
	return err;
}

static int unescape(struct parser *parser, const struct dump_field *field,
		    const char *what, struct dump_field *ret)
{
	if (dump_field_unescape(field, &parser->scratch_next, ret))
		return bad_line(&parser->at, "wrong escape in %s", what);
	return 0;
}

/* MODE with its '@' removed: type and permissions. */
static int parse_mode(struct parser *parser, const struct dump_field *fields,
		      uint32_t *ret)
{
	uint64_t mode;
	int err = number(parser, fields, MODE, 0177777, &mode);

	if (err)
		return err;
	switch (mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFLNK:
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		*ret = mode;
		return 0;
	}
	return bad_line(&parser->at, "MODE has no file type: %.*s",
			(int)fields[MODE].len, fields[MODE].text);
}

static int parse_payload(struct parser *parser, const struct dump_field *field,
			 struct cfs_node *node)
{
	struct dump_field bytes;
	int err;

	if (dump_field_is_unset(field)) {
		if (S_ISLNK(node->mode))
			return bad_line(&parser->at, "a symlink needs its target as PAYLOAD");
		return 0;
	}
	err = unescape(parser, field, "PAYLOAD", &bytes);
	if (err)
		return err;
	if (bytes.len >= PATH_MAX)
		return bad_line(&parser->at, "PAYLOAD is longer than %d bytes",
				PATH_MAX - 1);
	if (memchr(bytes.text, 0, bytes.len))
		return bad_line(&parser->at, "PAYLOAD has a NUL byte");
	if (S_ISLNK(node->mode) && !bytes.len)
		return bad_line(&parser->at, "a symlink's target is empty");
	if (!bytes.len || !(S_ISLNK(node->mode) || S_ISREG(node->mode)))
		return 0;
	node->payload = arena_copy(&parser->tree->arena, bytes.text, bytes.len);
	node->payload_len = bytes.len;
	return node->payload ? 0 : -ENOMEM;
}

static int parse_content(struct parser *parser, const struct dump_field *field,
			 struct cfs_node *node)
{
	struct dump_field bytes;
	int err;

	if (dump_field_is_unset(field))
		return 0;
	err = unescape(parser, field, "CONTENT", &bytes);
	if (err)
		return err;
	if (bytes.len > CFS_INLINE_FILE_MAX)
		return bad_line(&parser->at, "CONTENT is longer than %d bytes",
				CFS_INLINE_FILE_MAX);
	if (bytes.len != node->size)
		return bad_line(&parser->at, "SIZE is %" PRIu64 " but CONTENT has %zu bytes",
				node->size, bytes.len);
	if (S_ISLNK(node->mode) && parser->flags & CFS_DUMP_STRICT)
		return bad_line(&parser->at, "a symlink has CONTENT");
	if (!S_ISREG(node->mode))
		return 0;
	node->content = arena_copy(&parser->tree->arena, bytes.text, bytes.len);
	node->content_len = bytes.len;
	return node->content ? 0 : -ENOMEM;
}

static int parse_digest(struct parser *parser, const struct dump_field *field,
			struct cfs_node *node)
{
	char lower[CFS_DIGEST_HEX_LEN];
	struct dump_field bytes;
	size_t i;
	int err;

	if (dump_field_is_unset(field))
		return 0;
	err = unescape(parser, field, "DIGEST", &bytes);
	if (err)
		return err;
	if (bytes.len != CFS_DIGEST_HEX_LEN)
		return bad_line(&parser->at, "DIGEST is neither - nor %d hex digits",
				CFS_DIGEST_HEX_LEN);
	for (i = 0; i < sizeof(lower); i++) {
		lower[i] = bytes.text[i];
		if (lower[i] >= 'A' && lower[i] <= 'F')
			lower[i] += 'a' - 'A';
	}
	if (cfs_digest_parse(lower, sizeof(lower), &node->digest))
		return bad_line(&parser->at, "DIGEST is neither - nor %d hex digits",
				CFS_DIGEST_HEX_LEN);
	node->has_digest = S_ISREG(node->mode);
	return 0;
}

static int parse_xattrs(struct parser *parser, struct dump_field *rest,
			struct cfs_node *node)
{
	struct dump_field pair, key, value;
	int err;

	if (rest->len > XATTR_TEXT_MAX)
		return bad_line(&parser->at, "more than %d bytes of xattrs",
				XATTR_TEXT_MAX);
	/* One space at the end of the line is no xattr. */
	while (rest->len && dump_field_next(rest, &pair)) {
		const char *equals = memchr(pair.text, '=', pair.len);

		if (!equals)
			return bad_line(&parser->at, "an xattr has no =");
		key.text = pair.text;
		key.len = equals - pair.text;
		value.text = equals + 1;
		value.len = pair.len - key.len - 1;
		err = unescape(parser, &key, "an xattr's name", &key);
		if (err)
			return err;
		err = unescape(parser, &value, "an xattr's value", &value);
		if (err)
			return err;
		if (memchr(key.text, 0, key.len))
			return bad_line(&parser->at, "an xattr's name has a NUL byte");
		err = cfs_node_set_xattr(&parser->tree->arena, node, key.text,
					 key.len, value.text, value.len);
		if (err == -ERANGE)
			return bad_line(&parser->at, "an xattr's name is empty or longer than %d bytes",
					XATTR_NAME_MAX);
		if (err == -E2BIG)
			return bad_line(&parser->at, "the xattrs are larger than %d bytes",
					CFS_NODE_XATTR_BUDGET);
		if (err)
			return err;
	}
	return 0;
}

static int check_strict(struct parser *parser, const struct cfs_node *node)
{
	if (node->rdev && !S_ISCHR(node->mode) && !S_ISBLK(node->mode))
		return bad_line(&parser->at, "RDEV is not 0, but this is no device");
	if (S_ISLNK(node->mode) && node->size != node->payload_len)
		return bad_line(&parser->at, "SIZE of a symlink is not its target's length");
	return 0;
}

static int parse_inode(struct parser *parser, const struct dump_field *fields,
		       struct dump_field *rest, struct cfs_node *node)
{
	int err;

	err = parse_mode(parser, fields, &node->mode);
	if (!err)
		err = number(parser, fields, SIZE, UINT64_MAX, &node->size);
	if (!err)
		err = number32(parser, fields, NLINK, &node->nlink);
	if (!err)
		err = number32(parser, fields, UID, &node->uid);
	if (!err)
		err = number32(parser, fields, GID, &node->gid);
	if (!err)
		err = number32(parser, fields, RDEV, &node->rdev);
	if (!err && dump_field_time(&fields[MTIME], &node->mtime_sec,
				    &node->mtime_nsec))
		err = bad_line(&parser->at, "MTIME is not SECONDS.NANOSECONDS: %.*s",
			       (int)fields[MTIME].len, fields[MTIME].text);
	if (!err)
		err = parse_payload(parser, &fields[PAYLOAD], node);
	if (!err)
		err = parse_content(parser, &fields[CONTENT], node);
	if (!err)
		err = parse_digest(parser, &fields[DIGEST], node);
	if (!err)
		err = parse_xattrs(parser, rest, node);
	if (!err && parser->flags & CFS_DUMP_STRICT)
		err = check_strict(parser, node);
	return err;
}

/* ---- hard links ---- */

static int parse_link(struct parser *parser, struct dump_field *fields,
		      struct cfs_node *node)
{
	struct dump_field target;
	int err;

	fields[MODE].text++;
	fields[MODE].len--;
	err = parse_mode(parser, fields, &node->mode);
	if (err)
		return err;
	if (S_ISDIR(node->mode))
		return bad_line(&parser->at, "a directory can't be a hard link");
	if (!node->parent)
		return bad_line(&parser->at, "the root can't be a hard link");
	if (dump_field_is_unset(&fields[PAYLOAD]))
		return bad_line(&parser->at, "a hard link needs its target's path as PAYLOAD");
	err = unescape(parser, &fields[PAYLOAD], "PAYLOAD", &target);
	if (err)
		return err;
	if (memchr(target.text, 0, target.len))
		return bad_line(&parser->at, "PAYLOAD has a NUL byte");

	return dump_names_link(&parser->names, &parser->at, node, &target);
}

/* ---- lines ---- */

static int reserve_scratch(struct parser *parser, size_t size)
{
	if (size > parser->scratch_size) {
		char *bigger = realloc(parser->scratch, size * 2);

		if (!bigger)
			return -ENOMEM;
		parser->scratch = bigger;
		parser->scratch_size = size * 2;
	}
	parser->scratch_next = parser->scratch;
	return 0;
}

static int parse_line(struct parser *parser, const char *text, size_t len)
{
	struct dump_field rest = { text, len };
	struct dump_field path, fields[N_FIELDS];
	struct cfs_node *node = NULL;
	bool is_link;
	int n, err;

	if (len > LINE_MAX_LEN)
		return bad_line(&parser->at, "it is longer than %zu bytes",
				LINE_MAX_LEN);
	err = reserve_scratch(parser, len);
	if (err)
		return err;
	if (memchr(text, 0, len))
		return bad_line(&parser->at, "there is a NUL byte");

	dump_field_next(&rest, &path);
	err = unescape(parser, &path, "PATH", &path);
	if (err)
		return err;
	for (n = 0; n < N_FIELDS && dump_field_next(&rest, &fields[n]); n++)
		;
	is_link = n > MODE && fields[MODE].len && fields[MODE].text[0] == '@';
	if (n < (is_link ? PAYLOAD + 1 : N_FIELDS))
		return bad_line(&parser->at, "%s is missing", field_names[n]);

	err = dump_names_make(&parser->names, &parser->at, &path, &node);
	if (err)
		return err;
	if (is_link)
		return parse_link(parser, fields, node);
	err = parse_inode(parser, fields, &rest, node);
	if (!err && !node->parent && !S_ISDIR(node->mode))
		err = bad_line(&parser->at, "the root is not a directory");
	return err;
}

static int parse_lines(struct parser *parser, const char *text, size_t len)
{
	const char *end = text + len;
	int err;

	while (text < end) {
		const char *newline = memchr(text, '\n', end - text);

		parser->at.line++;
		if (!newline && parser->flags & CFS_DUMP_STRICT)
			return bad_line(&parser->at, "the last line has no end");
		if (!newline)
			newline = end;
		err = parse_line(parser, text, newline - text);
		if (err)
			return err;
		text = newline == end ? end : newline + 1;
	}
	if (!parser->tree->root)
		return errmsg_set(parser->at.msg, -EINVAL, "the dump is empty");
	return dump_names_resolve_links(&parser->names, parser->at.msg);
}

int cfs_dump_parse(const char *text, size_t len, unsigned int flags,
		   struct cfs_tree *tree, struct errmsg *msg)
{
	struct parser parser = {
		.tree = tree,
		.at = { .msg = msg },
		.flags = flags,
	};
	int err;

	dump_names_init(&parser.names, tree);
	err = parse_lines(&parser, text, len);
	dump_names_release(&parser.names);
	free(parser.scratch);
	return err;
}
