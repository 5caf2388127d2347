// SPDX-License-Identifier: GPL-2.0-or-later
/* Directories: iteration, positions, lookup, and blocks made to do harm. */
#include "tests/unit/tiny_image.h"

struct seen {
	char last[CFS_NAME_MAX + 1];
	u64 last_position;
	u64 last_nid;
	unsigned int count;
	unsigned int stop_after;	/* 0: never */
};

static int see(void *context, const struct cfs_dir_entry *entry, u64 position)
{
	struct seen *seen = context;

	CHECK(entry->name_len >= 1 && entry->name_len <= CFS_NAME_MAX);
	memcpy(seen->last, entry->name, entry->name_len);
	seen->last[entry->name_len] = '\0';
	seen->last_position = position;
	seen->last_nid = entry->nid;
	seen->count++;
	return seen->count == seen->stop_after ? 42 : 0;
}

static int iterate(const struct cfs_image *image, size_t place, u64 position,
		   struct seen *seen)
{
	u8 block[CFS_BLOCK_SIZE];
	struct cfs_inode dir;
	int err = cfs_inode_read(image, TINY_NID(place), &dir);

	if (err)
		return err;
	return cfs_dir_iterate(image, &dir, position, block, see, seen);
}

static unsigned int loans;

/* A copy of just these bytes, for AddressSanitizer to guard. */
static int lend(const struct cfs_source *source, u64 offset, size_t len,
		struct cfs_loan *ret)
{
	const struct tiny_image *tiny =
		(const struct tiny_image *)((const char *)source -
					    offsetof(struct tiny_image, source));

	CHECK(offset / CFS_BLOCK_SIZE == (offset + len - 1) / CFS_BLOCK_SIZE);
	ret->owner = malloc(len);
	CHECK(ret->owner);
	ret->bytes = memcpy(ret->owner, tiny->bytes + offset, len);
	loans++;
	return 0;
}

static void give_back(struct cfs_loan *loan)
{
	free(loan->owner);
	loans--;
}

/* By copy and by loan: the result is the same, and all loans are given back. */
static int lookup(const struct cfs_image *image, size_t place, const char *name,
		  struct cfs_dir_entry *ret)
{
	struct cfs_source *source = (struct cfs_source *)image->source;
	u8 block[CFS_BLOCK_SIZE];
	struct cfs_dir_entry lent;
	struct cfs_inode dir;
	int err = cfs_inode_read(image, TINY_NID(place), &dir);

	if (err)
		return err;
	err = cfs_dir_lookup(image, &dir, name, strlen(name), block, ret);
	source->lend = lend;
	source->give_back = give_back;
	CHECK_EQ(cfs_dir_lookup(image, &dir, name, strlen(name), NULL, &lent),
		 err);
	CHECK(err || (lent.nid == ret->nid && lent.file_type == ret->file_type));
	CHECK_EQ(loans, 0);
	source->lend = NULL;
	return err;
}

static void test_all_entries_in_order(void)
{
	struct tiny_image *tiny = tiny_make();
	struct seen seen = { .count = 0 };
	struct cfs_image image;

	tiny_open(tiny, &image);
	CHECK_EQ(iterate(&image, TINY_ROOT, 0, &seen), 0);
	CHECK_EQ(seen.count, 8);
	CHECK(strcmp(seen.last, "link") == 0);
	CHECK_EQ(seen.last_nid, TINY_NID(TINY_LINK));
	seen.count = 0;
	CHECK_EQ(iterate(&image, TINY_DIR, 0, &seen), 0);
	CHECK_EQ(seen.count, 2 + TINY_DIR_FULL + TINY_DIR_TAIL);
	CHECK(strcmp(seen.last, "o2") == 0);
	tiny_free(tiny);
}

/* Stopping anywhere and going on behind it misses and repeats nothing. */
static void test_iteration_goes_on_from_any_position(void)
{
	const unsigned int total = 2 + TINY_DIR_FULL + TINY_DIR_TAIL;
	struct tiny_image *tiny = tiny_make();
	struct cfs_image image;

	tiny_open(tiny, &image);
	for (unsigned int stop = 1; stop <= total; stop++) {
		struct seen first = { .stop_after = stop };
		struct seen rest = { .count = 0 };

		CHECK_EQ(iterate(&image, TINY_DIR, 0, &first), 42);
		CHECK_EQ(iterate(&image, TINY_DIR, first.last_position + 1,
				 &rest), 0);
		CHECK_EQ(first.count + rest.count, total);
	}
	tiny_free(tiny);
}

