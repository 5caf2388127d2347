#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 300
# kernels: 6.12
#
# kmod/ is what dkms takes: added, built for a kernel by its headers, installed and removed,
# all in trees of the case's own.  For a kernel that this machine's compiler has built.
. "$(dirname "$0")/../../e2e/lib.sh"
. "$CFS_TOP/tests/suite.sh"
need_root
need_cmd dkms depmod

kernel=$CFS_CACHE/kernels/${CFS_KERNEL:?}
release=$(cat "$kernel/release")
version=$(sed -n 's/^PACKAGE_VERSION="\(.*\)"/\1/p' "$CFS_TOP/kmod/dkms.conf")
assert_eq "$version" "$(sed -n 's/^project(composefs VERSION \([0-9.]*\).*/\1/p' "$CFS_TOP/CMakeLists.txt")" \
	"the version of dkms.conf"
mkdir -p "$WORK/src" "$WORK/dkms" "$WORK/modules/lib/modules/$release"
cp -r "$CFS_TOP/kmod" "$WORK/src/composefs-$version"
run_dkms() {
	dkms "$@" --sourcetree "$WORK/src" --dkmstree "$WORK/dkms" \
		--installtree "$WORK/modules/lib/modules" -m composefs -v "$version" \
		>>"$WORK/dkms.log" 2>&1 || {
		cat "$WORK/dkms.log" "$WORK/dkms/composefs/$version/build/make.log" >&2 2>/dev/null
		fail "dkms $1"
	}
}
run_dkms add
run_dkms build -k "$release" --kernelsourcedir "$(realpath "$kernel/build")"
module=$(find "$WORK/dkms" -name 'composefs.ko*')
[ -n "$module" ] || fail "dkms built nothing"
assert_eq "$(modinfo -F vermagic "$module" | cut -d ' ' -f 1)" "$release" "built for"
run_dkms remove --all
[ -z "$(find "$WORK/dkms" -name 'composefs.ko*')" ] || fail "dkms left a module"
