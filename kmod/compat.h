/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What differs between the kernels that composefs.ko is built for.  Each HAVE_
 * comes from probe.sh, which asks the headers; the rest of the module is written
 * for the newest kernel.
 */
#ifndef COMPAT_H
#define COMPAT_H

#include <linux/backing-file.h>
#include <linux/fs.h>

static inline bool compat_inode_is_new(struct inode *inode)
{
#ifdef HAVE_INODE_STATE_READ_ONCE
	return inode_state_read_once(inode) & I_NEW;
#else
	return inode->i_state & I_NEW;
#endif
}

#ifndef HAVE_INODE_JUST_DROP
#define inode_just_drop	generic_delete_inode
#endif

#ifndef HAVE_INODE_SET_CACHED_LINK
static inline void inode_set_cached_link(struct inode *inode, char *link,
					 int link_len)
{
	inode->i_link = link;
}
#endif

/* For use of @real, which was opened on behalf of @user. */
static inline struct backing_file_ctx
compat_backing_ctx(struct file *user, const struct cred *cred)
{
	return (struct backing_file_ctx) {
		.cred = cred,
#ifdef HAVE_BACKING_CTX_USER_FILE
		.user_file = user,
#endif
	};
}

static inline struct file *
compat_backing_file_open(struct file *user, const struct path *real,
			 const struct cred *cred)
{
#ifdef HAVE_BACKING_OPEN_USER_FILE
	return backing_file_open(user, user->f_flags, real, cred);
#else
	return backing_file_open(&user->f_path, user->f_flags, real, cred);
#endif
}

static inline ssize_t
compat_backing_file_splice_read(struct file *user, struct file *real,
				loff_t *pos, struct pipe_inode_info *pipe,
				size_t len, unsigned int flags,
				struct backing_file_ctx *ctx)
{
#ifdef HAVE_BACKING_SPLICE_KIOCB
	struct kiocb iocb;
	ssize_t n;

	init_sync_kiocb(&iocb, user);
	iocb.ki_pos = *pos;
	n = backing_file_splice_read(real, &iocb, pipe, len, flags, ctx);
	*pos = iocb.ki_pos;
	return n;
#else
	return backing_file_splice_read(real, pos, pipe, len, flags, ctx);
#endif
}

#endif /* COMPAT_H */
