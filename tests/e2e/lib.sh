# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced first by every end-to-end case.  Shell owns starting, mounting and skipping;
# anything subtler than equality belongs in check.py.
#
# A case gets:
#	$WORK		its own empty directory, removed at the end
#	$CFS_BUILD	the CMake build directory; its programs come first in $PATH
#	$E2E		this directory
# Run as root, a case is re-executed in mount and PID namespaces of its own: no mount
# and no process outlives it, even after SIGKILL.
#
# Exit status: 0 pass, 77 skip (the reason is printed), anything else fail.

set -eEuo pipefail
shopt -s inherit_errexit

E2E=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
CFS_TOP=${E2E%/tests/e2e}
CFS_BUILD=${CFS_BUILD:-$CFS_TOP/build}
CFS_BUILD=$(cd "$CFS_BUILD" && pwd)
export E2E CFS_TOP CFS_BUILD
# Debian's own programs only: whatever shims a developer has in front, the guest has not
# the time for.
export PATH="$CFS_BUILD/cache:$CFS_BUILD/fetcher:$CFS_BUILD/server:$CFS_BUILD/tests:/usr/sbin:/usr/bin:/sbin:/bin"
export LC_ALL=C
umask 022

fail() { echo "FAIL: $*" >&2; exit 1; }
skip() { echo "SKIP: $*"; exit 77; }

if [ "$(id -u)" = 0 ] && [ -z "${CFS_E2E_NAMESPACE:-}" ]; then
	CFS_E2E_NAMESPACE=1 exec unshare --mount --propagation private \
		--pid --fork --kill-child --mount-proc "$BASH" "$0" "$@"
fi

# What the machine has to offer.  A program of the project that is not there is a
# failure, never a reason to skip.
need_root() { [ "$(id -u)" = 0 ] || skip "needs root"; }
need_cmd() {
	local cmd

	for cmd; do
		command -v "$cmd" >/dev/null || skip "$cmd is not installed"
	done
}
need_prog() {
	local prog

	for prog; do
		command -v "$prog" >/dev/null || fail "$prog has not been built"
	done
}
need_fs() { grep -qw "$1" /proc/filesystems || skip "the kernel has no $1"; }
need_fuse() { [ -e /dev/fuse ] || skip "there is no /dev/fuse"; }
need_verity() { has_verity "$WORK" || skip "no fs-verity on the file system of $WORK"; }
has_verity() {
	local probe=$1/.verity-probe status=0

	echo probe >"$probe"
	fsverity enable "$probe" 2>/dev/null || status=1
	rm -f "$probe"
	return "$status"
}

# composefs.ko, in a guest of tests/vm/boot.sh for which build-module.sh has built it.
need_module() {
	local module=$CFS_BUILD/kmod-${CFS_KERNEL:-none}/composefs.ko

	[ -n "${CFS_KERNEL:-}" ] || skip "composefs.ko is tested in the guest only"
	[ -e "$module" ] || fail "$module has not been built"
	grep -qw composefs /proc/filesystems || insmod "$module"
}

# assert_eq GOT WANT [WHAT]
assert_eq() { [ "$1" = "$2" ] || fail "${3:-value}: got '$1', want '$2'"; }

# assert_fails COMMAND...: it must exit with a status other than 0, and not by a signal.
assert_fails() {
	local status=0

	"$@" || status=$?
	[ "$status" -ne 0 ] || fail "this should have failed: $*"
	[ "$status" -lt 124 ] || fail "died with status $status: $*"
}

# assert_errno NAME OPERATION PATH: as `check.py errno`.
assert_errno() { check errno "$@"; }

# assert_in TEXT FILE: some line of FILE contains TEXT.
assert_in() { grep -qF -e "$1" "$2" || { cat "$2" >&2; fail "'$1' is not in $2"; }; }

check() { python3 "$E2E/check.py" "$@"; }

# wait_for SECONDS COMMAND...: no bare sleeps in a case.
wait_for() {
	local deadline=$((SECONDS + $1))

	shift
	until "$@"; do
		[ "$SECONDS" -le "$deadline" ] || fail "waited in vain for: $*"
		sleep 0.05
	done
}

# at_exit COMMAND...: run on any exit, last registered first.
_at_exit=()
at_exit() { _at_exit=("$(printf '%q ' "$@")" "${_at_exit[@]}"); }

_run_at_exit() {
	local status=$? cmd

	trap - EXIT
	set +e
	for cmd in "${_at_exit[@]}"; do
		eval "$cmd"
	done
	exit "$status"
}

# Mounts below WORK go deepest first and lazily: a case that failed may have left a
# reader in there.
_unmount_work() {
	local target

	awk -v w="$WORK/" 'index($5, w) == 1 { print $5 }' /proc/self/mountinfo |
		sort -r | while read -r target; do
		umount -l "$(printf '%b' "$target")"
	done
}

WORK=$(mktemp -d "${TMPDIR:-/tmp}/cfs-e2e.XXXXXX")
export WORK
trap _run_at_exit EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
at_exit rm -rf --one-file-system "$WORK"
at_exit _unmount_work

# Processes

# start_bg LOG COMMAND...: sets BG_PID; killed at the end, by its pid.
start_bg() {
	local log=$1

	shift
	"$@" >"$log" 2>&1 </dev/null &
	BG_PID=$!
	at_exit stop_bg "$BG_PID"
}

# stop_bg PID [SIGNAL]: and wait until it is gone, with SIGKILL after five seconds.
stop_bg() {
	local pid=$1 n=0

	kill -"${2:-TERM}" "$pid" 2>/dev/null || true
	while kill -0 "$pid" 2>/dev/null && [ "$n" -lt 100 ]; do
		sleep 0.05
		n=$((n + 1))
	done
	kill -KILL "$pid" 2>/dev/null || true
	wait "$pid" 2>/dev/null || true
}