/* A position is a number from user space: seekdir(), or an NFS client. */
static void test_invented_positions_are_harmless(void)
{
	static const struct {
		u64 position;
		unsigned int expected;
	} cases[] = {
		{ 4095, TINY_DIR_TAIL }, { 4096, TINY_DIR_TAIL },
		{ 4096 + 2, 1 }, { 4096 + 3, 0 }, { 4096 + 4095, 0 },
		{ 2 * 4096, 0 }, { 1ULL << 62, 0 }, { ~0ULL, 0 },
	};
	struct tiny_image *tiny = tiny_make();
	struct cfs_image image;

	tiny_open(tiny, &image);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct seen seen = { .count = 0 };

		CHECK_EQ(iterate(&image, TINY_DIR, cases[i].position, &seen),
			 0);
		CHECK_EQ(seen.count, cases[i].expected);
	}
	tiny_free(tiny);
}

static void test_every_name_is_found(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_dir_entry entry;
	struct cfs_image image;
	char name[8];

	tiny_open(tiny, &image);
	for (unsigned int i = 0; i < TINY_DIR_FULL; i++) {
		snprintf(name, sizeof(name), "n%03u", i);
		CHECK_EQ(lookup(&image, TINY_DIR, name, &entry), 0);
		CHECK_EQ(entry.nid, TINY_NID(TINY_INLINE));
		CHECK_EQ(entry.file_type, CFS_FT_REG);
		CHECK(entry.name == name);
	}
	CHECK_EQ(lookup(&image, TINY_DIR, "o0", &entry), 0);
	CHECK_EQ(lookup(&image, TINY_DIR, "o2", &entry), 0);
	CHECK_EQ(lookup(&image, TINY_DIR, ".", &entry), 0);
	CHECK_EQ(entry.nid, TINY_NID(TINY_DIR));
	CHECK_EQ(lookup(&image, TINY_DIR, "..", &entry), 0);
	CHECK_EQ(entry.nid, TINY_NID(TINY_ROOT));
	CHECK_EQ(lookup(&image, TINY_ROOT, "link", &entry), 0);
	CHECK_EQ(entry.file_type, CFS_FT_LNK);
	tiny_free(tiny);
}

static void test_other_names_are_not_found(void)
{
	static const char *const names[] = {
		"-", "...", "m", "n", "n00", "n0000", "n001x", "n254", "n999",
		"o", "o00", "o1x", "o3", "z", "\xff",
	};
	char longest[300];
	struct tiny_image *tiny = tiny_make();
	struct cfs_dir_entry entry;
	struct cfs_inode inode;
	struct cfs_image image;

	tiny_open(tiny, &image);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		CHECK_EQ(lookup(&image, TINY_DIR, names[i], &entry), -ENOENT);
	memset(longest, 'n', sizeof(longest) - 1);
	longest[sizeof(longest) - 1] = '\0';
	CHECK_EQ(lookup(&image, TINY_DIR, longest, &entry), -ENOENT);
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_INLINE), &inode), 0);
	CHECK_EQ(cfs_dir_lookup(&image, &inode, "x", 1, longest, &entry),
		 -ENOTDIR);
	tiny_free(tiny);
}

/* A lookup reads one block, not the names of it one by one. */
static void test_lookup_reads_little(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_dir_entry entry;
	struct cfs_inode dir;
	struct cfs_image image;
	u8 block[CFS_BLOCK_SIZE];

	tiny_open(tiny, &image);
	CHECK_EQ(cfs_inode_read(&image, TINY_NID(TINY_ROOT), &dir), 0);
	tiny->reads = 0;
	CHECK_EQ(cfs_dir_lookup(&image, &dir, "file", 4, block, &entry), 0);
	CHECK_EQ(tiny->reads, 1);
	tiny_free(tiny);
}

