// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/profile/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cache/mirror/profile.h"

#define FIRST_CAPACITY	256

void record_init(struct record *record, uint64_t start_ms)
{
	*record = (struct record){ .start_ms = start_ms };
}

void record_free(struct record *record)
{
	free(record->entries);
	*record = (struct record){ .entries = NULL };
}

static struct record_entry *new_entry(struct record *record)
{
	size_t capacity = record->capacity ? record->capacity * 2 :
					     FIRST_CAPACITY;
	struct record_entry *entries;

	if (record->n == RECORD_MAX)
		return NULL;
	if (record->n == record->capacity) {
		entries = reallocarray(record->entries, capacity,
				       sizeof(*entries));
		if (!entries)
			return NULL;
		record->entries = entries;
		record->capacity = capacity;
	}
	return &record->entries[record->n++];
}

static uint32_t since(const struct record *record, uint64_t ms)
{
	if (ms < record->start_ms)
		return ms ? 0 : RECORD_NEVER;
	ms -= record->start_ms;
	return ms < RECORD_NEVER ? (uint32_t)ms : RECORD_NEVER - 1;
}

void record_add(struct record *record, const struct fetch_event *event,
		uint64_t now_ms)
{
	struct record_entry *entry = new_entry(record);

	if (!entry) {
		record->n_dropped++;
		return;
	}
	*entry = (struct record_entry){
		.digest = *event->digest,
		.size = event->size,
		.sequence = event->sequence,
		.asked_ms = since(record, event->demand_ms),
		.sent_ms = since(record, event->sent_ms),
		.got_ms = since(record, event->got_ms),
		.done_ms = since(record, now_ms),
		.kind = (uint8_t)event->kind,
		.mirror = (uint8_t)event->mirror_number,
	};
}

static int compare_sequence(const void *a, const void *b)
{
	const struct record_entry *x = a, *y = b;

	return (x->sequence > y->sequence) - (x->sequence < y->sequence);
}

void record_sort(struct record *record)
{
	if (record->n)
		qsort(record->entries, record->n, sizeof(*record->entries),
		      compare_sequence);
}

static void print_ms(FILE *file, uint32_t ms)
{
	if (ms == RECORD_NEVER)
		fputs(" -", file);
	else
		fprintf(file, " %" PRIu32, ms);
}

void record_write(const struct record *record, FILE *file,
		  const char *const *mirrors, size_t n_mirrors)
{
	fprintf(file, "# cfs-record 1\n");
	for (size_t i = 0; i < n_mirrors; i++)
		fprintf(file, "# mirror %zu %s\n", i, mirrors[i]);
	if (record->n_dropped)
		fprintf(file, "# and %" PRIu64 " more\n", record->n_dropped);
	for (size_t i = 0; i < record->n; i++) {
		const struct record_entry *entry = &record->entries[i];
		char hex[CFS_DIGEST_HEX_LEN + 1];

		cfs_digest_format(&entry->digest, hex);
		fputs("#=", file);
		print_ms(file, entry->asked_ms);
		print_ms(file, entry->sent_ms);
		print_ms(file, entry->got_ms);
		print_ms(file, entry->done_ms);
		fprintf(file, " %" PRIu64 " %s %u%c%s\n", entry->size,
			fetch_kind_name(entry->kind), entry->mirror,
			entry->kind == FETCH_BACKGROUND &&
			entry->asked_ms == RECORD_NEVER ? ' ' : '\n', hex);
	}
}

struct reading {
	struct record *record;
	struct record_entry times;
	bool have_times;		/* they are of the next digest */
};

static int take_entry(struct reading *reading, const struct cfs_digest *digest)
{
	struct record_entry *entry = new_entry(reading->record);

	if (!entry)
		return reading->record->n == RECORD_MAX ? -EFBIG : -ENOMEM;
	*entry = reading->times;
	entry->digest = *digest;
	entry->sequence = (uint32_t)reading->record->n;
	return 0;
}

static int read_digest(void *context, const struct cfs_digest *digest)
{
	struct reading *reading = context;

	if (!reading->have_times)
		return 0;
	reading->have_times = false;
	return take_entry(reading, digest);
}

/* The next number, or "-"; false if there is neither. */
static bool take_number(const char **text, uint64_t max, uint64_t *ret)
{
	char *end;

	*text += strspn(*text, " ");
	if (**text == '-') {
		*ret = RECORD_NEVER;
		++*text;
		return true;
	}
	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*ret = strtoull(*text, &end, 10);
	*text = end;
	return !errno && *ret <= max;
}

static bool take_kind(const char **text, uint8_t *ret)
{
	*text += strspn(*text, " ");
	for (int kind = 0; kind < N_FETCH_KINDS; kind++) {
		size_t len = strlen(fetch_kind_name(kind));

		if (strncmp(*text, fetch_kind_name(kind), len) == 0) {
			*text += len;
			*ret = (uint8_t)kind;
			return true;
		}
	}
	return false;
}

static int read_comment(void *context, const char *text)
{
	struct reading *reading = context;
	uint64_t ms[4], size, mirror;
	struct cfs_digest digest;

	reading->have_times = false;
	if (*text++ != '=')
		return 0;
	for (size_t i = 0; i < 4; i++)
		if (!take_number(&text, RECORD_NEVER - 1, &ms[i]))
			return 0;
	if (!take_number(&text, INT64_MAX, &size) ||
	    !take_kind(&text, &reading->times.kind) ||
	    !take_number(&text, UINT8_MAX, &mirror))
		return 0;
	/* What is there came at some time, and all else was before. */
	if (ms[3] == RECORD_NEVER)
		return 0;
	for (size_t i = 0; i < 3; i++)
		if (ms[i] != RECORD_NEVER && ms[i] > ms[3])
			return 0;
	reading->times.asked_ms = (uint32_t)ms[0];
	reading->times.sent_ms = (uint32_t)ms[1];
	reading->times.got_ms = (uint32_t)ms[2];
	reading->times.done_ms = (uint32_t)ms[3];
	reading->times.size = size;
	reading->times.mirror = (uint8_t)mirror;
	if (*text == ' ' && cfs_digest_parse(text + 1, strlen(text + 1),
					     &digest) == 0)
		return take_entry(reading, &digest);
	reading->have_times = true;
	return 0;
}

int record_read(struct record *record, int fd)
{
	struct reading reading = { .record = record };
	struct profile_reader reader = {
		.digest = read_digest,
		.comment = read_comment,
		.context = &reading,
	};

	int err = profile_read_file(&reader, fd);

	return err == 0 && reader.too_long ? -EFBIG : err;
}
