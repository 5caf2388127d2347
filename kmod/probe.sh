#!/bin/sh
# SPDX-License-Identifier: GPL-2.0
#
# probe.sh INCLUDE_DIR: print a -D flag for each thing that the kernel headers
# there have.  Declarations are asked, never version numbers: stable kernels
# change interfaces too (6.12.95 changed backing_file_open()).
headers=$1/linux

# has HEADER REGEX NAME
has() {
	tr '\n\t' '  ' <"$headers/$1" | grep -Eq "$2" && printf ' -DHAVE_%s' "$3"
}

has fs.h 'inode_state_read_once ?\(' INODE_STATE_READ_ONCE
has fs.h 'int inode_just_drop ?\(' INODE_JUST_DROP
has fs.h 'void inode_set_cached_link ?\(' INODE_SET_CACHED_LINK
has backing-file.h 'struct backing_file_ctx \{[^}]*user_file' BACKING_CTX_USER_FILE
has backing-file.h 'backing_file_open\(const struct file' BACKING_OPEN_USER_FILE
has backing-file.h 'backing_file_splice_read\(struct file \*in, *struct kiocb' BACKING_SPLICE_KIOCB
echo
