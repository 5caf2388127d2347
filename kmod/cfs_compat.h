/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one file that knows whether it is compiled into the kernel or not.
 *
 * cfs_*.[ch] are built twice: by Kbuild into composefs.ko, and
 * by CMake into the userspace libraries, tests and fuzzers.  They may use only
 * what this header provides: fixed-width types, endian conversion, errno
 * values, memcmp() and static_assert().  No allocation, no I/O, no locks.
 */
#ifndef CFS_COMPAT_H
#define CFS_COMPAT_H

#ifdef __KERNEL__
#include <asm/byteorder.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>
#else
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#define le16_to_cpu(v)	le16toh((u16)(v))
#define le32_to_cpu(v)	le32toh((u32)(v))
#define le64_to_cpu(v)	le64toh((u64)(v))
#define cpu_to_le16(v)	((__le16)htole16(v))
#define cpu_to_le32(v)	((__le32)htole32(v))
#define cpu_to_le64(v)	((__le64)htole64(v))

#endif

#ifndef EFSCORRUPTED
#define EFSCORRUPTED	EUCLEAN		/* the alias every filesystem uses */
#endif

#endif /* CFS_COMPAT_H */
