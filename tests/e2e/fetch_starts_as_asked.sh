#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Usage errors are exit status 2 with one line that names the option; in the background
# the command returns when the mount is there, or fails as the daemon does; --ready-fd
# and --user do what they say.
. "${0%/*}/lib.sh"
id nobody >/dev/null || skip "there is no user nobody"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

make_origin
new_store "$WORK/store"
start_mirror
mkdir "$WORK/objects"

# usage_error TEXT ARGUMENT...
usage_error() {
	local text=$1 status=0

	shift
	cfs-fetch "$@" >"$WORK/out" 2>"$WORK/err" || status=$?
	assert_eq "$status" 2 "exit status of: $*"
	assert_eq "$(cat "$WORK/out")" "" "standard output"
	assert_in "$text" "$WORK/err"
}
good=(--store "$WORK/store" --mirror "$SERVE_URL")
usage_error "--store is missing" --mirror "$SERVE_URL" "$WORK/objects"
usage_error "--mirror is missing" --store "$WORK/store" "$WORK/objects"
usage_error "mount point is missing" "${good[@]}"
usage_error "--store is given twice" "${good[@]}" --store x "$WORK/objects"
usage_error "--deadline is given twice" "${good[@]}" --deadline 1 --deadline 2 "$WORK/objects"
usage_error "--deadline=soon" "${good[@]}" --deadline soon "$WORK/objects"
usage_error "--image=00" "${good[@]}" --image 00 "$WORK/objects"
usage_error "--soft and --hard" "${good[@]}" --soft --hard "$WORK/objects"
usage_error "--mirror=ftp://x" --mirror ftp://x --store "$WORK/store" "$WORK/objects"
usage_error "--mirror=http://***@x" --mirror http://user:pw@x --store "$WORK/store" "$WORK/objects"
usage_error "use --proxy-file" "${good[@]}" --proxy http://u:p@proxy "$WORK/objects"
usage_error "--any-max-size=0" "${good[@]}" --any-max-size 0 "$WORK/objects"
usage_error "unrecognized option" "${good[@]}" --bogus "$WORK/objects"
cfs-fetch --help >"$WORK/out"
assert_in "Usage: cfs-fetch" "$WORK/out"
cfs-fetch --version >"$WORK/out"
assert_in "cfs-fetch " "$WORK/out"

# In the background: mounted when it returns, and nobody holds our output.
cfs-fetch "${good[@]}" --log-file "$WORK/log" "$WORK/objects" | cat
mountpoint -q "$WORK/objects" || fail "not mounted when the command returned"
cmp "$WORK/tree/large" "$WORK/objects/$(path_of large)"
pid=$(counter pid)
assert_in "fetched object=" "$WORK/log"
umount "$WORK/objects"
wait_for 5 eval '! kill -0 '"$pid"' 2>/dev/null'

status=0
cfs-fetch "${good[@]}" "$WORK/nowhere" 2>"$WORK/err" || status=$?
assert_eq "$status" 1 "exit status without a mount point"
assert_in "$WORK/nowhere: No such file" "$WORK/err"
status=0
cfs-fetch --store "$WORK/nowhere" --mirror "$SERVE_URL" "$WORK/objects" 2>"$WORK/err" || status=$?
assert_eq "$status" 1 "exit status without a store"
assert_in "$WORK/nowhere" "$WORK/err"

ready=$(cfs-fetch "${good[@]}" --ready-fd 3 3>&1 >/dev/null "$WORK/objects")
assert_eq "$ready" ready "what --ready-fd got"
umount "$WORK/objects"

# As another user, whom the store belongs to.
chown -R nobody "$WORK/store"
chmod 0755 "$WORK"
rm -rf "$WORK/store/objects/$(path_of large)"
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL" --user nobody
assert_eq "$(stat -c %U "/proc/$FETCH_PID")" nobody "user of the process"
assert_eq "$(awk '/^(CapEff|NoNewPrivs)/ { print $2 }' "/proc/$FETCH_PID/status" | xargs)" \
	"0000000000000000 1" "capabilities and no_new_privs"
cmp "$WORK/tree/large" "$WORK/objects/$(path_of large)"
assert_eq "$(stat -c %U "$WORK/store/objects/$(path_of large)")" nobody "owner of the new object"
