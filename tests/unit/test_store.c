// SPDX-License-Identifier: GPL-2.0-or-later
/* Test cache/store/store.c and cache/store/check.c. */
#include "cache/store/store.h"

#include <errno.h>
#include <string.h>
#include <sys/file.h>

#include "cache/mirror/mirror_file.h"
#include "cache/store/explain.h"
#include "cache/store/list.h"
#include "cache/store/partial.h"
#include "cache/store/transient.h"
#include "tests/unit/store_dir.h"

static void test_a_new_store_is_private(void)
{
	char path[256], sub[512];
	struct cfs_store *store = NULL;
	struct stat st;

	folder_new(path);
	snprintf(sub, sizeof(sub), "%s/store", path);
	CHECK_EQ(cfs_store_open(sub, 0, &store), -ENOENT);
	CHECK(!store);
	CHECK_EQ(cfs_store_open(sub, CFS_STORE_CREATE, &store), 0);
	CHECK_EQ(stat(sub, &st), 0);
	CHECK_EQ(st.st_mode & 07777, 0700);
	cfs_store_close(store);
	/* objects/, images/ and the lock that changes of names take. */
	CHECK_EQ(count_entries(sub, ""), 3);	/* objects and images */
	CHECK_EQ(cfs_store_open(sub, 0, &store), 0);
	cfs_store_close(store);
	cfs_store_close(NULL);
	folder_free(path);
}

static mode_t mode_at(const char *folder, const char *name)
{
	char path[600];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	CHECK_EQ(lstat(path, &st), 0);
	return st.st_mode & 07777;
}

static void test_modes_do_not_depend_on_the_umask(void)
{
	static const mode_t masks[] = { 0, 022, 077, 0777 };

	for (size_t i = 0; i < sizeof(masks) / sizeof(masks[0]); i++) {
		struct cfs_digest digest = digest_of("x", 1);
		char path[256], sub[512], object[CFS_OBJECT_NAME_LEN + 1];
		struct cfs_store *store = NULL;
		mode_t before;
		int fd = -1;

		folder_new(path);
		snprintf(sub, sizeof(sub), "%s/store", path);
		before = umask(masks[i]);
		CHECK_EQ(cfs_store_open(sub, CFS_STORE_CREATE, &store), 0);
		CHECK_EQ(cfs_object_stage(store, 1, &fd), 0);
		CHECK_EQ(write(fd, "x", 1), 1);
		CHECK_EQ(cfs_object_publish(store, fd, &digest), 0);
		fd = -1;
		CHECK_EQ(cfs_store_folder(store, "profiles", true, &fd), 0);
		close(fd);
		CHECK_EQ(cfs_mirror_file_update(store), 0);
		umask(before);
		CHECK_EQ(mode_at(sub, ""), 0700);
		CHECK_EQ(mode_at(sub, "objects"), 0755);
		CHECK_EQ(mode_at(sub, "images"), 0755);
		CHECK_EQ(mode_at(sub, "profiles"), 0755);
		CHECK_EQ(mode_at(sub, "mirror"), 0644);
		snprintf(path + strlen(path), sizeof(path) - strlen(path),
			 "/store/objects");
		cfs_object_name_format(&digest, object);
		CHECK_EQ(mode_at(path, object), 0444);
		object[2] = '\0';
		CHECK_EQ(mode_at(path, object), 0755);
		cfs_store_close(store);
		path[strlen(path) - strlen("/store/objects")] = '\0';
		folder_free(path);
	}
}

/* A public store: any user can open, and so lock, its folders and objects. */
static void test_locks_of_readers_stop_nobody(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest = digest_of("x", 1), named;
	char hex[CFS_DIGEST_HEX_LEN + 1];
	int objects_fd, fd = -1, other_fd = -1, root_fd;

	CHECK_EQ(cfs_object_stage(dir.store, 1, &fd), 0);
	CHECK_EQ(write(fd, "x", 1), 1);
	CHECK_EQ(cfs_object_publish(dir.store, fd, &digest), 0);
	fd = -1;
	cfs_digest_format(&digest, hex);
	CHECK_EQ(cfs_store_get(dir.store, &digest, &objects_fd), 0);
	root_fd = open(dir.path, O_RDONLY | O_DIRECTORY);
	CHECK(root_fd >= 0);
	CHECK_EQ(flock(objects_fd, LOCK_EX), 0);
	CHECK_EQ(flock(root_fd, LOCK_EX), 0);
	alarm(20);

	CHECK_EQ(cfs_store_folder(dir.store, "packs", true, &fd), 0);
	close(fd);
	CHECK_EQ(cfs_mirror_file_update(dir.store), 0);

	CHECK_EQ(cfs_transient_hold(dir.store, &digest, &fd), -ENOENT);
	CHECK_EQ(cfs_transient_set(dir.store, &digest), 0);
	CHECK_EQ(cfs_transient_hold(dir.store, &digest, &fd), 0);
	CHECK_EQ(cfs_transient_hold(dir.store, &digest, &other_fd), 0);
	cfs_transient_release(dir.store, &digest, fd);
	CHECK_EQ(cfs_store_image_get(dir.store, hex, &named), 0);	/* the other has it */
	close(fd);
	cfs_transient_release(dir.store, &digest, other_fd);
	CHECK_EQ(cfs_store_image_get(dir.store, hex, &named), CFS_STORE_MISS);
	alarm(0);
	close(other_fd);
	close(objects_fd);
	close(root_fd);
	store_dir_free(&dir);
}

