#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# build-module.sh KERNEL [MAKE-ARGUMENT...]: kmod/ built for a kernel that
# fetch-kernels.sh or build-debug-kernel.sh has brought.  The source is copied to
# $CFS_BUILD/kmod-KERNEL/ first, so that kernels do not share object files; composefs.ko
# appears there.  CFS_MODULE=DIR: another module's folder than kmod/.
#
# The options beside KDIR let the machine's own gcc build for a kernel that a newer one
# has built: no BTF (pahole must match too), no alignment option that gcc 12 lacks.
set -eEuo pipefail
shopt -s inherit_errexit
here=$(cd "$(dirname "$0")" && pwd)
. "$here/../suite.sh"

kernel=${1:?build-module.sh KERNEL [MAKE-ARGUMENT...]}
shift
kdir=$CFS_CACHE/kernels/$kernel/build
source=$(realpath "${CFS_MODULE:-$here/../../kmod}")
out=${CFS_BUILD:-$here/../../build}/${source##*/}-$kernel
[ -d "$kdir/" ] || { echo "build-module.sh: run fetch-kernels.sh $kernel first" >&2; exit 1; }
[ ! -e "$CFS_CACHE/kernels/$kernel/linux" ] || set -- ARCH=um "$@"

mkdir -p "$out"
cp -pRu "$source/." "$out/"
make -C "$out" KDIR="$(realpath "$kdir")" CC=gcc-12 \
	CONFIG_CC_HAS_MIN_FUNCTION_ALIGNMENT= CONFIG_DEBUG_INFO_BTF_MODULES= "$@"
