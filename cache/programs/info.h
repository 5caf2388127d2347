/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands of composefs-info share.  Errors are printed where they are
 * found, and each function says how: 0, or -errno of something that was printed.
 */
#ifndef CACHE_PROGRAMS_INFO_H
#define CACHE_PROGRAMS_INFO_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "cache/image/file.h"
#include "cache/image/walk.h"

/* Exit status of missing-objects when some are. */
#define INFO_EXIT_MISSING	2

/**
 * struct info - the command line
 * @basedir_fd: O_PATH folder, or -1
 * @filters: names in the root folder to restrict everything to; none: no limit
 * @files: images, or what to measure; @n_files is at least 1
 */
struct info {
	int basedir_fd;
	bool json;
	bool digests;		/* ls: digests instead of paths of objects */
	const char **filters;
	size_t n_filters;
	char **files;
	size_t n_files;
};

/* The commands; each returns the exit status. */
int info_ls(const struct info *info);
int info_dump(const struct info *info);
int info_objects(const struct info *info);
int info_missing_objects(const struct info *info);
int info_measure_file(const struct info *info);

/* ---- info_image.c ---- */

/** info_error() - print why a file could not be used, on stderr */
void info_error(const char *file, const char *inside, int err);

/**
 * info_open_fd() - open a file for reading
 *
 * Return: the descriptor or -errno, printed.
 */
int info_open_fd(const char *path);

/** info_open() - open an image; 0 or -errno, printed */
int info_open(const char *path, struct cfs_image_file **ret);

struct info_json;

/**
 * typedef info_image_fn - called for each image of the command line
 * @path: of the image, for messages
 * @entries: array to print to; NULL if text is asked for
 *
 * Return: 0 or -errno, printed.
 */
typedef int (*info_image_fn)(const struct info *info, const char *path,
			     const struct cfs_image *image,
			     struct info_json *entries);

/**
 * info_each_image() - open the images one after the other and show them
 *
 * As JSON, each is an object with its name and an array of entries.
 *
 * Return: the exit status.
 */
int info_each_image(const struct info *info, info_image_fn fn);

/**
 * info_walk() - visit the names that the filters let through
 * @path: of the image, for messages
 *
 * Return: 0 or -errno, printed.
 */
int info_walk(const struct info *info, const char *path,
	      const struct cfs_image *image, cfs_walk_fn fn, void *context);

/* ---- info_escape.c ---- */

enum {
	INFO_ESCAPE_EQUAL = 1 << 0,	/* '=' too */
	INFO_ESCAPE_LONE_DASH = 1 << 1,	/* "-" alone, which would mean "none" */
	INFO_KEEP_SPACE = 1 << 2,	/* a space stays as it is */
};

/** info_escape() - print bytes on stdout in the escapes of a dump */
void info_escape(const char *bytes, size_t len, unsigned int flags);

/* ---- info_json.c ---- */

/**
 * struct info_json - an array that is printed element by element
 * @any: there is an element already
 */
struct info_json {
	bool any;
};

/** info_json_begin() - print what comes before the first element */
void info_json_begin(struct info_json *array, const char *before);

/** info_json_add() - print one element; consumes @element; 0 or -ENOMEM */
int info_json_add(struct info_json *array, json_t *element);

/** info_json_end() - print what comes behind the last element */
void info_json_end(struct info_json *array, const char *after);

/* Bytes of the longest digest that an image can have: SHA-512. */
#define INFO_DIGEST_MAX	64

/**
 * info_json_bytes() - set a member to bytes that should be text
 * @key: the member if the bytes are UTF-8; else it is @key with "_hex" behind,
 *	and the value hex digits
 *
 * Return: 0 or -ENOMEM.
 */
int info_json_bytes(json_t *object, const char *key, const void *bytes,
		    size_t len);

/* ---- info_node.c ---- */

struct info_xattr {
	const char *name;
	size_t name_len;
	const uint8_t *value;
	size_t value_len;
};

/**
 * struct info_node - an inode with all it has, as its author gave it
 * @mode: type and permissions; a whiteout is a character device again
 * @payload: symlink target or object path; NULL if there is none
 * @content: NULL unless a regular file's bytes are in the image
 * @digest: NULL if the image names none
 * @digest_len: 32 (SHA-256) or 64 (SHA-512)
 */
struct info_node {
	const struct cfs_inode *inode;
	uint32_t mode;
	uint64_t size;
	const char *payload;
	size_t payload_len;
	const uint8_t *content;
	const uint8_t *digest;
	size_t digest_len;
	const struct info_xattr *xattrs;
	size_t n_xattrs;
};

struct info_node_reader;

/** info_node_reader_new() - owned by the caller; NULL if there is no memory */
struct info_node_reader *
info_node_reader_new(const struct cfs_image *image);

/** info_node_reader_free() - NULL is allowed */
void info_node_reader_free(struct info_node_reader *reader);

/**
 * info_node_read() - read an inode's content
 * @ret: borrowed from @reader until its next call, and from @inode
 *
 * Return: 0, -ENOMEM or what the image's reader returned; nothing is printed.
 */
int info_node_read(struct info_node_reader *reader,
		   const struct cfs_inode *inode, struct info_node *ret);

/* ---- info_links.c ---- */

struct info_links;

/**
 * info_links_find() - find the inodes with more than one name
 * @ret: owned by the caller, who gives it to info_links_free()
 *
 * The link count says nothing: an image has what its author wrote.
 *
 * Return: 0 or -errno, printed.
 */
int info_links_find(const struct info *info, const char *path,
		    const struct cfs_image *image, struct info_links **ret);

/** info_links_free() - NULL is allowed */
void info_links_free(struct info_links *links);

/** info_links_remember() - keep the first path of such an inode; 0 or -ENOMEM */
int info_links_remember(struct info_links *links,
			const struct cfs_walk_entry *entry);

/** info_links_path() - the first path of an inode that was visited before */
const char *info_links_path(const struct info_links *links, uint64_t nid);

#endif /* CACHE_PROGRAMS_INFO_H */
