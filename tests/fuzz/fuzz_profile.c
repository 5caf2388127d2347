// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any bytes as a profile, in pieces, and as the record of a start with all that is
 * made of one: the judgement and the picture.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "fetcher/profile/digest_list.h"
#include "cache/mirror/profile.h"
#include "fetcher/profile/record.h"
#include "fetcher/report/critical_path.h"
#include "fetcher/report/plot.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void must(bool condition)
{
	if (!condition)
		abort();
}

/* How it is cut makes no difference. */
static void check_profile(const uint8_t *data, size_t len)
{
	struct digest_list whole = { .n = 0 }, pieces = { .n = 0 };
	struct profile_reader a = {
		.digest = digest_list_add_to,
		.context = &whole,
	};
	struct profile_reader b = {
		.digest = digest_list_add_to,
		.context = &pieces,
	};
	size_t step = len ? data[0] % 100 + 1 : 1;

	must(profile_read(&a, data, len) == 0 && profile_read_end(&a) == 0);
	for (size_t at = 0; at < len; at += step)
		must(profile_read(&b, data + at,
				  len - at < step ? len - at : step) == 0);
	must(profile_read_end(&b) == 0);
	must(a.n_digests == b.n_digests && a.n_bad == b.n_bad);
	must(whole.n == a.n_digests && pieces.n == whole.n);
	for (size_t i = 0; i < whole.n; i++)
		must(cfs_digest_equal(&whole.digests[i], &pieces.digests[i]));
	digest_list_free(&whole);
	digest_list_free(&pieces);
}

static void check_record(int fd)
{
	FILE *out = fopen("/dev/null", "w");
	struct record record;
	struct judgement j;

	record_init(&record, 0);
	if (record_read(&record, fd) == 0 && record_judge(&record, &j) == 0) {
		must(j.objects == record.n);
		must(j.missed + j.late + j.ahead == j.objects);
		must(j.first_ms <= j.last_ms);
		must(j.n_chain <= record.n);
		must(j.chain_ms <= j.waited_ms);
		judgement_free(&j);
		must(record_plot(&record, out) == 0);
	}
	record_free(&record);
	fclose(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static int fd = -1;

	check_profile(data, len);
	if (fd < 0)
		fd = memfd_create("record", MFD_CLOEXEC);
	must(fd >= 0 && ftruncate(fd, 0) == 0 &&
	     pwrite(fd, data, len, 0) == (ssize_t)len &&
	     lseek(fd, 0, SEEK_SET) == 0);
	check_record(fd);
	return 0;
}
