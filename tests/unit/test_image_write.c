// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ecosystem's writers and this one must give the same bytes: each dump here
 * has the SHA-256 and fs-verity digest that the existing tools' image has.
 */
#include "cache/build/write.h"

#include <errno.h>
#include <openssl/evp.h>
#include <string.h>

#include "cache/base/errmsg.h"
#include "cache/base/hex.h"
#include "cache/build/dump_parse.h"
#include "cache/build/tree.h"
#include "cache/verity/hash.h"
#include "kmod/cfs_format.h"
#include "tests/unit/test.h"

struct image {
	uint8_t *bytes;
	size_t size;
};

static int append(void *context, const void *data, size_t len)
{
	struct image *image = context;

	image->bytes = realloc(image->bytes, image->size + len);
	CHECK(image->bytes);
	memcpy(image->bytes + image->size, data, len);
	image->size += len;
	return 0;
}

static int try_write(const char *dump, size_t len, uint32_t min_version,
		     uint32_t max_version, struct image *ret)
{
	struct cfs_tree tree = { 0 };
	struct errmsg msg = { "" };
	int err;

	*ret = (struct image){ 0 };
	err = cfs_dump_parse(dump, len, 0, &tree, &msg);
	if (err)
		fprintf(stderr, "%s\n", msg.text);
	CHECK_EQ(err, 0);
	err = cfs_image_write(&tree, min_version, max_version, append, ret,
			      &msg);
	cfs_tree_release(&tree);
	return err;
}

static struct image write_image(const char *dump)
{
	struct image image;

	CHECK_EQ(try_write(dump, strlen(dump), 0, 1, &image), 0);
	CHECK_EQ(image.size % CFS_BLOCK_SIZE, 0);
	return image;
}

#define ROOT	"/ 4096 40755 2 0 0 0 0.0 - - -\n"
#define B31	"5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a"

#define EMPTY	"/ 0 40755 2 0 0 0 0.0 - - -\n"
#define SIMPLE	EMPTY							\
	"/blkdev 0 60000 1 0 0 123 0.0 - - -\n"				\
	"/chrdev 0 20000 1 0 0 123 0.0 - - -\n"				\
	"/fifo 0 10000 1 0 0 0 0.0 - - -\n"				\
	"/regular-external 1234 100000 1 0 0 0 0.0 5a/" B31 " - 5a" B31 "\n" \
	"/regular-inline 4 100000 1 0 0 0 0.0 - hihi -\n"		\
	"/socket 0 140000 1 0 0 0 0.0 - - -\n"				\
	"/symlink 7 120000 1 0 0 0 0.0 /target - -\n"
#define WHITEOUT ROOT							\
	"/d 0 40755 2 0 0 0 0.0 - - -\n"				\
	"/d/w 0 20644 1 0 0 0 0.0 - - -\n"
#define XATTRS								\
	"/ 4096 40755 2 0 0 0 1000.0 - - - security.selinux=ctx\\x00\n"	\
	"/a 65 100644 1 0 0 0 1000.0 aa/bb - "				\
	"000102030405060708090a0b0c0d0e0f"				\
	"101112131415161718191a1b1c1d1e1f security.selinux=ctx\\x00\n"	\
	"/d 0 40700 2 0 0 0 2000.5 - - - user.x=1\n"			\
	"/d/s 3 120777 1 0 0 0 1000.0 abc - -\n"

