#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# setup.sh [--missing] [GROUP...]: install the Debian packages of these groups, those that
# are missing; without an argument all groups.  --missing only prints their names.
#
#	build	to build the programs and the man pages
#	demo	to run tests/demo.sh
#	test	to run the tests on this machine
#	vm	to run them in a guest, and to build kernel modules
#	bench	to run the benchmarks
set -eEuo pipefail

# The groups are read through a reference.
# shellcheck disable=SC2034
{
packages_build=(cmake gcc libc6-dev libcurl4-openssl-dev libfsverity-dev libfuse3-dev
	libjansson-dev libssl-dev liburing-dev libxxhash-dev libzstd-dev make ninja-build
	pkg-config scdoc)
packages_demo=(ca-certificates debian-archive-keyring mmdebstrap procps python3-minimal
	util-linux)
packages_test=("${packages_demo[@]}" acl attr btrfs-progs clang conmon crun curl dnsmasq-base
	e2fsprogs erofs-utils fsverity fuse3 git iproute2 jq libclang-rt-14-dev libgcc-12-dev llvm
	nginx-light openssl podman procps psmisc python3 shellcheck sparse squid strace
	swift-account swift-container swift-object swift-proxy util-linux varnish xfsprogs xxd zstd)
packages_vm=("${packages_test[@]}" bc bison dkms dpkg-dev flex gcc-12 kmod libelf-dev pahole
	qemu-system-common qemu-system-x86 seabios xz-utils)
packages_bench=("${packages_test[@]}" casync squashfs-tools wrk)
}

only_print=
if [ "${1:-}" = --missing ]; then
	only_print=1
	shift
fi
[ "$#" -gt 0 ] || set -- build test vm
wanted=()
for group; do
	declare -n packages=packages_$group
	[ -n "${packages[*]:-}" ] || { echo "setup.sh: no group '$group'" >&2; exit 2; }
	wanted+=("${packages[@]}")
done

command -v dpkg-query >/dev/null || {
	echo "setup.sh: this is not a Debian; install what answers to: ${wanted[*]}" >&2
	exit 1
}
mapfile -t missing < <(comm -13 \
	<(dpkg-query -W -f '${db:Status-Status} ${Package}\n' | sed -n 's/^installed //p' | sort -u) \
	<(printf '%s\n' "${wanted[@]}" | sort -u))
[ "${#missing[@]}" -gt 0 ] || exit 0
if [ -n "$only_print" ]; then
	echo "${missing[*]}"
	exit 0
fi

as_root=()
if [ "$(id -u)" != 0 ]; then
	command -v sudo >/dev/null || {
		echo "setup.sh: to install as root: apt-get install ${missing[*]}" >&2
		exit 1
	}
	as_root=(sudo)
fi
echo "installing ${#missing[@]} packages: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
install() {
	"${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Acquire::Retries=3 "$@" \
		</dev/null >"$log" 2>&1 || { tail -n 40 "$log" >&2; return 1; }
}
install update
install -y --no-install-recommends install "${missing[@]}"
