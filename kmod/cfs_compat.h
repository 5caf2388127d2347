/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one file that knows whether it is compiled into the kernel or not.
 *
 * cfs_*.[ch] are built twice: by Kbuild into composefs.ko, and
 * by CMake into the userspace libraries, tests and fuzzers.  They may use only
 * what this header provides: fixed-width types, endian conversion, errno
 * values, file type bits, the mem*() functions, strlen(), strnlen(), xxh32() and
 * static_assert().  No allocation, no I/O, no locks.
 */
#ifndef CFS_COMPAT_H
#define CFS_COMPAT_H

#ifdef __KERNEL__
#include <asm/byteorder.h>
#include <linux/build_bug.h>
#include <linux/errno.h>
#include <linux/limits.h>
#include <linux/stat.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>
#include <linux/xxhash.h>
#else
#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;
typedef uint64_t u64;
typedef int32_t s32;
typedef int64_t s64;

#ifdef __CHECKER__			/* sparse checks the conversions */
#define __force __attribute__((force))
#else
#define __force
#endif

#define le16_to_cpu(v)	le16toh((__force u16)(__le16)(v))
#define le32_to_cpu(v)	le32toh((__force u32)(__le32)(v))
#define le64_to_cpu(v)	le64toh((__force u64)(__le64)(v))
#define cpu_to_le16(v)	((__force __le16)htole16(v))
#define cpu_to_le32(v)	((__force __le32)htole32(v))
#define cpu_to_le64(v)	((__force __le64)htole64(v))

#define xxh32(data, len, seed)	XXH32(data, len, seed)

#endif

#ifndef EFSCORRUPTED
#define EFSCORRUPTED	EUCLEAN		/* the alias every filesystem uses */
#endif

#endif /* CFS_COMPAT_H */