static const struct {
	const char *name;
	const char *dump;
	uint32_t min_version, max_version;
	size_t size;
	const char *sha256;
	const char *digest;
} goldens[] = {
	{ "empty, version 0", EMPTY, 0, 0, 16384,
	  "c3dc5b0fc4afb0693a95e017fe5815e1f88f204d485df617541b5ea659aefb8b",
	  "8f589e8f57ecb88823736b0d857ddca1e1068a23e264fad164b28f7038eb3682" },
	{ "empty, default versions", EMPTY, 0, 1, 16384,
	  "c3dc5b0fc4afb0693a95e017fe5815e1f88f204d485df617541b5ea659aefb8b",
	  "8f589e8f57ecb88823736b0d857ddca1e1068a23e264fad164b28f7038eb3682" },
	{ "empty, version 1", EMPTY, 1, 1, 16384,
	  "18e13c704e2aae7f84be9fda89fdc4c5001c184d279b90a93434e872e5e7c190",
	  "14a26c957c84f6eb774b91205476adc13196c7c33b9dd97d08d43725ecb90b63" },
	{ "empty, the smaller maximum is raised", EMPTY, 1, 0, 16384,
	  "18e13c704e2aae7f84be9fda89fdc4c5001c184d279b90a93434e872e5e7c190",
	  "14a26c957c84f6eb774b91205476adc13196c7c33b9dd97d08d43725ecb90b63" },
	{ "one of each type, version 0", SIMPLE, 0, 0, 16384,
	  "850f94a6374fc4a920e8bc65d10bac1d1e2f3dd7b5c203d351e3ed74c08398aa",
	  "9f3f5620ee0c54708516467d0d58741e7963047c7106b245d94c298259d0fa01" },
	{ "one of each type, version 1", SIMPLE, 1, 1, 16384,
	  "c2ef36f4493efe3d15c85789b2ead2b0ece9917ef663339484c8ae35927bc1a1",
	  "ad6db6427568a1e4fdc772cbab7b6063f5eb4b33cb62982a740ba9213e5962b5" },
	{ "whiteout, version 0", WHITEOUT, 0, 0, 16384,
	  "98ea6c0c1825bc609bbb514224d5990be2abc12c38a624755fc5ad4474548aaa",
	  "96d3379930a17202edca1d64f7a5453be07add0a1d28675568f1d125ab875ac5" },
	{ "whiteout, version 1", WHITEOUT, 1, 1, 16384,
	  "cc7918bf5d16b2ba3e3d5b3e83d0f82761dd100cb2f863598925e67ecc520f04",
	  "b48278c1d18c734e27769a6660f90910b63cec2d3d8826447bde5193ea1e2144" },
	{ "whiteout, default versions", WHITEOUT, 0, 1, 16384,
	  "cc7918bf5d16b2ba3e3d5b3e83d0f82761dd100cb2f863598925e67ecc520f04",
	  "b48278c1d18c734e27769a6660f90910b63cec2d3d8826447bde5193ea1e2144" },
	{ "shared and own xattrs, version 0", XATTRS, 0, 0, 24576,
	  "6357f3189ed72f3f67372c3f9dbf78e4551f00255de82fa2130a6a88185c8b00",
	  "40326ce4633c5d067ead7ccc65e9c5e28cdb62414156d938e80a6332c0ef21de" },
	{ "shared and own xattrs, default versions", XATTRS, 0, 1, 24576,
	  "6357f3189ed72f3f67372c3f9dbf78e4551f00255de82fa2130a6a88185c8b00",
	  "40326ce4633c5d067ead7ccc65e9c5e28cdb62414156d938e80a6332c0ef21de" },
	{ "shared and own xattrs, version 1", XATTRS, 1, 1, 24576,
	  "26848c61d36a4b68ca3b61a6aea0431b6123bcb03969002295c530344fc2c4e4",
	  "e63d7224bbe548211f6f45f40d76af1bdbe1556270861cc09295e25d646e8f75" },
};

static void test_known_trees_give_known_images(void)
{
	size_t i;

	for (i = 0; i < sizeof(goldens) / sizeof(goldens[0]); i++) {
		char hex[2 * EVP_MAX_MD_SIZE + 1];
		uint8_t sha256[EVP_MAX_MD_SIZE];
		struct cfs_digest digest;
		unsigned int len;
		struct image image;

		fprintf(stderr, "  %s\n", goldens[i].name);
		CHECK_EQ(try_write(goldens[i].dump, strlen(goldens[i].dump),
				   goldens[i].min_version,
				   goldens[i].max_version, &image), 0);
		CHECK_EQ(image.size, goldens[i].size);
		CHECK(EVP_Digest(image.bytes, image.size, sha256, &len,
				 EVP_sha256(), NULL));
		hex_encode(sha256, len, hex);
		CHECK(strcmp(hex, goldens[i].sha256) == 0);
		CHECK_EQ(cfs_verity_hash_buffer(image.bytes, image.size,
						&digest), 0);
		cfs_digest_format(&digest, hex);
		CHECK(strcmp(hex, goldens[i].digest) == 0);
		free(image.bytes);
	}
}