static void test_a_file_is_no_store(void)
{
	struct cfs_store *store = NULL;

	CHECK_EQ(cfs_store_open("/proc/self/exe", CFS_STORE_CREATE, &store),
		 -ENOTDIR);
	CHECK_EQ(cfs_store_open_objects("/proc/self/exe", 0, &store), -ENOTDIR);
	CHECK(!store);
}

static void test_a_miss_is_not_an_error(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest = digest_of("x", 1);
	int fd = -1;

	CHECK_EQ(cfs_store_get(dir.store, &digest, &fd), CFS_STORE_MISS);
	CHECK_EQ(fd, -1);
	CHECK_EQ(cfs_store_check(dir.store, &digest, 1), CFS_STORE_MISS);
	store_dir_free(&dir);
}

static void test_a_published_object_can_be_read(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest;
	char buf[16];
	int fd = -1;

	CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest), 0);
	CHECK_EQ(cfs_store_check(dir.store, &digest, UINT64_MAX), 0);
	CHECK_EQ(cfs_store_check(dir.store, &digest, 5), 0);
	CHECK_EQ(cfs_store_check(dir.store, &digest, 4), CFS_STORE_DAMAGED);
	CHECK_EQ(cfs_store_get(dir.store, &digest, &fd), 0);
	CHECK_EQ(read(fd, buf, sizeof(buf)), 5);
	CHECK(memcmp(buf, "hello", 5) == 0);
	close(fd);
	store_dir_free(&dir);
}

/* Whatever is planted in an object's place is neither followed nor opened. */
static void test_only_regular_files_are_objects(void)
{
	static const char *const kinds[] = { "symlink", "fifo", "folder",
					     "device" };
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest = digest_of("x", 1);
	char path[512], folder[512];
	size_t i;

	object_path(&dir, &digest, path);
	snprintf(folder, sizeof(folder), "%.*s", (int)strlen(path) - 63, path);
	CHECK_EQ(mkdir(folder, 0755), 0);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		int fd = -1, err;

		fprintf(stderr, "  %s\n", kinds[i]);
		if (i == 0)
			err = symlink("/etc/passwd", path);
		else if (i == 1)
			err = mkfifo(path, 0666);
		else if (i == 2)
			err = mkdir(path, 0777);
		else
			err = mknod(path, S_IFCHR | 0666, 0x103);
		if (err < 0 && i == 3)
			continue;	/* not privileged */
		CHECK_EQ(err, 0);
		CHECK_EQ(cfs_store_get(dir.store, &digest, &fd),
			 CFS_STORE_DAMAGED);
		CHECK_EQ(fd, -1);
		CHECK_EQ(cfs_store_check(dir.store, &digest, UINT64_MAX),
			 CFS_STORE_DAMAGED);
		CHECK_EQ(remove(path), 0);
	}
	store_dir_free(&dir);
}

/* A folder of objects as other tools make it: no images, the same objects. */
static void test_a_folder_of_objects_is_enough(void)
{
	struct cfs_store *store = NULL;
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest;
	char path[512];

	CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest), 0);
	snprintf(path, sizeof(path), "%s/objects", dir.path);
	CHECK_EQ(cfs_store_open_objects(path, 0, &store), 0);
	CHECK_EQ(cfs_store_check(store, &digest, 5), 0);
	CHECK_EQ(publish_bytes(store, "world", 5, &digest), 0);
	CHECK_EQ(cfs_store_check(dir.store, &digest, 5), 0);
	CHECK_EQ(cfs_store_image_set(store, "x", &digest), -EOPNOTSUPP);
	CHECK_EQ(cfs_store_image_get(store, "x", &digest), -EOPNOTSUPP);
	CHECK_EQ(cfs_store_image_remove(store, "x"), -EOPNOTSUPP);
	CHECK_EQ(cfs_store_image_each(store, NULL, NULL), -EOPNOTSUPP);
	cfs_store_close(store);
	store_dir_free(&dir);
}

