// SPDX-License-Identifier: GPL-2.0-or-later
/* A large object, its tree, and mirrors that answer for parts of both. */
#include "tests/unit/large_rig.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cache/base/full_io.h"
#include "cache/verity/tree.h"
#include "fetcher/mirror/offers.h"
#include "tests/unit/test.h"

struct object large;
enum manner manners[LARGE_MIRRORS];

uint8_t *large_tree;
size_t large_tree_len;

void offer_all(const char *text)
{
	fetcher_ask_for_offers(rig.fetcher, MIRROR_OFFERS_PATIENT);
	while (rig.n_gets) {
		struct http_get *get = rig.gets[0];

		CHECK(strstr(get->url, "/mirror"));
		CHECK_EQ(get->data(get, text, strlen(text)), 0);
		end_get(get, FETCH_RESULT_OK);
	}
}

static void start_mirrors(size_t n_mirrors, const char *text, bool hedged)
{
	setup(n_mirrors);
	rig.config.no_hedge = !hedged;
	rig.config.large_size = 1 << 20;
	memset(manners, 0, sizeof(manners));
	start();
	if (text)
		offer_all(text);
}

void start_large(size_t n_mirrors, const char *text)
{
	start_mirrors(n_mirrors, text, false);
}

void start_hedged(size_t n_mirrors, const char *text)
{
	start_mirrors(n_mirrors, text, true);
}

void finish_large(void)
{
	free(large.data);
	free(large_tree);
	teardown();
}

void make_large(void)
{
	char path[] = "/tmp/test_partial.XXXXXX", tree_path[] =
		"/tmp/test_partial.XXXXXX";
	int fd = mkstemp(path), tree_fd = mkstemp(tree_path);

	large = make_object(SIZE, 3);
	CHECK_EQ(full_pwrite(fd, large.data, SIZE, 0), 0);
	CHECK_EQ(cfs_verity_tree_write(fd, SIZE, &large.digest, tree_fd), 0);
	large_tree_len = lseek(tree_fd, 0, SEEK_END);
	large_tree = malloc(large_tree_len);
	CHECK_EQ(full_pread(tree_fd, large_tree, large_tree_len, 0), 0);
	unlink(path);
	unlink(tree_path);
	close(fd);
	close(tree_fd);
}

static void send_part(struct http_get *get, const uint8_t *data, bool wrong)
{
	uint64_t len = get->length ? get->length : get->size - get->offset;
	struct object part = { .len = len, .data = malloc(len) };

	memcpy(part.data, data + get->offset, len);
	for (size_t i = 0; wrong && i < len; i += BLOCK)
		part.data[i] ^= 1;
	send_bytes(get, &part, 0, len);
	free(part.data);
	end_get(get, FETCH_RESULT_OK);
}

void serve_large(struct http_get *get)
{
	enum manner manner = manners[strstr(get->url, "mirror1") != NULL];

	if (strstr(get->url, "/verity/")) {
		CHECK(get->length && get->offset + get->length <= large_tree_len);
		CHECK_EQ(get->size, large_tree_len);
		if (manner == NO_TREE)
			end_get(get, FETCH_RESULT_MISSING);
		else
			send_part(get, large_tree, manner == WRONG_TREE);
		return;
	}
	CHECK_EQ(get->size, SIZE);
	CHECK(get->offset + get->length <= SIZE);
	if (manner == NO_OBJECT)
		end_get(get, FETCH_RESULT_MISSING);
	else if (manner == NO_RANGE && (get->length || get->offset))
		end_get(get, FETCH_RESULT_RANGE);
	else if (manner == RANGE_IS_500 && (get->length || get->offset))
		end_get(get, FETCH_RESULT_STATUS);
	else
		send_part(get, large.data, manner == WRONG_DATA);
}

void serve_until(const int *calls)
{
	for (int i = 0; i < 20000 && !*calls; i++) {
		while (rig.n_gets)
			serve_large(rig.gets[0]);
		spin(1);
	}
	CHECK_EQ(*calls, 1);
}

void serve_rest(void)
{
	for (int idle = 0; idle < 20; idle++) {
		for (; rig.n_gets; idle = 0)
			serve_large(rig.gets[0]);
		spin(1);
	}
}
