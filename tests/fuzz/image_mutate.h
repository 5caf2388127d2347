/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Break an image where it hurts: fields of structures rather than random
 * bytes, so that what comes out gets past the first checks of a reader.
 *
 * Ownership: the bytes are the caller's and changed in place.  Deterministic: the
 * same seed does the same to the same bytes on every machine.
 */
#ifndef TESTS_FUZZ_IMAGE_MUTATE_H
#define TESTS_FUZZ_IMAGE_MUTATE_H

#include <stddef.h>
#include <stdint.h>

/**
 * image_mutate() - change an image once
 * @bytes: the image, or what earlier mutations left of it
 * @size: bytes of it
 * @capacity: bytes there is room for; at least @size
 * @seed: what to do
 *
 * Return: the new size, at most @capacity.
 */
size_t image_mutate(uint8_t *bytes, size_t size, size_t capacity,
		    uint64_t seed);

#endif /* TESTS_FUZZ_IMAGE_MUTATE_H */
