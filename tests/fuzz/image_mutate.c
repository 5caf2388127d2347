// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Break an image where it hurts.
 *
 * The image is read without checking anything but the buffer's end: inodes
 * are found by following directories from the root, and a mutation picks one of
 * them.  Where that leads nowhere any more, random places stand in.
 */
#include "tests/fuzz/image_mutate.h"

#include <string.h>

#include "kmod/cfs_format.h"

#define PLACES_MAX	256

struct field {
	uint16_t offset;
	uint16_t width;
};

#define FIELD(type, member) \
	{ offsetof(struct type, member), sizeof(((struct type *)0)->member) }

static const struct field header_fields[] = {
	FIELD(cfs_header, magic), FIELD(cfs_header, version),
	FIELD(cfs_header, flags), FIELD(cfs_header, composefs_version),
};

static const struct field super_fields[] = {
	FIELD(cfs_super, feature_compat), FIELD(cfs_super, blkszbits),
	FIELD(cfs_super, sb_extslots), FIELD(cfs_super, root_nid),
	FIELD(cfs_super, inos), FIELD(cfs_super, build_time),
	FIELD(cfs_super, build_time_nsec), FIELD(cfs_super, blocks),
	FIELD(cfs_super, meta_blkaddr), FIELD(cfs_super, xattr_blkaddr),
	FIELD(cfs_super, feature_incompat), FIELD(cfs_super, extra_devices),
	FIELD(cfs_super, dirblkbits), FIELD(cfs_super, xattr_prefix_count),
	FIELD(cfs_super, packed_nid), FIELD(cfs_super, xattr_filter_reserved),
};

static const struct field compact_fields[] = {
	FIELD(cfs_inode_compact, format), FIELD(cfs_inode_compact, xattr_icount),
	FIELD(cfs_inode_compact, mode), FIELD(cfs_inode_compact, nlink),
	FIELD(cfs_inode_compact, size), FIELD(cfs_inode_compact, u),
	FIELD(cfs_inode_compact, ino), FIELD(cfs_inode_compact, uid),
};

static const struct field extended_fields[] = {
	FIELD(cfs_inode_extended, format),
	FIELD(cfs_inode_extended, xattr_icount),
	FIELD(cfs_inode_extended, mode), FIELD(cfs_inode_extended, size),
	FIELD(cfs_inode_extended, u), FIELD(cfs_inode_extended, uid),
	FIELD(cfs_inode_extended, mtime), FIELD(cfs_inode_extended, mtime_nsec),
	FIELD(cfs_inode_extended, nlink),
};

static const struct field dirent_fields[] = {
	FIELD(cfs_dirent, nid), FIELD(cfs_dirent, nameoff),
	FIELD(cfs_dirent, file_type),
};

#define COUNT(array)	(sizeof(array) / sizeof((array)[0]))

struct mutator {
	uint8_t *bytes;
	size_t size;
	uint64_t random;
	size_t inodes[PLACES_MAX];	/* byte offsets */
	size_t n_inodes;
	size_t blocks[PLACES_MAX];	/* of directory entries */
	size_t n_blocks;
};