/* A crash leaves the link but no lock; whoever is about to name one has it. */
static void test_files_without_their_name_are_swept(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_store *store;
	char images[300], left[320], lock[320];
	struct stat st;
	int fd;

	snprintf(images, sizeof(images), "%s/images", dir.path);
	snprintf(left, sizeof(left), "%s/profiles", dir.path);
	CHECK_EQ(mkdir(left, 0755), 0);
	snprintf(left, sizeof(left), "%s/profiles/.tmp-1", dir.path);
	CHECK_EQ(mknod(left, S_IFREG | 0644, 0), 0);
	CHECK_EQ(cfs_store_open(dir.path, 0, &store), 0);
	cfs_store_close(store);
	CHECK_EQ(lstat(left, &st), -1);

	snprintf(left, sizeof(left), "%s/.tmp-1", images);
	CHECK_EQ(symlink("anywhere", left), 0);
	snprintf(lock, sizeof(lock), "%s/.lock-images", dir.path);
	fd = open(lock, O_RDWR);
	CHECK_EQ(flock(fd, LOCK_EX), 0);
	CHECK_EQ(cfs_store_open(dir.path, 0, &store), 0);
	cfs_store_close(store);
	CHECK_EQ(lstat(left, &st), 0);
	close(fd);
	CHECK_EQ(cfs_store_open(dir.path, CFS_STORE_READ_ONLY, &store), 0);
	cfs_store_close(store);
	CHECK_EQ(lstat(left, &st), 0);
	CHECK_EQ(cfs_store_open(dir.path, 0, &store), 0);
	cfs_store_close(store);
	CHECK_EQ(lstat(left, &st), -1);
	store_dir_free(&dir);
}

static void replace_folder(const struct store_dir *dir, const char *name,
			   const char *target)
{
	char path[600];

	snprintf(path, sizeof(path), "%s/%s", dir->path, name);
	CHECK(rmdir(path) == 0 || errno == ENOENT);
	CHECK_EQ(symlink(target, path), 0);
}

static void check_explained(const struct store_dir *dir, int err, const char *text)
{
	struct errmsg why;

	CHECK_EQ(cfs_store_explain(dir->store, err, &why), err);
	CHECK(strstr(why.text, text));
}

static int count_one(void *context, const struct cfs_object_info *info)
{
	(void)info;
	++*(int *)context;
	return 0;
}

/* What a link in place of a folder leads to is never read, removed or renamed. */
static void test_a_link_is_no_folder(void)
{
	struct store_dir dir = store_dir_new(), other = store_dir_new();
	struct cfs_digest digest = digest_of("x", 1);
	char name[CFS_OBJECT_NAME_LEN + 1], aa[16], target[600];
	struct cfs_object_info info;
	struct cfs_partial partial;
	int fd = -1, n = 0;

	fd = stage_bytes(other.store, "x", 1);
	CHECK_EQ(cfs_object_publish(other.store, fd, &digest), 0);
	cfs_object_name_format(&digest, name);
	snprintf(aa, sizeof(aa), "objects/%.2s", name);
	snprintf(target, sizeof(target), "%s/%s", other.path, aa);
	replace_folder(&dir, aa, target);
	CHECK_EQ(cfs_store_get(dir.store, &digest, &fd), -ELOOP);
	CHECK_EQ(cfs_store_object_look(dir.store, &digest, &info), -ELOOP);
	CHECK_EQ(cfs_store_object_mark_used(dir.store, &digest), -ELOOP);
	CHECK_EQ(cfs_store_object_remove(dir.store, &digest), -ELOOP);
	CHECK_EQ(cfs_store_folder_each(dir.store, digest.bytes[0], count_one, &n),
		 -ELOOP);
	CHECK_EQ(cfs_object_publish(dir.store, stage_bytes(dir.store, "x", 1),
				    &digest), -ELOOP);
	check_explained(&dir, -ELOOP, aa);
	replace_folder(&dir, "partial", target);
	CHECK_EQ(cfs_partial_open(dir.store, &digest, 1, true, &partial), 0);
	CHECK(!partial.named);
	cfs_partial_close(dir.store, &partial);
	replace_folder(&dir, "profiles", target);
	CHECK_EQ(cfs_store_folder(dir.store, "profiles", true, &fd), -ELOOP);
	CHECK_EQ(cfs_store_folder(dir.store, "packs", false, &fd), CFS_STORE_MISS);
	CHECK_EQ(n, 0);
	CHECK_EQ(cfs_store_folder_each(other.store, digest.bytes[0], count_one,
				       &n), 0);
	CHECK_EQ(n, 1);
	store_dir_free(&dir);
	store_dir_free(&other);
}

