// SPDX-License-Identifier: GPL-2.0
/*
 * Directories: blocks of entries, sorted by name within and between blocks.
 *
 *	| entry 0 | entry 1 | ... | name 0 | name 1 | ... | zeros |
 *
 * The first entry's name offset tells how many entries there are; a name ends
 * where the next begins, the last at a NUL or the end of the block.
 */
#include "cfs_image.h"
#include "cfs_read.h"

#define POSITION_INDEX_MASK	(CFS_BLOCK_SIZE - 1)

/*
 * A block of a directory, copied out of the image or lent.  Lent bytes may change
 * while they are looked at: what is checked is loaded once.
 */
struct dir_block {
	const u8 *bytes;
	u32 len;		/* the last block of a directory is shorter */
	u32 count;		/* entries, at least 1 */
	struct cfs_loan loan;
};

static u64 block_count(const struct cfs_inode *dir)
{
	return ((dir->size - 1) >> CFS_BLOCK_BITS) + 1;
}

static u32 name_offset(const struct dir_block *block, u32 index)
{
	const struct cfs_dirent *dirents = (const void *)block->bytes;

	return le16_to_cpu(*(const volatile __le16 *)&dirents[index].nameoff);
}

static u32 block_len(const struct cfs_inode *dir, u64 number)
{
	u64 left = dir->size - (number << CFS_BLOCK_BITS);

	return left < CFS_BLOCK_SIZE ? (u32)left : CFS_BLOCK_SIZE;
}

static int count_entries(struct dir_block *block)
{
	u32 names;

	if (block->len < sizeof(struct cfs_dirent))
		return -EFSCORRUPTED;
	names = name_offset(block, 0);
	if (names < sizeof(struct cfs_dirent) || names >= block->len ||
	    names % sizeof(struct cfs_dirent))
		return -EFSCORRUPTED;
	block->count = names / (u32)sizeof(struct cfs_dirent);
	return 0;
}

/* Into @buf. */
static int load_block(const struct cfs_image *image,
		      const struct cfs_inode *dir, u64 number, void *buf,
		      struct dir_block *ret)
{
	int err;

	ret->bytes = buf;
	ret->len = block_len(dir, number);
	err = cfs_data_read(image, dir, number << CFS_BLOCK_BITS, buf,
			    ret->len);
	return err ? err : count_entries(ret);
}

static void put_block(const struct cfs_image *image, struct dir_block *block)
{
	if (image->source->lend)
		image->source->give_back(&block->loan);
}

/* Lent, or else into @buf; on success to be put. */
static int get_block(const struct cfs_image *image, const struct cfs_inode *dir,
		     u64 number, void *buf, struct dir_block *ret)
{
	int err;

	if (!image->source->lend)
		return load_block(image, dir, number, buf, ret);
	ret->len = block_len(dir, number);
	err = cfs_data_lend(image, dir, number << CFS_BLOCK_BITS, ret->len,
			    &ret->loan);
	if (err)
		return err;
	ret->bytes = ret->loan.bytes;
	err = count_entries(ret);
	if (err)
		put_block(image, ret);
	return err;
}

/* Decode entry @index < count; its name points into the block. */
static int get_entry(const struct dir_block *block, u32 index,
		     struct cfs_dir_entry *ret)
{
	const struct cfs_dirent *dirent =
		(const struct cfs_dirent *)(const void *)block->bytes + index;
	bool last = index + 1 == block->count;
	u32 start = name_offset(block, index);
	u32 end = last ? block->len : name_offset(block, index + 1);

	if (start < block->count * sizeof(*dirent) || end > block->len ||
	    start >= end)
		return -EFSCORRUPTED;
	ret->name = (const char *)block->bytes + start;
	ret->name_len = end - start;
	if (last)
		ret->name_len = (u32)strnlen(ret->name, ret->name_len);
	if (ret->name_len == 0 || ret->name_len > CFS_NAME_MAX)
		return -EFSCORRUPTED;
	ret->file_type = *(const volatile u8 *)&dirent->file_type;
	if (ret->file_type < CFS_FT_REG || ret->file_type > CFS_FT_LNK)
		return -EFSCORRUPTED;
	ret->nid = le64_to_cpu(dirent->nid);
	return 0;
}

static int compare_names(const char *a, size_t a_len, const char *b,
			 size_t b_len)
{
	int order = memcmp(a, b, a_len < b_len ? a_len : b_len);

	if (order)
		return order;
	return a_len < b_len ? -1 : a_len > b_len;
}

