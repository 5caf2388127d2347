// SPDX-License-Identifier: GPL-2.0-or-later
#include "fetcher/profile/digest_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CAPACITY	64

int digest_list_add(struct digest_list *list, const struct cfs_digest *digest)
{
	if (list->n == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 :
						   FIRST_CAPACITY;
		struct cfs_digest *digests = reallocarray(list->digests,
							  capacity,
							  sizeof(*digests));

		if (!digests)
			return -ENOMEM;
		list->digests = digests;
		list->capacity = capacity;
	}
	list->digests[list->n++] = *digest;
	return 0;
}

int digest_list_add_to(void *list, const struct cfs_digest *digest)
{
	return digest_list_add(list, digest);
}

int digest_list_copy(struct digest_list *list, const struct digest_list *from)
{
	int err = 0;

	for (size_t i = 0; !err && i < from->n; i++)
		err = digest_list_add(list, &from->digests[i]);
	return err;
}

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct cfs_digest));
}

void digest_list_sort(struct digest_list *list)
{
	if (list->n)
		qsort(list->digests, list->n, sizeof(*list->digests), compare);
}

bool digest_list_has(const struct digest_list *list,
		     const struct cfs_digest *digest)
{
	return list->n && bsearch(digest, list->digests, list->n,
				  sizeof(*list->digests), compare);
}

void digest_list_clear(struct digest_list *list)
{
	list->n = 0;
}

void digest_list_free(struct digest_list *list)
{
	free(list->digests);
	*list = (struct digest_list){ .n = 0 };
}