static void test_versions_above_the_known_are_refused(void)
{
	struct image image;

	CHECK_EQ(try_write(EMPTY, strlen(EMPTY), 2, 2, &image), -EINVAL);
	CHECK_EQ(try_write(EMPTY, strlen(EMPTY), 0, 2, &image), -EINVAL);
	CHECK_EQ(image.size, 0);
}

/* The first inode behind the root's that is not a stub: the trees below have one. */
static const uint8_t *inode_at(const struct image *image, uint64_t offset)
{
	CHECK(offset + 64 <= image->size);
	return image->bytes + offset;
}

static uint64_t le(const uint8_t *bytes, unsigned int len)
{
	uint64_t ret = 0;

	while (len--)
		ret = ret << 8 | bytes[len];
	return ret;
}

/* Where the inode of a name in the root lies, by the root's own listing. */
static uint64_t find_in_root(const struct image *image, const char *name)
{
	const uint8_t *super = image->bytes + CFS_SB_OFFSET;
	const uint8_t *root = inode_at(image, le(super + 14, 2) * 32);
	const uint8_t *block = image->bytes + le(root + 16, 4) * CFS_BLOCK_SIZE;
	unsigned int n = le(block + 8, 2) / 12, i;

	for (i = 0; i < n; i++) {
		unsigned int start = le(block + 12 * i + 8, 2);
		size_t len = i + 1 < n ?
			le(block + 12 * (i + 1) + 8, 2) - start :
			strnlen((const char *)block + start,
				CFS_BLOCK_SIZE - start);

		if (len == strlen(name) &&
		    memcmp(block + start, name, len) == 0)
			return le(block + 12 * i, 8) * 32;
	}
	CHECK(!"the name is in the root");
	return 0;
}

static char *repeat(char c, size_t len)
{
	static char text[8192];

	CHECK(len < sizeof(text));
	memset(text, c, len);
	text[len] = '\0';
	return text;
}

/* A rest of up to 2048 bytes stays behind the inode, a larger one gets a block. */
static void test_large_rest_of_a_file_gets_a_block(void)
{
	static const struct {
		size_t size;
		unsigned int layout;
	} cases[] = {
		{ 1, CFS_LAYOUT_FLAT_INLINE },
		{ 2048, CFS_LAYOUT_FLAT_INLINE },
		{ 2049, CFS_LAYOUT_FLAT_PLAIN },
		{ 4095, CFS_LAYOUT_FLAT_PLAIN },
		{ 4096, CFS_LAYOUT_FLAT_PLAIN },
		{ 4097, CFS_LAYOUT_FLAT_INLINE },
		{ 5000, CFS_LAYOUT_FLAT_INLINE },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char dump[16384];
		struct image image;
		const uint8_t *inode;
		uint64_t offset;

		snprintf(dump, sizeof(dump),
			 ROOT "/f %zu 100644 1 0 0 0 0.0 - %s -\n",
			 cases[i].size, repeat('q', cases[i].size));
		image = write_image(dump);
		offset = find_in_root(&image, "f");
		inode = inode_at(&image, offset);
		CHECK_EQ(le(inode, 2), cases[i].layout << 1);
		CHECK_EQ(le(inode + 8, 4), cases[i].size);
		if (cases[i].layout == CFS_LAYOUT_FLAT_PLAIN ||
		    cases[i].size > CFS_BLOCK_SIZE) {
			uint64_t block = le(inode + 16, 4);

			CHECK(block);
			CHECK_EQ(image.bytes[block * CFS_BLOCK_SIZE], 'q');
		} else {
			CHECK_EQ(inode[32], 'q');
		}
		free(image.bytes);
	}
}