/* splitmix64 */
static uint64_t next_random(struct mutator *m)
{
	uint64_t z = m->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static size_t below(struct mutator *m, size_t limit)
{
	return limit ? next_random(m) % limit : 0;
}

static uint64_t get(const struct mutator *m, size_t offset, size_t width)
{
	uint64_t value = 0;

	for (size_t i = 0; i < width && offset + i < m->size; i++)
		value |= (uint64_t)m->bytes[offset + i] << 8 * i;
	return value;
}

static void put(struct mutator *m, size_t offset, size_t width, uint64_t value)
{
	for (size_t i = 0; i < width && offset + i < m->size; i++)
		m->bytes[offset + i] = (uint8_t)(value >> 8 * i);
}

/* A number that code forgets to think of. */
static uint64_t interesting(struct mutator *m, uint64_t now, size_t width)
{
	const uint64_t all = width == 8 ? ~0ULL : (1ULL << 8 * width) - 1;

	switch (below(m, 16)) {
	case 0:
		return 0;
	case 1:
		return 1;
	case 2:
		return all;
	case 3:
		return all - 1;
	case 4:
		return all >> 1;
	case 5:
		return (all >> 1) + 1;
	case 6:
		return now + 1;
	case 7:
		return now - 1;
	case 8:
		return now ^ 1ULL << below(m, 8 * width);
	case 9:
		return m->size;
	case 10:
		return m->size / CFS_BLOCK_SIZE - below(m, 2);
	case 11:
		return m->size / CFS_SLOT_SIZE - below(m, 3);
	case 12:
		return CFS_BLOCK_SIZE - 2 + below(m, 4);
	case 13:
		return 1ULL << below(m, 8 * width);
	case 14:
		return below(m, 64);
	default:
		return next_random(m);
	}
}

static void poke(struct mutator *m, size_t offset, size_t width)
{
	put(m, offset, width, interesting(m, get(m, offset, width), width));
}

static void poke_field(struct mutator *m, size_t base,
		       const struct field *fields, size_t count)
{
	const struct field *field = &fields[below(m, count)];

	poke(m, base + field->offset, field->width);
}

/* ---- finding what is there ---- */

static size_t inode_len(const struct mutator *m, size_t place)
{
	return get(m, place, 2) & CFS_FORMAT_EXTENDED ?
		       sizeof(struct cfs_inode_extended) :
		       sizeof(struct cfs_inode_compact);
}

static size_t xattr_len(const struct mutator *m, size_t place)
{
	size_t count = get(m, place + 2, 2);

	return count ? sizeof(struct cfs_xattr_header) + (count - 1) * 4 : 0;
}

static void add_inode(struct mutator *m, uint64_t nid)
{
	uint64_t place = nid * CFS_SLOT_SIZE;

	if (nid > m->size || place + CFS_SLOT_SIZE > m->size ||
	    m->n_inodes == PLACES_MAX)
		return;
	for (size_t i = 0; i < m->n_inodes; i++) {
		if (m->inodes[i] == place)
			return;
	}
	m->inodes[m->n_inodes++] = (size_t)place;
}

static void add_block(struct mutator *m, size_t place)
{
	size_t count = get(m, place + 8, 2) / sizeof(struct cfs_dirent);

	if (place + sizeof(struct cfs_dirent) > m->size ||
	    m->n_blocks == PLACES_MAX)
		return;
	m->blocks[m->n_blocks++] = place;
	for (size_t i = 0; i < count && i < PLACES_MAX; i++)
		add_inode(m, get(m, place + i * sizeof(struct cfs_dirent), 8));
}

/* Mode, size and i_u are at the same offsets in both forms of an inode. */
static void find_places(struct mutator *m)
{
	add_inode(m, get(m, CFS_SB_OFFSET +
			 offsetof(struct cfs_super, root_nid), 2));
	for (size_t i = 0; i < m->n_inodes; i++) {
		size_t place = m->inodes[i];
		uint64_t layout = get(m, place, 2) >> CFS_FORMAT_LAYOUT_SHIFT;
		size_t first = get(m, place + 16, 4) * CFS_BLOCK_SIZE;

		if ((get(m, place + 4, 2) & S_IFMT) != S_IFDIR)
			continue;
		if (first > 0 && first < m->size) {
			for (size_t n = 0; n < get(m, place + 8, 4) &&
			     n < 8 * CFS_BLOCK_SIZE; n += CFS_BLOCK_SIZE)
				add_block(m, first + n);
		}
		if ((layout & CFS_FORMAT_LAYOUT_MASK) == CFS_LAYOUT_FLAT_INLINE)
			add_block(m, place + inode_len(m, place) +
				  xattr_len(m, place));
	}
}

static size_t some_inode(struct mutator *m)
{
	if (m->n_inodes == 0 || below(m, 32) == 0)
		return below(m, m->size / CFS_SLOT_SIZE) * CFS_SLOT_SIZE;
	return m->inodes[below(m, m->n_inodes)];
}

static size_t some_dirent(struct mutator *m)
{
	size_t block, count;

	if (m->n_blocks == 0)
		return below(m, m->size);
	block = m->blocks[below(m, m->n_blocks)];
	count = get(m, block + 8, 2) / sizeof(struct cfs_dirent);
	/* The first says how many there are: more often. */
	return block + (below(m, 3) ? below(m, count) : 0) *
			       sizeof(struct cfs_dirent);
}

/* ---- one kind of damage each ---- */

static void mutate_inode(struct mutator *m)
{
	size_t place = some_inode(m);

	if (inode_len(m, place) == sizeof(struct cfs_inode_compact))
		poke_field(m, place, compact_fields, COUNT(compact_fields));
	else
		poke_field(m, place, extended_fields, COUNT(extended_fields));
}

/* Another type, form or layout for the same bytes. */
static void mutate_type(struct mutator *m)
{
	static const uint16_t types[] = {
		S_IFREG, S_IFDIR, S_IFLNK, S_IFCHR, S_IFBLK, S_IFIFO, S_IFSOCK,
		0, S_IFMT,
	};
	size_t place = some_inode(m);

	if (below(m, 2))
		put(m, place + 4, 2, (get(m, place + 4, 2) & 07777) |
				     types[below(m, COUNT(types))]);
	else
		put(m, place, 2, below(m, 12));
}

static void mutate_xattr(struct mutator *m)
{
	size_t place = some_inode(m);
	size_t body = place + inode_len(m, place);
	size_t len = xattr_len(m, place);
	size_t offset = body + sizeof(struct cfs_xattr_header);
	size_t steps = below(m, 6);

	if (len == 0) {
		put(m, place + 2, 2, 1 + below(m, 40));
		return;
	}
	switch (below(m, 5)) {
	case 0:
		poke(m, body, 4);			/* filter */
		return;
	case 1:
		poke(m, body + 4, 1);			/* shared_count */
		return;
	case 2:
		poke(m, offset, 4);			/* first reference */
		return;
	}
	/* Some entry: its header, its name or its value. */
	offset += get(m, body + 4, 1) * 4;
	while (steps-- > 0) {
		size_t next = offset + ((4 + get(m, offset, 1) +
					 get(m, offset + 2, 2) + 3) & ~3UL);

		if (next >= body + len)
			break;
		offset = next;
	}
	switch (below(m, 4)) {
	case 0:
		poke(m, offset, 1);
		break;
	case 1:
		poke(m, offset + 1, 1);
		break;
	case 2:
		poke(m, offset + 2, 2);
		break;
	default:
		poke(m, offset + 4 + below(m, 64), 1);
	}
}

static void mutate_shared_xattr(struct mutator *m)
{
	size_t place = some_inode(m);
	size_t reference = place + inode_len(m, place) +
			   sizeof(struct cfs_xattr_header);
	size_t base = get(m, CFS_SB_OFFSET +
			  offsetof(struct cfs_super, xattr_blkaddr), 4) *
		      CFS_BLOCK_SIZE;

	poke(m, base + get(m, reference, 4) * 4 + below(m, 8),
	     1 + below(m, 2));
}

/* A name that means something else, or that is there twice. */
static void mutate_name(struct mutator *m)
{
	static const uint8_t chars[] = { '/', '\0', '.', 'a', 0xff };
	size_t dirent = some_dirent(m);
	size_t block = m->n_blocks ? m->blocks[below(m, m->n_blocks)] : 0;
	size_t name = block + get(m, dirent + 8, 2);

	if (below(m, 4) == 0)
		put(m, dirent + 8, 2, get(m, dirent + 20, 2));	/* empty */
	else
		put(m, name + below(m, 4), 1, chars[below(m, COUNT(chars))]);
}

/* Lead a name to another inode: loops, second names of directories. */
static void mutate_alias(struct mutator *m)
{
	size_t dirent = some_dirent(m), place = some_inode(m);

	put(m, dirent, 8, place / CFS_SLOT_SIZE);
	if (below(m, 2))
		put(m, dirent + 10, 1,
		    (get(m, place + 4, 2) & S_IFMT) == S_IFDIR ? CFS_FT_DIR :
								 CFS_FT_REG);
}

static void mutate_swap(struct mutator *m)
{
	size_t a = some_inode(m), b = some_inode(m);

	for (size_t i = 0; i < CFS_SLOT_SIZE; i++) {
		uint64_t byte = get(m, a + i, 1);

		put(m, a + i, 1, get(m, b + i, 1));
		put(m, b + i, 1, byte);
	}
}

static void mutate_copy(struct mutator *m)
{
	size_t len = 1 + below(m, 128);
	size_t from = below(m, m->size), to = below(m, m->size);

	if (len > m->size - from)
		len = m->size - from;
	if (len > m->size - to)
		len = m->size - to;
	memmove(m->bytes + to, m->bytes + from, len);
}

static void mutate_size(struct mutator *m, size_t capacity)
{
	size_t size = m->size;

	switch (below(m, 3)) {
	case 0:
		size = below(m, m->size + 1);
		break;
	case 1:
		size = below(m, m->size / CFS_BLOCK_SIZE + 1) * CFS_BLOCK_SIZE;
		break;
	default:
		size += CFS_BLOCK_SIZE;
	}
	if (size > capacity)
		size = capacity;
	if (size > m->size)
		memset(m->bytes + m->size, 0, size - m->size);
	m->size = size;
	/* Keep the superblock in agreement, so that there is more to see. */
	if (below(m, 4))
		put(m, CFS_SB_OFFSET + offsetof(struct cfs_super, blocks), 4,
		    size / CFS_BLOCK_SIZE);
}

size_t image_mutate(uint8_t *bytes, size_t size, size_t capacity, uint64_t seed)
{
	struct mutator m = { .bytes = bytes, .size = size, .random = seed };

	if (size == 0)
		return 0;
	find_places(&m);
	switch (below(&m, 20)) {
	case 0:
		poke_field(&m, 0, header_fields, COUNT(header_fields));
		break;
	case 1:
		poke_field(&m, CFS_SB_OFFSET, super_fields,
			   COUNT(super_fields));
		break;
	case 2:
	case 3:
	case 4:
	case 5:
		mutate_inode(&m);
		break;
	case 6:
		mutate_type(&m);
		break;
	case 7:
	case 8:
	case 9:
		poke_field(&m, some_dirent(&m), dirent_fields,
			   COUNT(dirent_fields));
		break;
	case 10:
	case 11:
	case 12:
		mutate_xattr(&m);
		break;
	case 13:
		mutate_shared_xattr(&m);
		break;
	case 14:
		mutate_name(&m);
		break;
	case 15:
		mutate_alias(&m);
		break;
	case 16:
		mutate_swap(&m);
		break;
	case 17:
		mutate_copy(&m);
		break;
	case 18:
		mutate_size(&m, capacity);
		break;
	default:
		poke(&m, below(&m, m.size), 1);
	}
	return m.size;
}
