// SPDX-License-Identifier: GPL-2.0-or-later
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fetcher/profile/record.h"
#include "fetcher/report/critical_path.h"
#include "fetcher/report/plot.h"
#include "tests/unit/test.h"

#define START	1000000

static void add(struct record *record, uint8_t name, enum fetch_kind kind,
		uint32_t sequence, uint64_t asked, uint64_t sent, uint64_t got,
		uint64_t done, uint64_t size)
{
	struct cfs_digest digest = { { name } };
	struct fetch_event event = {
		.digest = &digest,
		.size = size,
		.kind = kind,
		.sequence = sequence,
		.demand_ms = asked ? START + asked : 0,
		.sent_ms = START + sent,
		.got_ms = START + got,
		.mirror_number = 1,
	};

	record_add(record, &event, START + done);
}

static void write_to_file(const struct record *record, int fd)
{
	static const char *const urls[] = { "http://a", "http://b" };
	FILE *file = fdopen(dup(fd), "w");

	CHECK(file);
	record_write(record, file, urls, 2);
	CHECK_EQ(fclose(file), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
}

static int temporary(void)
{
	char path[] = "/tmp/test-record.XXXXXX";
	int fd = mkstemp(path);

	CHECK(fd >= 0);
	unlink(path);
	return fd;
}

/* What is written is read again, in order of first use. */
static void test_file_and_back(void)
{
	struct record record, back;
	int fd = temporary();

	record_init(&record, START);
	add(&record, 3, FETCH_BACKGROUND, 3, 0, 30, 31, 32, 4096);
	add(&record, 2, FETCH_PREFETCH, 2, 25, 20, 28, 29, 1 << 20);
	add(&record, 1, FETCH_DEMAND, 1, 10, 10, 14, 15, 100);
	record_sort(&record);
	write_to_file(&record, fd);
	record_init(&back, 0);
	CHECK_EQ(record_read(&back, fd), 0);
	CHECK_EQ(back.n, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct record_entry *a = &record.entries[i];
		const struct record_entry *b = &back.entries[i];

		CHECK_EQ(b->digest.bytes[0], i + 1);
		CHECK(cfs_digest_equal(&a->digest, &b->digest));
		CHECK_EQ(a->size, b->size);
		CHECK_EQ(a->asked_ms, b->asked_ms);
		CHECK_EQ(a->sent_ms, b->sent_ms);
		CHECK_EQ(a->got_ms, b->got_ms);
		CHECK_EQ(a->done_ms, b->done_ms);
		CHECK_EQ(a->kind, b->kind);
		CHECK_EQ(a->mirror, b->mirror);
	}
	CHECK_EQ(back.entries[2].asked_ms, RECORD_NEVER);
	record_free(&record);
	record_free(&back);
	close(fd);
}

/* Lines that are not quite of that form are comments like others. */
static void test_strange_times_are_no_times(void)
{
	static const char *const lines[] = {
		"#= 1 2 3\n", "#= 9 2 3 4 100 demand 0\n",
		"#= 1 2 3 - 100 demand 0\n", "#= 1 2 3 4 100 other 0\n",
		"#= 1 2 3 99999999999 100 demand 0\n",
		"#= -1 2 3 4 100 demand 0\n", "#=\n", "#= 1 2 3 4 -5 demand 0\n",
		"#= 1 2 3 4 5 demand 300\n",
	};
	char digest[CFS_DIGEST_HEX_LEN + 2];

	memset(digest, 'a', sizeof(digest));
	digest[CFS_DIGEST_HEX_LEN] = '\n';
	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
		struct record record;
		int fd = temporary();

		CHECK(write(fd, lines[i], strlen(lines[i])) > 0);
		CHECK(write(fd, digest, CFS_DIGEST_HEX_LEN + 1) > 0);
		CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
		record_init(&record, 0);
		CHECK_EQ(record_read(&record, fd), 0);
		CHECK_EQ(record.n, 0);
		record_free(&record);
		close(fd);
	}
}

/*
 *	1  ####		10..50		on the path
 *	2   ##		20..40		beside it
 *	3      ###	60..100		on the path
 *	4      #	60..70		late, beside it
 *	5		fetched ahead, never asked for
 */
static void test_the_critical_path(void)
{
	struct record record;
	struct judgement j;

	record_init(&record, START);
	add(&record, 3, FETCH_DEMAND, 3, 60, 60, 99, 100, 1000);
	add(&record, 1, FETCH_DEMAND, 1, 10, 10, 49, 50, 1000);
	add(&record, 2, FETCH_DEMAND, 2, 20, 20, 40, 40, 2 << 20);
	add(&record, 4, FETCH_PREFETCH, 4, 60, 55, 69, 70, 1000);
	add(&record, 5, FETCH_PREFETCH, 5, 0, 56, 300, 301, 500);
	CHECK_EQ(record_judge(&record, &j), 0);
	CHECK_EQ(j.objects, 5);
	CHECK_EQ(j.missed, 3);
	CHECK_EQ(j.late, 1);
	CHECK_EQ(j.ahead, 1);
	CHECK_EQ(j.ahead_bytes, 500);
	CHECK_EQ(j.first_ms, 10);
	CHECK_EQ(j.last_ms, 100);
	CHECK_EQ(j.waited_ms, 80);
	CHECK_EQ(j.n_chain, 2);
	CHECK_EQ(record.entries[j.chain[0]].digest.bytes[0], 1);
	CHECK_EQ(record.entries[j.chain[1]].digest.bytes[0], 3);
	CHECK_EQ(j.chain_ms, 80);
	CHECK_EQ(j.round_trip_ms, 14);
	CHECK_EQ(j.rate, (2 << 20) * 1000ull / 20);
	CHECK(j.profile_ms >= 28 && j.profile_ms < 60);
	judgement_free(&j);
	record_free(&record);
}

/* No entry, one without a wait, and one whose waits take no time at all. */
static void test_little_to_judge(void)
{
	struct record record;
	struct judgement j;
	char *text = NULL;
	size_t len;
	FILE *out;

	record_init(&record, START);
	for (int i = 0; i < 3; i++) {
		CHECK_EQ(record_judge(&record, &j), 0);
		CHECK_EQ(j.n_chain, i == 2);
		CHECK_EQ(j.waited_ms, 0);
		judgement_free(&j);
		out = open_memstream(&text, &len);
		CHECK(out);
		CHECK_EQ(record_plot(&record, out), 0);
		CHECK_EQ(fclose(out), 0);
		CHECK(len > 100 && !strstr(text, "nan") && !strstr(text, "inf"));
		free(text);
		if (i == 0)
			add(&record, 1, FETCH_PREFETCH, 1, 0, 5, 5, 5, 0);
		else
			add(&record, 2, FETCH_DEMAND, 2, 5, 5, 5, 5, 0);
	}
	record_free(&record);
}

/* More than it holds is counted, and no more. */
static void test_a_record_is_bounded(void)
{
	struct record record;

	record_init(&record, START);
	for (uint32_t i = 0; i < RECORD_MAX + 5; i++)
		add(&record, (uint8_t)i, FETCH_DEMAND, i, 1, 1, 1, 1, 1);
	CHECK_EQ(record.n, RECORD_MAX);
	CHECK_EQ(record.n_dropped, 5);
	record_free(&record);
}

RUN_TESTS(T(test_file_and_back), T(test_strange_times_are_no_times),
	  T(test_the_critical_path), T(test_little_to_judge),
	  T(test_a_record_is_bounded))
