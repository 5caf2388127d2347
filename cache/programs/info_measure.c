// SPDX-License-Identifier: GPL-2.0-or-later
/* composefs-info measure-file: the fs-verity digest of files. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cache/base/cleanup.h"
#include "cache/verity/measure.h"
#include "cache/programs/info.h"
#include "cache/verity/hash.h"

/* The kernel's word if the file is sealed; else computed from its bytes. */
static int measure(int fd, struct cfs_digest *ret, bool *ret_sealed)
{
	int err = cfs_object_measure(fd, ret);

	*ret_sealed = err == 0;
	if (err == -ENODATA || err == -EOPNOTSUPP || err == -ENOTTY)
		return cfs_verity_hash_fd(fd, UINT64_MAX, ret, NULL);
	return err;
}

static int measure_file(const char *path, struct info_json *json)
{
	char hex[CFS_DIGEST_HEX_LEN + 1];
	CLEANUP_CLOSE int fd = info_open_fd(path);
	struct cfs_digest digest;
	json_t *element;
	bool sealed;
	int err;

	if (fd < 0)
		return fd;
	err = measure(fd, &digest, &sealed);
	if (err) {
		fprintf(stderr, "composefs-info: can't measure '%s': %s\n",
			path, err == -EBADMSG ?
			"it is sealed with another algorithm than SHA-256" :
			strerror(-err));
		return err;
	}
	cfs_digest_format(&digest, hex);
	if (!json) {
		puts(hex);
		return 0;
	}
	element = json_object();
	if (!element ||
	    info_json_bytes(element, "file", path, strlen(path)) ||
	    json_object_set_new(element, "digest", json_string(hex)) ||
	    json_object_set_new(element, "sealed", json_boolean(sealed))) {
		json_decref(element);
		info_error(path, NULL, -ENOMEM);
		return -ENOMEM;
	}
	return info_json_add(json, element);
}

int info_measure_file(const struct info *info)
{
	struct info_json array, *json = info->json ? &array : NULL;
	int err = 0;

	if (json)
		info_json_begin(json, "");
	for (size_t i = 0; i < info->n_files && !err; i++)
		err = measure_file(info->files[i], json);
	if (json)
		info_json_end(json, "\n");
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