/* A name that could never be looked up, or would mean something else. */
static bool name_is_bad(const struct cfs_dir_entry *entry)
{
	return memchr(entry->name, '\0', entry->name_len) ||
	       memchr(entry->name, '/', entry->name_len);
}

/* Visit the entries of one block from @index on; all must follow @previous. */
static int visit_block(const struct dir_block *block, u64 number, u32 index,
		       const char *previous, u32 previous_len, cfs_dir_fn fn,
		       void *context)
{
	struct cfs_dir_entry entry;
	int err;

	for (; index < block->count; index++) {
		err = get_entry(block, index, &entry);
		if (err)
			return err;
		if (name_is_bad(&entry))
			return -EFSCORRUPTED;
		if (compare_names(previous, previous_len, entry.name,
				  entry.name_len) >= 0)
			return -EFSCORRUPTED;
		previous = entry.name;
		previous_len = entry.name_len;
		err = fn(context, &entry, number << CFS_BLOCK_BITS | index);
		if (err)
			return err;
	}
	return 0;
}

/* Copy the name of an entry to @name, of CFS_NAME_MAX bytes. */
static int keep_name(const struct dir_block *block, u32 index, char *name,
		     u32 *ret_len)
{
	struct cfs_dir_entry entry;
	int err = get_entry(block, index, &entry);

	if (err)
		return err;
	memcpy(name, entry.name, entry.name_len);
	*ret_len = entry.name_len;
	return 0;
}

int cfs_dir_iterate(const struct cfs_image *image, const struct cfs_inode *dir,
		    u64 position, void *block, cfs_dir_fn fn, void *context)
{
	char previous[CFS_NAME_MAX];
	u32 previous_len = 0;
	u64 number = position >> CFS_BLOCK_BITS;
	u32 index = position & POSITION_INDEX_MASK;
	struct dir_block loaded;
	int err;

	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	for (; number < block_count(dir); number++, index = 0) {
		err = load_block(image, dir, number, block, &loaded);
		if (err)
			return err;
		if (index > 0 && index <= loaded.count) {
			/* Going on: what was visited last is in this block. */
			err = keep_name(&loaded, index - 1, previous,
					&previous_len);
			if (err)
				return err;
		}
		err = visit_block(&loaded, number, index, previous,
				  previous_len, fn, context);
		if (err)
			return err;
		/* The next block replaces this one. */
		err = keep_name(&loaded, loaded.count - 1, previous,
				&previous_len);
		if (err)
			return err;
	}
	return 0;
}

/* Half-open binary search; *@ret is set on success. */
static int search_block(const struct dir_block *block, const char *name,
			size_t name_len, struct cfs_dir_entry *ret)
{
	u32 low = 0, high = block->count;

	while (low < high) {
		u32 middle = low + (high - low) / 2;
		int err = get_entry(block, middle, ret);
		int order;

		if (err)
			return err;
		order = compare_names(name, name_len, ret->name, ret->name_len);
		if (order == 0)
			return 0;
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -ENOENT;
}

/* Where is a name: -1 before, 0 in, 1 behind this block?  Or -errno in *@err. */
static int compare_block(const struct dir_block *block, const char *name,
			 size_t name_len, int *err)
{
	struct cfs_dir_entry entry;

	*err = get_entry(block, 0, &entry);
	if (*err)
		return 0;
	if (compare_names(name, name_len, entry.name, entry.name_len) < 0)
		return -1;
	*err = get_entry(block, block->count - 1, &entry);
	if (*err)
		return 0;
	return compare_names(name, name_len, entry.name, entry.name_len) > 0;
}

int cfs_dir_lookup(const struct cfs_image *image, const struct cfs_inode *dir,
		   const char *name, size_t name_len, void *block,
		   struct cfs_dir_entry *ret)
{
	u64 low = 0, high;

	if (!S_ISDIR(dir->mode))
		return -ENOTDIR;
	high = block_count(dir);
	while (low < high) {
		u64 middle = low + (high - low) / 2;
		struct dir_block loaded;
		int err = get_block(image, dir, middle, block, &loaded);
		int order;

		if (err)
			return err;
		order = compare_block(&loaded, name, name_len, &err);
		if (!err && order == 0)
			err = search_block(&loaded, name, name_len, ret);
		put_block(image, &loaded);
		if (err || order == 0) {
			ret->name = name;
			return err;
		}
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return -ENOENT;
}