# free_port: a TCP port of the loopback that was free a moment ago.
free_port() { check free-port; }
_port_open() { (: <"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
wait_port() { wait_for "${2:-10}" _port_open "$1"; }

# Trees and stores

# make_tree DIR [--overlay]: a small tree of everything a file system has; with
# --overlay also what overlayfs gives a meaning to.  See tree.py.
make_tree() { python3 "$E2E/tree.py" "$@"; }

# make_store STORE SOURCE NAME [OPTION...]: an image and its objects; sets IMAGE_DIGEST.
make_store() {
	local store=$1 source=$2 name=$3

	shift 3
	IMAGE_DIGEST=$(mkcomposefs --store="$store" --name="$name" --print-digest "$@" "$source")
	export IMAGE_DIGEST
}

# debian_root: print where a real root file system is, to be read only.
debian_root() {
	need_root
	need_cmd mmdebstrap
	"$CFS_TOP/tests/debian-root.sh"
}

# debian_store: a store with the image "debian" of it, to be read only; sets
# DEBIAN_STORE and IMAGE_DIGEST.
debian_store() {
	local root

	root=$(debian_root)
	DEBIAN_STORE=${CFS_DEBIAN_STORE:-$WORK/debian-store}
	[ -e "$DEBIAN_STORE/images/debian" ] || make_store "$DEBIAN_STORE" "$root" debian
	IMAGE_DIGEST=$(readlink "$DEBIAN_STORE/images/debian" | sed 's#.*objects/##; s#/##')
	export DEBIAN_STORE IMAGE_DIGEST
}

# mksock PATH: a socket; bind() takes 107 bytes, so from the folder it will be in.
mksock() {
	(cd "$(dirname "$1")" && python3 -c \
		'import socket, sys; socket.socket(socket.AF_UNIX).bind(sys.argv[1])' \
		"$(basename "$1")")
}

# object_path DIGEST: its place below objects/.
object_path() { echo "${1:0:2}/${1:2}"; }
count_objects() { find "$1/objects" -type f | wc -l; }

# Servers and mounts

# start_serve STORE [OPTION...]: sets SERVE_URL, SERVE_PORT, SERVE_PID, SERVE_LOG and
# SERVE_ACCESS, the access log.
start_serve() {
	local store=$1

	shift
	SERVE_PORT=$(free_port)
	SERVE_URL=http://127.0.0.1:$SERVE_PORT
	SERVE_LOG=$WORK/serve.$SERVE_PORT.log
	SERVE_ACCESS=$WORK/serve.$SERVE_PORT.access
	start_bg "$SERVE_LOG" cfs-serve --listen "127.0.0.1:$SERVE_PORT" \
		--access-log="$SERVE_ACCESS" "$@" "$store"
	SERVE_PID=$BG_PID
	wait_port "$SERVE_PORT"
	export SERVE_URL SERVE_PORT SERVE_PID SERVE_LOG SERVE_ACCESS
}

# start_nginx STORE [SETTINGS]: a plain web server over it; sets NGINX_URL, NGINX_PID and
# NGINX_ACCESS, the access log.
start_nginx() {
	local port folder=$WORK/nginx

	port=$(free_port)
	folder=$folder.$port
	mkdir "$folder"
	cat >"$folder/nginx.conf" <<-END
		daemon off;
		user root;
		pid $folder/pid;
		error_log stderr;
		events { }
		http {
			access_log $folder/access;
			client_body_temp_path $folder/body;
			proxy_temp_path $folder/proxy;
			fastcgi_temp_path $folder/fastcgi;
			uwsgi_temp_path $folder/uwsgi;
			scgi_temp_path $folder/scgi;
			server { listen 127.0.0.1:$port; root $1; ${2:-} }
		}
	END
	start_bg "$folder/log" nginx -c "$folder/nginx.conf"
	wait_port "$port"
	NGINX_URL=http://127.0.0.1:$port
	NGINX_PID=$BG_PID
	NGINX_ACCESS=$folder/access
	export NGINX_URL NGINX_PID NGINX_ACCESS
}

# start_fetch STORE MOUNTPOINT OPTION...: sets FETCH_PID and FETCH_LOG.
start_fetch() {
	local store=$1 mnt=$2

	shift 2
	mkdir -p "$mnt"
	FETCH_LOG=$WORK/fetch.log
	start_bg "$FETCH_LOG" cfs-fetch --foreground --store "$store" "$@" "$mnt"
	FETCH_PID=$BG_PID
	wait_for 10 mountpoint -q "$mnt"
	export FETCH_PID FETCH_LOG
}

# mount_cfs IMAGE-OR-URL MOUNTPOINT OPTIONS
mount_cfs() {
	mkdir -p "$2"
	mount.composefs "$1" "$2" -o "$3"
}

# mount_by_hand IMAGE MOUNTPOINT DATADIR...: what mount.composefs does with EROFS and
# overlayfs, without it.  $OVERLAY_OPTIONS is added (",verity=require").
mount_by_hand() {
	local image=$1 mnt=$2 layers=$2.erofs dir

	shift 2
	mkdir -p "$mnt" "$mnt.erofs"
	mount -t erofs -o ro "$image" "$mnt.erofs"
	for dir; do
		layers=$layers::$dir
	done
	mount -t overlay composefs -o \
		"ro,metacopy=on,redirect_dir=on,lowerdir=$layers${OVERLAY_OPTIONS:-}" "$mnt"
}
