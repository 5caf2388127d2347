// SPDX-License-Identifier: GPL-2.0-or-later
/* A place where mounts can be put together. */
#include "cache/mount/place.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cache/base/cleanup.h"

/* What the process in the place has to say at its end. */
struct answer {
	int err;
	struct errmsg msg;
};

/*
 * In a chroot "/" is no mount point that has a propagation: the root of the namespace
 * is, which setns() goes to.  Then back to where this process was.
 */
static int make_private_from_chroot(void)
{
	CLEANUP_CLOSE int root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSE int cwd_fd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEANUP_CLOSE int self_fd = syscall(SYS_pidfd_open, getpid(), 0);

	if (root_fd < 0 || cwd_fd < 0 || self_fd < 0 ||
	    setns(self_fd, CLONE_NEWNS) < 0 ||
	    mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    fchdir(root_fd) < 0 || chroot(".") < 0 || fchdir(cwd_fd) < 0)
		return -errno;
	return 0;
}

static int enter(const char *folder)
{
	int err = 0;

	if (unshare(CLONE_NEWNS) < 0)
		return -errno;
	/* Nothing that is mounted from now on may reach the others. */
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		err = errno == EINVAL ? make_private_from_chroot() : -errno;
	if (err < 0)
		return err;
	if (mount("composefs", folder, "tmpfs", MS_NOSUID | MS_NODEV,
		  "mode=0700,size=1m") < 0 ||
	    chdir(folder) < 0)
		return -errno;
	return 0;
}

int mount_place_attach(int mount_fd, const char *name)
{
	if (mkdir(name, 0700) < 0 && errno != EEXIST)
		return -errno;
	return move_mount(mount_fd, "", AT_FDCWD, name,
			  MOVE_MOUNT_F_EMPTY_PATH) < 0 ? -errno : 0;
}

static int attach_layers(const struct mount_layer *layers, size_t n)
{
	char name[32];
	size_t i;
	int err = 0;

	for (i = 0; err == 0 && i < n; i++) {
		if (layers[i].inside < 0)
			continue;
		snprintf(name, sizeof(name), "m%zu", i);
		err = mount_place_attach(layers[i].inside, name);
	}
	return err;
}

static int run(const char *folder, const struct mount_layer *layers, size_t n,
	       mount_place_fn fn, void *context, int *ret_fd,
	       struct errmsg *msg)
{
	int err = enter(folder);

	if (err == 0)
		err = attach_layers(layers, n);
	if (err < 0)
		return errmsg_set(msg, err,
				  "no mount namespace to set up in: %s",
				  strerror(-err));
	return fn(context, ret_fd, msg);
}

/* A descriptor travels beside the answer, if there is one. */
union control {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

static int send_answer(int socket_fd, struct answer *answer, int fd)
{
	struct iovec iov = { answer, sizeof(*answer) };
	union control control = { .space = { 0 } };
	struct msghdr header = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct cmsghdr *cmsg;

	if (fd >= 0) {
		header.msg_control = control.space;
		header.msg_controllen = sizeof(control.space);
		cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
		memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	}
	return sendmsg(socket_fd, &header, MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static int take_answer(int socket_fd, struct answer *answer, int *ret_fd)
{
	struct iovec iov = { answer, sizeof(*answer) };
	union control control;
	struct msghdr header = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	struct cmsghdr *cmsg;
	ssize_t n;

	do {
		n = recvmsg(socket_fd, &header, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	if (n != sizeof(*answer))	/* it was killed */
		return -EIO;
	cmsg = CMSG_FIRSTHDR(&header);
	if (cmsg && cmsg->cmsg_level == SOL_SOCKET &&
	    cmsg->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(cmsg), sizeof(*ret_fd));
	return 0;
}

int mount_place_run(const char *folder, const struct mount_layer *layers,
		    size_t n_layers, mount_place_fn fn, void *context,
		    int *ret_fd, struct errmsg *msg)
{
	struct answer answer = { .err = 0 };
	int fds[2], err;
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds) < 0)
		return -errno;

	CLEANUP_CLOSE int here_fd = fds[0];
	CLEANUP_CLOSE int there_fd = fds[1];

	pid = fork();
	if (pid < 0)
		return -errno;
	if (pid == 0) {
		int fd = -1;

		answer.err = run(folder, layers, n_layers, fn, context, &fd,
				 &answer.msg);
		_exit(send_answer(there_fd, &answer, fd) < 0);
	}
	close(take_fd(&there_fd));
	err = take_answer(here_fd, &answer, ret_fd);
	while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
		;
	if (err < 0)
		return errmsg_set(msg, err,
				  "the process that puts the mount together has ended too early");
	if (answer.err < 0)
		return errmsg_set(msg, answer.err, "%s", answer.msg.text);
	return answer.err;
}

int mount_place_layer(const struct mount_layer *layer, size_t i,
		      char ret[MOUNT_VALUE_MAX])
{
	int len;

	if (layer->inside < 0)
		len = snprintf(ret, MOUNT_VALUE_MAX, "%s", layer->path);
	else
		len = snprintf(ret, MOUNT_VALUE_MAX, "m%zu%s%s", i,
			       *layer->path ? "/" : "", layer->path);
	return len >= MOUNT_VALUE_MAX ? -ENAMETOOLONG : 0;
}

int mount_place_short(const struct mount_layer *layer, size_t i,
		      char ret[MOUNT_VALUE_MAX])
{
	const char *path = layer->path;
	char inside[MOUNT_VALUE_MAX];
	int err;

	if (layer->inside >= 0) {
		err = mount_place_layer(layer, i, inside);
		if (err < 0)
			return err;
		path = inside;
	}

	CLEANUP_CLOSE int fd = open_tree(AT_FDCWD, path, OPEN_TREE_CLONE |
					 OPEN_TREE_CLOEXEC);

	if (fd < 0)
		return -errno;
	snprintf(ret, MOUNT_VALUE_MAX, "d%zu", i);
	return mount_place_attach(fd, ret);
}
