// SPDX-License-Identifier: GPL-2.0-or-later
/* The status of a fetcher, for people. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cache/base/cleanup.h"
#include "cache/base/full_io.h"
#include "cache/base/units.h"
#include "fetcher/report/cfs_report.h"

static uint64_t number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *string(const json_t *object, const char *key)
{
	const char *value = json_string_value(json_object_get(object, key));

	return value ? value : "-";
}

static void print_bytes(uint64_t bytes)
{
	char text[UNITS_SIZE_LEN];

	fputs(units_format_size(bytes, text), stdout);
}

/* @n_images: that the objects belong to */
static void print_count(const json_t *count, size_t n_images)
{
	uint64_t present = number(count, "present_objects");
	uint64_t objects = number(count, "objects");

	printf("%llu of %llu objects, ", (unsigned long long)present,
	       (unsigned long long)objects);
	print_bytes(number(count, "present_bytes"));
	printf(" of ");
	print_bytes(number(count, "bytes"));
	printf(" are here (%llu fetched by this process)%s\n",
	       (unsigned long long)number(count, "fetched_objects"),
	       n_images == 0 ? ": no image is named in images/" :
	       present == objects ? ": complete, no network is needed" : "");
}

static void print_images(const json_t *root)
{
	const json_t *image;
	size_t i;

	printf("all images    ");
	print_count(json_object_get(root, "total"),
		    json_array_size(json_object_get(root, "images")));
	json_array_foreach(json_object_get(root, "images"), i, image) {
		printf("image         %s %s", string(image, "name"),
		       string(image, "digest"));
		if (json_is_string(json_object_get(image, "error")))
			printf(": %s\n", string(image, "error"));
		else if (json_object_get(image, "objects")) {
			printf(": ");
			print_count(image, 1);
		} else {
			printf("\n");
		}
	}
}

static void print_requests(const json_t *requests, const json_t *fetches)
{
	printf("requests      %llu misses, %llu hits, %llu refused, %llu damaged, %llu failed\n",
	       (unsigned long long)number(requests, "misses"),
	       (unsigned long long)number(requests, "hits"),
	       (unsigned long long)number(requests, "refused"),
	       (unsigned long long)number(requests, "damaged"),
	       (unsigned long long)number(requests, "failed"));
	printf("waiting       %llu",
	       (unsigned long long)number(requests, "waiting"));
	if (number(requests, "waiting"))
		printf(", the oldest for %.1f s",
		       (double)number(requests, "oldest_wait_ms") / 1000);
	printf("\nfetches       %llu done (",
	       (unsigned long long)number(fetches, "objects"));
	print_bytes(number(fetches, "bytes"));
	printf("), %llu failed, %llu retries; %llu in flight, %llu queued\n",
	       (unsigned long long)number(fetches, "failed"),
	       (unsigned long long)number(fetches, "retries"),
	       (unsigned long long)number(fetches, "in_flight"),
	       (unsigned long long)number(fetches, "queued"));
}

static void print_ahead(const json_t *ahead)
{
	const json_t *prefetch = json_object_get(ahead, "prefetch");
	const json_t *profile;
	size_t i;

	if (!json_object_size(prefetch))
		return;
	printf("prefetch      %s: %llu listed, %llu fetched (", string(prefetch, "state"),
	       (unsigned long long)number(prefetch, "listed"),
	       (unsigned long long)number(prefetch, "fetched"));
	print_bytes(number(prefetch, "fetched_bytes"));
	printf("), %llu of them asked for before they came, %llu failed; misses that no profile lists: %llu (",
	       (unsigned long long)number(prefetch, "late"),
	       (unsigned long long)number(prefetch, "failed"),
	       (unsigned long long)number(prefetch, "missed"));
	print_bytes(number(prefetch, "missed_bytes"));
	printf(")\n");
	json_array_foreach(json_object_get(prefetch, "profiles"), i, profile) {
		printf("profile       %s of image %.12s: ",
		       string(profile, "name"), string(profile, "image"));
		if (json_is_string(json_object_get(profile, "from")))
			printf("%llu digests from %s, %llu lines are none\n",
			       (unsigned long long)number(profile, "digests"),
			       string(profile, "from"),
			       (unsigned long long)number(profile, "bad_lines"));
		else
			printf("nowhere\n");
	}
	printf("completing    %s\n", string(ahead, "complete"));
}