static void test_the_folders_of_a_store_are_folders(void)
{
	static const char *const names[] = { "objects", "images" };

	for (size_t i = 0; i < 2; i++) {
		struct store_dir dir = store_dir_new();
		struct cfs_store *store = NULL;
		struct errmsg why;
		int err;

		replace_folder(&dir, names[i], "/tmp");
		err = cfs_store_open(dir.path, 0, &store);
		CHECK_EQ(err, -ELOOP);
		cfs_store_explain_open(dir.path, err, &why);
		CHECK(strstr(why.text, names[i]));
		CHECK(strstr(why.text, "symbolic link"));
		CHECK_EQ(cfs_store_open(dir.path, CFS_STORE_READ_ONLY, &store),
			 -ELOOP);
		store_dir_free(&dir);
	}
}

/* Root in a store of another user: what it makes is that user's, like the rest. */
static void test_root_is_a_guest(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest = digest_of("x", 1);
	char name[CFS_OBJECT_NAME_LEN + 1], path[600];
	struct stat st;

	if (geteuid() != 0) {
		store_dir_free(&dir);
		SKIP("needs root");
	}
	snprintf(path, sizeof(path), "%s/objects", dir.path);
	CHECK_EQ(chown(path, 65534, 65534), 0);
	CHECK_EQ(cfs_object_publish(dir.store, stage_bytes(dir.store, "x", 1),
				    &digest), 0);
	cfs_object_name_format(&digest, name);
	snprintf(path, sizeof(path), "%s/objects/%.2s", dir.path, name);
	CHECK_EQ(stat(path, &st), 0);
	CHECK_EQ(st.st_uid, 65534);
	CHECK_EQ(geteuid(), 0);
	CHECK_EQ(chown(path, 0, 0), 0);
	CHECK_EQ(cfs_store_check(dir.store, &digest, 1), 0);
	CHECK_EQ(cfs_store_object_remove(dir.store, &digest), -EPERM);
	check_explained(&dir, -EPERM, "belongs to user 0");
	CHECK_EQ(chown(path, 65534, 65534), 0);
	CHECK_EQ(cfs_store_object_remove(dir.store, &digest), 0);
	store_dir_free(&dir);
}

static void test_repositories_of_others_are_refused(void)
{
	static const struct {
		const char *paths[2];	/* with a slash at the end: folders */
		const char *what;
	} cases[] = {
		{ { "meta.json" }, "composefs-rs" },
		{ { "streams/" }, "composefs-rs" },
		{ { "images/refs/" }, "composefs-rs" },
		{ { "config", "refs/" }, "OSTree" },
		{ { ".ostree/" }, "OSTree" },
		{ { "HEAD", "refs/" }, "git" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct store_dir dir = store_dir_new();
		struct cfs_store *store = NULL;
		struct errmsg why;

		for (size_t k = 0; k < 2 && cases[i].paths[k]; k++) {
			const char *name = cases[i].paths[k];
			char path[600];
			int fd;

			snprintf(path, sizeof(path), "%s/%s", dir.path, name);
			if (name[strlen(name) - 1] == '/') {
				CHECK_EQ(mkdir(path, 0755), 0);
				continue;
			}
			fd = open(path, O_WRONLY | O_CREAT, 0644);
			CHECK(fd >= 0);
			close(fd);
		}
		CHECK_EQ(cfs_store_open(dir.path, CFS_STORE_CREATE, &store),
			 -EMEDIUMTYPE);
		cfs_store_explain_open(dir.path, -EMEDIUMTYPE, &why);
		CHECK(strstr(why.text, cases[i].what));
		CHECK_EQ(cfs_store_open(dir.path, CFS_STORE_READ_ONLY, &store), 0);
		cfs_store_close(store);
		store_dir_free(&dir);
	}
}

RUN_TESTS(T(test_a_link_is_no_folder),
	  T(test_the_folders_of_a_store_are_folders), T(test_root_is_a_guest),
	  T(test_repositories_of_others_are_refused),
	  T(test_a_new_store_is_private),
	  T(test_modes_do_not_depend_on_the_umask),
	  T(test_locks_of_readers_stop_nobody), T(test_a_file_is_no_store),
	  T(test_a_miss_is_not_an_error),
	  T(test_a_published_object_can_be_read),
	  T(test_only_regular_files_are_objects),
	  T(test_a_folder_of_objects_is_enough),
	  T(test_files_without_their_name_are_swept))