static void test_name_of_255_bytes(void)
{
	char name[CFS_NAME_MAX + 2];
	struct tiny_image *tiny = tiny_make();
	struct tiny_name names[] = {
		{ ".", TINY_NID(TINY_ROOT), CFS_FT_DIR },
		{ "..", TINY_NID(TINY_ROOT), CFS_FT_DIR },
		{ name, TINY_NID(TINY_INLINE), CFS_FT_REG },
	};
	struct seen seen = { .count = 0 };
	struct cfs_dir_entry entry;
	struct cfs_image image;

	memset(name, 'n', sizeof(name));
	name[CFS_NAME_MAX] = '\0';
	memset(tiny->bytes + TINY_ROOT_BLOCK, 0, CFS_BLOCK_SIZE);
	tiny_dir_block(tiny->bytes + TINY_ROOT_BLOCK, names, 3);
	tiny_open(tiny, &image);
	CHECK_EQ(iterate(&image, TINY_ROOT, 0, &seen), 0);
	CHECK_EQ(lookup(&image, TINY_ROOT, name, &entry), 0);
	name[CFS_NAME_MAX] = 'n';
	name[CFS_NAME_MAX + 1] = '\0';
	tiny_dir_block(tiny->bytes + TINY_ROOT_BLOCK, names, 3);
	CHECK_EQ(iterate(&image, TINY_ROOT, 0, &seen), -EFSCORRUPTED);
	tiny_free(tiny);
}

/* Entry @i of root's block. */
#define ENTRY(i)	(TINY_ROOT_BLOCK + (i) * 12)
#define NAMEOFF(i)	(ENTRY(i) + offsetof(struct cfs_dirent, nameoff))
#define TYPE(i)		(ENTRY(i) + offsetof(struct cfs_dirent, file_type))
/* Names of root's block start here: "." ".." "00" "dev" "dir" ... */
#define NAMES		(TINY_ROOT_BLOCK + 8 * 12)