static void print_flight(const json_t *fetches)
{
	const json_t *fetch;
	size_t i;

	json_array_foreach(fetches, i, fetch)
		printf("under way     %s %s (%s) for %.1f s, %llu of %llu bytes, %llu waiting, from %s\n",
		       string(fetch, "object"), string(fetch, "state"),
		       string(fetch, "kind"),
		       (double)number(fetch, "age_ms") / 1000,
		       (unsigned long long)number(fetch, "received"),
		       (unsigned long long)number(fetch, "bytes"),
		       (unsigned long long)number(fetch, "waiters"),
		       string(fetch, "mirror"));
}

static void print_mirrors(const json_t *mirrors)
{
	const json_t *mirror, *count;
	const char *name;
	size_t i;

	json_array_foreach(mirrors, i, mirror) {
		printf("mirror        %s: %s, %llu requests, ",
		       string(mirror, "url"), string(mirror, "state"),
		       (unsigned long long)number(mirror, "requests"));
		print_bytes(number(mirror, "bytes"));
		json_object_foreach(json_object_get((json_t *)mirror, "results"),
				    name, count)
			printf(", %lld %s",
			       (long long)json_integer_value(count), name);
		printf("\n");
	}
}

static void print_errors(const json_t *errors)
{
	const json_t *error;
	size_t i;

	json_array_foreach(errors, i, error)
		printf("error         %.1f s ago: %s from %s: %s (%s)\n",
		       (double)number(error, "age_ms") / 1000,
		       string(error, "object"), string(error, "mirror"),
		       string(error, "result"), string(error, "reason"));
}

static int print_text(const char *path, const char *text, size_t len)
{
	json_error_t error;
	json_t *root = json_loadb(text, len, 0, &error);

	if (!json_is_object(root)) {
		json_decref(root);
		fprintf(stderr, "cfs-report: %s: not a status\n", path);
		return EXIT_FAILED;
	}
	printf("mountpoint    %s\n", string(root, "mountpoint"));
	printf("store         %s (%s)\n", string(root, "store"),
	       json_is_true(json_object_get(root, "verity")) ?
		       "with fs-verity" : "no fs-verity");
	printf("process       %llu, cfs-fetch %s, up for %.1f s\n",
	       (unsigned long long)number(root, "pid"), string(root, "version"),
	       (double)number(root, "uptime_ms") / 1000);
	print_images(root);
	print_requests(json_object_get(root, "requests"),
		       json_object_get(root, "fetches"));
	print_ahead(json_object_get(root, "ahead"));
	print_flight(json_object_get(root, "in_flight"));
	print_mirrors(json_object_get(root, "mirrors"));
	print_errors(json_object_get(root, "errors"));
	json_decref(root);
	return 0;
}

static int open_status(const char *path)
{
	CLEANUP_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (S_ISDIR(st.st_mode)) {
		int file = openat(fd, ".cfs/status.json", O_RDONLY | O_CLOEXEC);

		return file < 0 ? -errno : file;
	}
	return take_fd(&fd);
}

int show_status(const char *path, bool json)
{
	CLEANUP_CLOSE int fd = open_status(path);
	CLEANUP_FREE char *text = NULL;
	size_t len;
	int err = fd < 0 ? fd : full_read_file(fd, &text, &len);
	int status = 0;

	if (err) {
		fprintf(stderr, "cfs-report: %s: %s%s\n", path, strerror(-err),
			err == -ENOENT ? " (is it a mount of cfs-fetch?)" : "");
		return EXIT_FAILED;
	}
	if (json)
		fwrite(text, 1, len, stdout);
	else
		status = print_text(path, text ? text : "", len);
	if (fflush(stdout) != 0)
		status = EXIT_FAILED;
	return status;
}