static void test_file_size_gives_the_chunk_format(void)
{
	static const struct {
		const char *size;
		unsigned int extended;
		unsigned int format;
	} cases[] = {
		{ "1", 0, 0 },
		{ "4096", 0, 0 },
		{ "4097", 0, 1 },
		{ "8192", 0, 1 },
		{ "1048576", 0, 8 },
		{ "1048577", 0, 9 },
		{ "4294967295", 0, 20 },
		{ "4294967296", 1, 20 },
		{ "8796093022208", 1, 31 },	/* 2^43: the largest chunk */
		{ "8796093022209", 1, 31 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char dump[256];
		struct image image;
		const uint8_t *inode;

		snprintf(dump, sizeof(dump),
			 ROOT "/f %s 100644 1 0 0 0 0.0 aa/bb - -\n",
			 cases[i].size);
		image = write_image(dump);
		inode = inode_at(&image, find_in_root(&image, "f"));
		CHECK_EQ(le(inode, 2), CFS_LAYOUT_CHUNK_BASED << 1 |
				       cases[i].extended);
		CHECK_EQ(le(inode + 16, 4), cases[i].format);
		free(image.bytes);
	}
}

static void test_file_beyond_the_format_is_refused(void)
{
	static const struct {
		const char *size;
		int expected;
	} cases[] = {
		{ "9007199254740992", 0 },	/* 2^53 */
		{ "9007199254740993", -EFBIG },
		{ "18446744073709551615", -EFBIG },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char dump[256];
		struct image image;

		snprintf(dump, sizeof(dump),
			 ROOT "/f %s 100644 1 0 0 0 0.0 - - -\n",
			 cases[i].size);
		CHECK_EQ(try_write(dump, strlen(dump), 0, 1, &image),
			 cases[i].expected);
		free(image.bytes);
	}
}

/* Inode, xattrs and target of a symlink never lie in two blocks. */
static void test_symlink_never_straddles_a_block(void)
{
	size_t len;

	for (len = 1; len < 4096; len += 63) {
		char dump[16384];
		struct image image;
		uint64_t offset, end;
		const uint8_t *inode;

		snprintf(dump, sizeof(dump),
			 ROOT "/l %zu 120777 1 0 0 0 0.0 %s - -\n", len,
			 repeat('t', len));
		image = write_image(dump);
		offset = find_in_root(&image, "l");
		inode = inode_at(&image, offset);
		CHECK_EQ(le(inode + 8, 4), len);
		if (32 + len >= CFS_BLOCK_SIZE) {
			uint64_t block = le(inode + 16, 4);

			CHECK_EQ(le(inode, 2), CFS_LAYOUT_FLAT_PLAIN << 1);
			CHECK_EQ(image.bytes[block * CFS_BLOCK_SIZE], 't');
			end = offset + 32;
		} else {
			CHECK_EQ(le(inode, 2), CFS_LAYOUT_FLAT_INLINE << 1);
			CHECK_EQ(inode[32], 't');
			end = offset + 32 + len;
		}
		CHECK_EQ(offset / CFS_BLOCK_SIZE, (end - 1) / CFS_BLOCK_SIZE);
		free(image.bytes);
	}
}

/* Two nodes with 200 equal xattrs: 128 of them are references, 72 are copies. */
static void test_only_128_xattrs_of_a_node_are_shared(void)
{
	char dump[32768];
	size_t used = snprintf(dump, sizeof(dump), ROOT);
	const uint8_t *inode;
	struct image image;
	unsigned int node, i;
	uint64_t size;

	for (node = 0; node < 2; node++) {
		used += snprintf(dump + used, sizeof(dump) - used,
				 "/f%u 0 100644 1 0 0 0 0.0 - - -", node);
		for (i = 0; i < 200; i++)
			used += snprintf(dump + used, sizeof(dump) - used,
					 " user.%03u=v", i);
		used += snprintf(dump + used, sizeof(dump) - used, "\n");
	}
	image = write_image(dump);
	for (node = 0; node < 2; node++) {
		const char *name = node ? "f1" : "f0";

		inode = inode_at(&image, find_in_root(&image, name));
		CHECK_EQ(inode[32 + 4], CFS_XATTR_SHARED_MAX);
		/* suffix of 3 and value of 1 byte: entries of 8 bytes */
		size = 12 + 128 * 4 + 72 * 8;
		CHECK_EQ(le(inode + 2, 2), (size - 12) / 4 + 1);
	}
	free(image.bytes);
}

/* A directory's last listing is kept behind the inode up to 2048 bytes. */
static void test_large_directory_fills_blocks(void)
{
	static const struct {
		unsigned int n_names;	/* of 20 bytes: 32 bytes an entry */
		unsigned int size;
	} cases[] = {
		{ 63, 27 + 63 * 32 },	/* 2043 */
		{ 64, 4096 },		/* 2075 */
		{ 127, 4096 },		/* 27 + 127 * 32 = 4091 */
		{ 128, 4096 + 32 },
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char dump[16384];
		size_t used = snprintf(dump, sizeof(dump), ROOT
				       "/d 0 40755 2 0 0 0 0.0 - - -\n");
		const uint8_t *inode;
		struct image image;
		unsigned int j;

		for (j = 0; j < cases[i].n_names; j++)
			used += snprintf(dump + used, sizeof(dump) - used,
					 "/d/%020u 0 100644 1 0 0 0 0.0 - - -\n",
					 j);
		image = write_image(dump);
		inode = inode_at(&image, find_in_root(&image, "d"));
		CHECK_EQ(le(inode + 8, 4), cases[i].size);
		free(image.bytes);
	}
}

/* A name that the root has takes the place of the stub, whatever it is. */
static void test_own_name_replaces_the_stub(void)
{
	struct image image = write_image(ROOT "/7f 0 100600 1 0 0 0 0.0 - - -\n");
	const uint8_t *inode = inode_at(&image, find_in_root(&image, "7f"));

	CHECK_EQ(le(inode + 4, 2), 0100600);
	CHECK_EQ(le(image.bytes + CFS_SB_OFFSET + 16, 8), 257);
	free(image.bytes);

	image = write_image(ROOT "/7g 0 100600 1 0 0 0 0.0 - - -\n");
	inode = inode_at(&image, find_in_root(&image, "7f"));
	CHECK_EQ(le(inode + 4, 2), 020644);
	CHECK_EQ(le(image.bytes + CFS_SB_OFFSET + 16, 8), 258);
	free(image.bytes);
}

/* The existing tools fail here: a mark shorter than what it replaces. */
static void test_whiteout_mark_replaces_a_longer_value(void)
{
	struct image image = write_image(
		ROOT
		"/d 0 40755 2 0 0 0 0.0 - - - user.overlay.whiteouts=longlong\n"
		"/d/w 0 20644 1 0 0 0 0.0 - - -\n");
	struct image plain = write_image(WHITEOUT);

	CHECK_EQ(image.size, plain.size);
	CHECK(memcmp(image.bytes, plain.bytes, plain.size) == 0);
	free(image.bytes);
	free(plain.bytes);
}

static int refuse(void *context, const void *data, size_t len)
{
	(void)context;
	(void)data;
	(void)len;
	return -ENOSPC;
}

static void test_failure_of_the_sink_is_passed_on(void)
{
	struct cfs_tree tree = { 0 };

	CHECK_EQ(cfs_dump_parse(SIMPLE, strlen(SIMPLE), 0, &tree, NULL), 0);
	CHECK_EQ(cfs_image_write(&tree, 0, 1, refuse, NULL, NULL), -ENOSPC);
	cfs_tree_release(&tree);
}

RUN_TESTS(
	T(test_known_trees_give_known_images),
	T(test_versions_above_the_known_are_refused),
	T(test_large_rest_of_a_file_gets_a_block),
	T(test_file_size_gives_the_chunk_format),
	T(test_file_beyond_the_format_is_refused),
	T(test_symlink_never_straddles_a_block),
	T(test_only_128_xattrs_of_a_node_are_shared),
	T(test_large_directory_fills_blocks),
	T(test_own_name_replaces_the_stub),
	T(test_whiteout_mark_replaces_a_longer_value),
	T(test_failure_of_the_sink_is_passed_on),
)
