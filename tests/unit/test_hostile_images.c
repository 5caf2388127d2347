// SPDX-License-Identifier: GPL-2.0-or-later
/* Images made by hand to do harm: the reader says of each what the table says. */
#include "cache/image/check.h"
#include "tests/fuzz/hostile_images.h"
#include "tests/unit/tiny_image.h"

/* What a careful reader finds first. */
static int read_all(const struct cfs_source *source)
{
	struct cfs_image image;
	int err = cfs_image_open(&image, source);

	return err ? err : cfs_image_check(&image, NULL);
}

static void test_tiny_image_itself_is_sound(void)
{
	struct tiny_image *tiny = tiny_make();

	CHECK_EQ(read_all(&tiny->source), 0);
	tiny_free(tiny);
}

static void test_every_image_is_told_from_a_good_one(void)
{
	unsigned int wrong = 0;

	for (size_t i = 0; i < hostile_images_count; i++) {
		const struct hostile_image *hostile = &hostile_images[i];
		struct tiny_image *tiny = tiny_make();
		int err;

		tiny->source.size = hostile_image_make(hostile, tiny->bytes);
		err = read_all(&tiny->source);
		if (err != hostile->reader) {
			fprintf(stderr, "  %s: %d, not %d\n", hostile->name,
				err, hostile->reader);
			wrong++;
		}
		tiny_free(tiny);
	}
	CHECK_EQ(wrong, 0);
}

RUN_TESTS(T(test_tiny_image_itself_is_sound),
	  T(test_every_image_is_told_from_a_good_one))
