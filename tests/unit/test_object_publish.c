// SPDX-License-Identifier: GPL-2.0-or-later
/* Test staging, sealing and linking of objects, and healing of damaged ones. */
#include "cache/store/publish.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "cache/store/heal.h"
#include "cache/verity/measure.h"
#include "tests/unit/store_dir.h"

/* Until it is published a staged file has no name that a crash could leave. */
static void test_an_abandoned_stage_leaves_nothing(void)
{
	struct store_dir dir = store_dir_new();

	cfs_object_discard(dir.store, stage_bytes(dir.store, "hello", 5));
	cfs_object_discard(dir.store, -1);
	CHECK_EQ(count_entries(dir.path, "/objects"), 0);
	store_dir_free(&dir);
}

static void test_an_object_is_read_only_and_plain(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest;
	char path[512];
	struct stat st;

	CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest), 0);
	object_path(&dir, &digest, path);
	CHECK_EQ(lstat(path, &st), 0);
	CHECK(S_ISREG(st.st_mode));
	CHECK_EQ(st.st_mode & 07777, 0444);
	CHECK_EQ(st.st_nlink, 1);
	CHECK_EQ(st.st_size, 5);
	CHECK_EQ(count_entries(dir.path, "/objects"), 2);
	CHECK_EQ(cfs_store_sync(dir.store), 0);
	store_dir_free(&dir);
}

static void test_empty_and_large_objects(void)
{
	struct store_dir dir = store_dir_new();
	size_t len = 5 * 1000 * 1000 + 1;
	char *data = calloc(1, len);
	struct cfs_digest digest;

	CHECK(data);
	CHECK_EQ(publish_bytes(dir.store, data, 0, &digest), 0);
	CHECK_EQ(cfs_store_check(dir.store, &digest, 0), 0);
	CHECK_EQ(publish_bytes(dir.store, data, len, &digest), 0);
	CHECK_EQ(cfs_store_check(dir.store, &digest, len), 0);
	free(data);
	store_dir_free(&dir);
}

static void test_publishing_again_finds_it_there(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest;

	CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest), 0);
	CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest),
		 CFS_PUBLISH_EXISTED);
	CHECK_EQ(count_entries(dir.path, "/objects"), 2);
	store_dir_free(&dir);
}

static void plant_file(const char *path, const char *text)
{
	int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0444);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	close(fd);
}

/* Anything that is not the object gives way, and is kept to be looked at. */
static void test_what_is_in_the_way_is_moved_aside(void)
{
	static const char *const kinds[] = { "torn", "other bytes", "symlink",
					     "fifo", "folder" };
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest;
	char path[512];
	size_t i;

	CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest), 0);
	object_path(&dir, &digest, path);
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		fprintf(stderr, "  %s\n", kinds[i]);
		CHECK_EQ(unlink(path), 0);
		if (i == 0)
			plant_file(path, "");
		else if (i == 1)
			plant_file(path, "hellO");
		else if (i == 2)
			CHECK_EQ(symlink("/etc/passwd", path), 0);
		else if (i == 3)
			CHECK_EQ(mkfifo(path, 0666), 0);
		else
			CHECK_EQ(mkdir(path, 0777), 0);
		CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest), 0);
		CHECK_EQ(cfs_store_check(dir.store, &digest, 5), 0);
		CHECK_EQ(count_entries(dir.path, "/quarantine"), i + 1);
	}
	store_dir_free(&dir);
}

/* However often it happens, quarantine holds a few of each digest only. */
static void test_quarantine_is_bounded(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest;
	char path[512];
	int i;

	CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest), 0);
	object_path(&dir, &digest, path);
	for (i = 0; i < 20; i++) {
		CHECK_EQ(unlink(path), 0);
		plant_file(path, "wrong");
		CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest), 0);
	}
	CHECK_EQ(count_entries(dir.path, "/quarantine"), 8);
	store_dir_free(&dir);
}

static void test_a_damaged_object_is_healed_by_becoming_a_miss(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest;
	char path[512];

	CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest), 0);
	CHECK_EQ(cfs_object_heal(dir.store, &digest, 5), CFS_HEAL_SOUND);
	CHECK_EQ(cfs_object_heal(dir.store, &digest, UINT64_MAX),
		 CFS_HEAL_SOUND);
	object_path(&dir, &digest, path);
	CHECK_EQ(unlink(path), 0);
	CHECK_EQ(cfs_object_heal(dir.store, &digest, 5), CFS_STORE_MISS);
	plant_file(path, "hellO");
	CHECK_EQ(cfs_object_heal(dir.store, &digest, 5), 0);
	CHECK_EQ(cfs_store_check(dir.store, &digest, 5), CFS_STORE_MISS);
	CHECK_EQ(publish_bytes(dir.store, "hello", 5, &digest), 0);
	store_dir_free(&dir);
}

