// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Read the head of one HTTP/1.x request (RFC 9112).
 */
#include "server/http_request.h"

#include <string.h>
#include <strings.h>

/* tchar of RFC 9110, the characters of methods and field names. */
static bool is_token_char(unsigned char c)
{
	if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	    (c >= 'A' && c <= 'Z'))
		return true;
	return c && strchr("!#$%&'*+-.^_`|~", c);
}

/* Length of the token that starts at @text. */
static size_t token_len(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && is_token_char((unsigned char)text[n]))
		n++;
	return n;
}

static bool text_is(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && memcmp(text, word, len) == 0;
}

static bool text_is_nocase(const char *text, size_t len, const char *word)
{
	return len == strlen(word) && strncasecmp(text, word, len) == 0;
}

static int refuse(struct http_request *ret, int status)
{
	ret->status = status;
	ret->keep_alive = false;
	return HTTP_REQUEST_REFUSED;
}

/* 0, or the status that refuses the method. */
static int read_method(const char *text, size_t len, struct http_request *ret)
{
	static const char *const known[] = { "POST",	"PUT",	 "DELETE",
					     "OPTIONS", "TRACE", "CONNECT",
					     "PATCH" };
	size_t i;

	if (text_is(text, len, "GET")) {
		ret->method = HTTP_GET;
		return 0;
	}
	if (text_is(text, len, "HEAD")) {
		ret->method = HTTP_HEAD;
		return 0;
	}
	for (i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (text_is(text, len, known[i]))
			return 405;
	return 501;
}

/*
 * "HTTP/1.0" is 0, "HTTP/1.1" and later minors 1; a negative number is the
 * status that refuses the version.
 */
static int read_version(const char *text, size_t len)
{
	if (len != 8 || memcmp(text, "HTTP/", 5) != 0 || text[6] != '.' ||
	    text[5] < '0' || text[5] > '9' || text[7] < '0' || text[7] > '9')
		return -400;
	if (text[5] != '1')
		return -505;
	return text[7] != '0';
}

/* "http://host/path" means "/path" here: the server has one name space. */
static void strip_authority(struct http_text *target)
{
	static const char *const schemes[] = { "http://", "https://" };
	size_t i;

	for (i = 0; i < sizeof(schemes) / sizeof(schemes[0]); i++) {
		size_t len = strlen(schemes[i]);
		const char *path;

		if (target->len <= len ||
		    strncasecmp(target->text, schemes[i], len) != 0)
			continue;
		path = memchr(target->text + len, '/', target->len - len);
		if (!path)
			return;
		target->len -= path - target->text;
		target->text = path;
		return;
	}
}

/* METHOD SP target SP HTTP/x.y, without its CRLF; @ret_minor as read_version() */
static int read_request_line(const char *line, size_t len,
			     struct http_request *ret, int *ret_minor)
{
	size_t method_len = token_len(line, len);
	const char *end = line + len;
	const char *target = line + method_len + 1;
	const char *space;
	const char *p;
	int status;

	if (method_len == 0 || method_len >= len || line[method_len] != ' ')
		return 400;
	space = memchr(target, ' ', end - target);
	if (!space || space == target)
		return 400;
	for (p = target; p < space; p++)
		if (*p <= ' ' || *p >= 127)
			return 400;
	ret->target.text = target;
	ret->target.len = space - target;
	strip_authority(&ret->target);

	*ret_minor = read_version(space + 1, end - space - 1);
	if (*ret_minor < 0)
		return -*ret_minor;
	status = read_method(line, method_len, ret);
	if (status)
		return status;
	/* OPTIONS and CONNECT have other forms of target; they ended above. */
	return ret->target.text[0] == '/' ? 0 : 400;
}

static bool list_has_token(const char *text, size_t len, const char *word)
{
	const char *end = text + len;

	while (text < end) {
		size_t n;

		if (*text == ' ' || *text == '\t' || *text == ',') {
			text++;
			continue;
		}
		n = token_len(text, end - text);
		if (text_is_nocase(text, n, word))
			return true;
		text += n ? n : 1;
	}
	return false;
}

/* What the fields said that decides about the request as a whole. */
struct field_notes {
	int n_host;
	bool has_length;
	bool has_coding;
	bool close;
	bool keep_alive;
};

/* Keep a field that may be sent once; 0, or the status that refuses it. */
static int keep_once(struct http_text *ret, const char *text, size_t len)
{
	if (ret->text)
		return 400;
	ret->text = text;
	ret->len = len;
	return 0;
}

/* Where the value of a field with a condition goes; NULL if it is none. */
static struct http_text *condition_of(const char *name, size_t len,
				      struct http_request *ret)
{
	if (len < 8 || strncasecmp(name, "if-", 3) != 0)
		return NULL;
	if (text_is_nocase(name, len, "if-none-match"))
		return &ret->if_none_match;
	if (text_is_nocase(name, len, "if-match"))
		return &ret->if_match;
	if (text_is_nocase(name, len, "if-modified-since"))
		return &ret->if_modified_since;
	if (text_is_nocase(name, len, "if-unmodified-since"))
		return &ret->if_unmodified_since;
	return NULL;
}

/* A second one is ignored: at worst a 304 becomes a 200, or a 200 a 412. */
static void keep_first(struct http_text *ret, const char *text, size_t len)
{
	if (ret && !ret->text)
		keep_once(ret, text, len);
}

static int read_length(struct field_notes *notes, const char *text, size_t len)
{
	size_t i;

	if (notes->has_length || len == 0)
		return 400;
	notes->has_length = true;
	for (i = 0; i < len; i++)
		if (text[i] < '0' || text[i] > '9')
			return 400;
	/* Neither GET nor HEAD carries a body here. */
	for (i = 0; i < len; i++)
		if (text[i] != '0')
			return 413;
	return 0;
}

/* One field line without its CRLF; 0, or the status that refuses it. */
static int read_field(const char *line, size_t len, struct field_notes *notes,
		      struct http_request *ret)
{
	size_t name_len = token_len(line, len);
	const char *value = line + name_len + 1;
	const char *end = line + len;
	const char *p;
	size_t value_len;

	if (name_len == 0 || name_len >= len || line[name_len] != ':')
		return 400;
	while (value < end && (*value == ' ' || *value == '\t'))
		value++;
	while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	for (p = value; p < end; p++)
		if (((unsigned char)*p < ' ' && *p != '\t') || *p == 127)
			return 400;
	value_len = end - value;

	if (text_is_nocase(line, name_len, "host"))
		notes->n_host++;
	else if (text_is_nocase(line, name_len, "connection")) {
		notes->close |= list_has_token(value, value_len, "close");
		notes->keep_alive |=
			list_has_token(value, value_len, "keep-alive");
	} else if (text_is_nocase(line, name_len, "content-length"))
		return read_length(notes, value, value_len);
	else if (text_is_nocase(line, name_len, "transfer-encoding"))
		notes->has_coding = true;
	else if (text_is_nocase(line, name_len, "range"))
		return keep_once(&ret->range, value, value_len);
	else if (text_is_nocase(line, name_len, "if-range"))
		return keep_once(&ret->if_range, value, value_len);
	else
		keep_first(condition_of(line, name_len, ret), value, value_len);
	return 0;
}

/* The head is not whole yet: can it still become a request? */
static int judge_partial(const char *start, size_t len, size_t skipped,
			 struct http_request *ret)
{
	if (len > 0 && !is_token_char((unsigned char)start[0]) &&
	    start[0] != '\r')
		return refuse(ret, 400);
	if (len > HTTP_REQUEST_LINE_MAX &&
	    !memchr(start, '\n', HTTP_REQUEST_LINE_MAX))
		return refuse(ret, 414);
	if (len + skipped >= HTTP_HEAD_MAX)
		return refuse(ret, 431);
	return HTTP_REQUEST_PARTIAL;
}

int http_request_parse(const char *bytes, size_t len, struct http_request *ret)
{
	struct field_notes notes = { 0 };
	const char *start = bytes;
	const char *head_end;
	const char *line;
	const char *line_end;
	size_t left = len;
	int minor = 1;
	int status;

	memset(ret, 0, sizeof(*ret));

	/* Some clients send an empty line after a request's body. */
	while (left >= 2 && start - bytes < 4 && start[0] == '\r' &&
	       start[1] == '\n') {
		start += 2;
		left -= 2;
	}
	head_end = memmem(start, left, "\r\n\r\n", 4);
	if (!head_end)
		return judge_partial(start, left, start - bytes, ret);
	ret->len = head_end + 4 - bytes;

	line_end = memmem(start, left, "\r\n", 2);
	if (line_end - start > HTTP_REQUEST_LINE_MAX)
		return refuse(ret, 414);
	if (ret->len > HTTP_HEAD_MAX)
		return refuse(ret, 431);
	status = read_request_line(start, line_end - start, ret, &minor);
	if (status)
		return refuse(ret, status);

	while (line_end < head_end) {
		line = line_end + 2;
		line_end = memmem(line, head_end + 2 - line, "\r\n", 2);
		status = read_field(line, line_end - line, &notes, ret);
		if (status)
			return refuse(ret, status);
	}
	if (notes.has_coding)
		return refuse(ret, notes.has_length ? 400 : 501);
	if (notes.n_host > 1 || (minor >= 1 && notes.n_host == 0))
		return refuse(ret, 400);
	ret->keep_alive = !notes.close && (minor >= 1 || notes.keep_alive);
	return 0;
}

bool http_etag_matches(const struct http_text *list, const char *etag,
		       bool strong)
{
	const char *p = list->text;
	const char *end = p + list->len;
	size_t etag_len = strlen(etag);

	if (list->len == 1 && *p == '*')
		return true;
	while (p < end) {
		const char *close;
		bool weak;

		if (*p == ' ' || *p == '\t' || *p == ',') {
			p++;
			continue;
		}
		weak = end - p >= 2 && p[0] == 'W' && p[1] == '/';
		if (weak)
			p += 2;
		if (p == end || *p != '"')
			return false;
		close = memchr(p + 1, '"', end - p - 1);
		if (!close)
			return false;
		if (!(weak && strong) && (size_t)(close + 1 - p) == etag_len &&
		    memcmp(p, etag, etag_len) == 0)
			return true;
		p = close + 1;
	}
	return false;
}

/*
 * Digits to number, stopping at the first other character.  A number that does
 * not fit is as good as the largest one: no file has as many bytes.
 */
static size_t read_number(const char *text, size_t len,
			  unsigned long long *ret)
{
	unsigned long long n = 0;
	size_t i;

	for (i = 0; i < len && text[i] >= '0' && text[i] <= '9'; i++)
		if (__builtin_mul_overflow(n, 10, &n) ||
		    __builtin_add_overflow(n, text[i] - '0', &n))
			n = ~0ull;
	*ret = n;
	return i;
}

int http_range_resolve(const struct http_text *range, unsigned long long size,
		       unsigned long long *ret_first,
		       unsigned long long *ret_len)
{
	const char *text = range->text;
	size_t left = range->len;
	unsigned long long first, last;
	size_t n;

	if (left < 6 || strncasecmp(text, "bytes=", 6) != 0 ||
	    memchr(text, ',', left))
		return HTTP_RANGE_WHOLE;
	text += 6;
	left -= 6;

	n = read_number(text, left, &first);
	if (n == left || text[n] != '-')
		return HTTP_RANGE_UNSATISFIABLE;
	text += n + 1;
	left -= n + 1;
	if (n == 0) {		/* -N: the last N bytes */
		n = read_number(text, left, &last);
		if (n == 0 || n != left || last == 0 || size == 0)
			return HTTP_RANGE_UNSATISFIABLE;
		first = last < size ? size - last : 0;
		last = size - 1;
	} else if (left == 0) {	/* N-: everything from N */
		last = ~0ull;
	} else {
		n = read_number(text, left, &last);
		if (n != left || last < first)
			return HTTP_RANGE_UNSATISFIABLE;
	}
	if (first >= size)
		return HTTP_RANGE_UNSATISFIABLE;
	if (last >= size)
		last = size - 1;
	*ret_first = first;
	*ret_len = last - first + 1;
	return 0;
}