static void test_bad_block_is_refused(void)
{
	static const struct {
		const char *why;
		size_t offset, width;
		u64 value;
	} cases[] = {
		{ "no entries", NAMEOFF(0), 2, 0 },
		{ "less than one entry", NAMEOFF(0), 2, 11 },
		{ "half an entry", NAMEOFF(0), 2, 18 },
		{ "names behind the end", NAMEOFF(0), 2, 4096 },
		{ "names far behind the end", NAMEOFF(0), 2, 0xfffc },
		{ "more entries than names", NAMEOFF(0), 2, 4092 },
		{ "name inside the entries", NAMEOFF(3), 2, 12 },
		{ "name 0", NAMEOFF(3), 2, 0 },
		{ "name behind the end", NAMEOFF(3), 2, 4097 },
		{ "name offset max", NAMEOFF(3), 2, 0xffff },
		{ "names go backwards", NAMEOFF(4), 2, 8 * 12 + 2 },
		{ "empty name", NAMEOFF(4), 2, 8 * 12 + 5 },
		{ "last name outside", NAMEOFF(7), 2, 4096 },
		{ "last name empty", NAMEOFF(7), 2, 4000 },
		{ "name longer than 255", NAMEOFF(7), 2, 8 * 12 + 300 },
		{ "slash", NAMES + 6, 1, '/' },
		{ "NUL", NAMES + 6, 1, 0 },
		{ "unsorted", NAMES + 5, 1, 'z' },
		{ "duplicate", NAMES + 9, 2, 'e' | 'v' << 8 },
		{ "type 0", TYPE(3), 1, 0 },
		{ "type 8", TYPE(3), 1, 8 },
		{ "type 255", TYPE(3), 1, 255 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct tiny_image *tiny = tiny_make();
		struct seen seen = { .count = 0 };
		struct cfs_dir_entry entry;
		struct cfs_image image;
		int err;

		fprintf(stderr, "  %s\n", cases[i].why);
		tiny_open(tiny, &image);
		tiny_poke(tiny, cases[i].offset, cases[i].width,
			  cases[i].value);
		CHECK_EQ(iterate(&image, TINY_ROOT, 0, &seen), -EFSCORRUPTED);
		/* A search may step on it or not, but never outside. */
		err = lookup(&image, TINY_ROOT, "dev", &entry);
		CHECK(err == 0 || err == -ENOENT || err == -EFSCORRUPTED);
		err = lookup(&image, TINY_ROOT, "zzz", &entry);
		CHECK(err == -ENOENT || err == -EFSCORRUPTED);
		tiny_free(tiny);
	}
}

/* A search steps on an entry in the middle: nobody has looked at it before. */
static void test_name_over_the_end_in_the_middle(void)
{
	struct tiny_image *tiny = tiny_make();
	struct cfs_dir_entry entry;
	struct cfs_image image;

	tiny_open(tiny, &image);
	tiny_poke(tiny, NAMEOFF(4), 2, CFS_BLOCK_SIZE - 1);
	tiny_poke(tiny, TINY_ROOT_BLOCK + CFS_BLOCK_SIZE - 1, 1, 'z');
	tiny_poke(tiny, NAMEOFF(5), 2, CFS_BLOCK_SIZE + 4);
	CHECK_EQ(lookup(&image, TINY_ROOT, "00", &entry), -EFSCORRUPTED);
	tiny_free(tiny);
}

/* Going on in a block that claims more entries than can be in it. */
static void test_position_behind_the_block(void)
{
	struct tiny_image *tiny = tiny_make();
	struct seen seen = { .count = 0 };
	struct cfs_image image;

	tiny_open(tiny, &image);
	for (u64 index = 0; index < CFS_BLOCK_SIZE; index += 15) {
		tiny_poke(tiny, NAMEOFF(0), 2, 0xfffc);
		CHECK_EQ(iterate(&image, TINY_ROOT, index, &seen),
			 -EFSCORRUPTED);
		CHECK_EQ(seen.count, 0);
	}
	tiny_free(tiny);
}

/* Names must go up from one block to the next, too. */
static void test_order_between_blocks(void)
{
	struct tiny_image *tiny = tiny_make();
	struct seen seen = { .count = 0 };
	struct cfs_image image;

	tiny_open(tiny, &image);
	/* "o0" becomes "n253", the last name of the block before, or less. */
	tiny_poke(tiny, TINY_DIR + 32 + 3 * 12, 1, 'a');
	CHECK_EQ(iterate(&image, TINY_DIR, 0, &seen), -EFSCORRUPTED);
	CHECK_EQ(seen.count, 2 + TINY_DIR_FULL);
	tiny_free(tiny);
}

/* A list that is read in several calls is checked as one is. */
static void test_order_is_checked_where_a_list_goes_on(void)
{
	struct tiny_image *tiny = tiny_make();
	struct seen seen = { .stop_after = 3 };
	struct cfs_image image;

	tiny_open(tiny, &image);
	/* "dev", behind "00", becomes "-ev". */
	tiny_poke(tiny, NAMES + 5, 1, '-');
	CHECK_EQ(iterate(&image, TINY_ROOT, 0, &seen), 42);
	CHECK(strcmp(seen.last, "00") == 0);
	seen = (struct seen){ .stop_after = 0 };
	CHECK_EQ(iterate(&image, TINY_ROOT, 3, &seen), -EFSCORRUPTED);
	CHECK_EQ(seen.count, 0);
	tiny_free(tiny);
}

/* A tail too short for one entry. */
static void test_tail_too_short(void)
{
	for (unsigned int len = 1; len <= 12; len++) {
		struct tiny_image *tiny = tiny_make();
		struct seen seen = { .count = 0 };
		struct cfs_dir_entry entry;
		struct cfs_image image;

		tiny_open(tiny, &image);
		tiny_poke(tiny,
			  TINY_DIR + offsetof(struct cfs_inode_compact, size),
			  4, CFS_BLOCK_SIZE + len);
		CHECK_EQ(iterate(&image, TINY_DIR, 0, &seen), -EFSCORRUPTED);
		CHECK_EQ(lookup(&image, TINY_DIR, "o0", &entry),
			 -EFSCORRUPTED);
		tiny_free(tiny);
	}
}

RUN_TESTS(T(test_all_entries_in_order),
	  T(test_iteration_goes_on_from_any_position),
	  T(test_invented_positions_are_harmless),
	  T(test_every_name_is_found),
	  T(test_other_names_are_not_found),
	  T(test_lookup_reads_little),
	  T(test_name_of_255_bytes),
	  T(test_bad_block_is_refused),
	  T(test_name_over_the_end_in_the_middle),
	  T(test_position_behind_the_block),
	  T(test_order_between_blocks),
	  T(test_order_is_checked_where_a_list_goes_on),
	  T(test_tail_too_short))