#define N_THREADS	8
#define N_ROUNDS	40

struct racer {
	struct cfs_store *store;
	pthread_barrier_t *barrier;
	int n_first;
};

static void *race(void *racer_arg)
{
	struct racer *racer = racer_arg;
	int i;

	for (i = 0; i < N_ROUNDS; i++) {
		struct cfs_digest digest;
		int err;

		pthread_barrier_wait(racer->barrier);
		err = publish_bytes(racer->store, &i, sizeof(i), &digest);
		CHECK(err == 0 || err == CFS_PUBLISH_EXISTED);
		racer->n_first += err == 0;
		CHECK_EQ(cfs_store_check(racer->store, &digest, sizeof(i)), 0);
	}
	return NULL;
}

/* Of many publishers of one digest one is first and all succeed. */
static void test_one_of_many_publishers_is_first(void)
{
	struct store_dir dir = store_dir_new();
	struct racer racers[N_THREADS];
	pthread_t threads[N_THREADS];
	pthread_barrier_t barrier;
	int i, n_first = 0;

	pthread_barrier_init(&barrier, NULL, N_THREADS);
	for (i = 0; i < N_THREADS; i++) {
		racers[i] = (struct racer){ dir.store, &barrier, 0 };
		CHECK_EQ(pthread_create(&threads[i], NULL, race, &racers[i]),
			 0);
	}
	for (i = 0; i < N_THREADS; i++) {
		pthread_join(threads[i], NULL);
		n_first += racers[i].n_first;
	}
	pthread_barrier_destroy(&barrier);
	CHECK_EQ(n_first, N_ROUNDS);
	CHECK_EQ(count_entries(dir.path, "/quarantine"), 0);
	store_dir_free(&dir);
}

static void run_on_tiny_disk(void)
{
	char path[256], *data = malloc(2 << 20);
	struct cfs_store *store;
	struct cfs_digest digest;
	int fd = -1;

	folder_new(path);
	CHECK_EQ(mount("tiny", path, "tmpfs", 0, "size=1m"), 0);
	CHECK_EQ(cfs_store_open(path, CFS_STORE_CREATE, &store), 0);
	CHECK_EQ(cfs_object_stage(store, 2 << 20, &fd), -ENOSPC);
	CHECK_EQ(fd, -1);
	/* Nothing of the failed one holds space. */
	CHECK(data);
	memset(data, 1, 2 << 20);
	CHECK_EQ(publish_bytes(store, data, 900 << 10, &digest), 0);
	CHECK_EQ(cfs_object_stage(store, 300 << 10, &fd), -ENOSPC);
	free(data);
	cfs_store_close(store);
	CHECK_EQ(umount(path), 0);
	CHECK_EQ(rmdir(path), 0);
}

/* A full disk shows when the file is staged, before anything is downloaded. */
static void test_a_full_disk_is_enospc_at_once(void)
{
	int status;
	pid_t pid = fork();

	CHECK(pid >= 0);
	if (pid == 0) {
		if (unshare(CLONE_NEWNS) < 0 ||
		    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
			_exit(77);
		run_on_tiny_disk();
		_exit(0);
	}
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		fprintf(stderr, "  not run: needs a mount namespace\n");
	else
		CHECK_EQ(WEXITSTATUS(status), 0);
}

static void test_bytes_that_are_not_the_digest_are_refused_by_the_kernel(void)
{
	struct store_dir dir = store_dir_new();
	struct cfs_digest digest = digest_of("other", 5);
	int err;

	if (cfs_store_has_verity(dir.store)) {
		err = cfs_object_publish(dir.store,
					 stage_bytes(dir.store, "hello", 5),
					 &digest);
		CHECK_EQ(err, -EBADMSG);
		CHECK_EQ(cfs_store_check(dir.store, &digest, 5),
			 CFS_STORE_MISS);
	}
	store_dir_free(&dir);
}

RUN_TESTS(T(test_an_abandoned_stage_leaves_nothing),
	  T(test_an_object_is_read_only_and_plain),
	  T(test_empty_and_large_objects),
	  T(test_publishing_again_finds_it_there),
	  T(test_what_is_in_the_way_is_moved_aside),
	  T(test_quarantine_is_bounded),
	  T(test_a_damaged_object_is_healed_by_becoming_a_miss),
	  T(test_one_of_many_publishers_is_first),
	  T(test_a_full_disk_is_enospc_at_once),
	  T(test_bytes_that_are_not_the_digest_are_refused_by_the_kernel))
