#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# also: vm
# cfs-store verify --repair with sources: what images need is fetched again, damaged images
# too; what no image needs is not; the exit status tells if all is well again.
. "${0%/*}/lib.sh"
need_prog cfs-store cfs-seed cfs-serve mkcomposefs

mkdir "$WORK/tree"
for i in $(seq 20); do
	head -c $((i * 1000 + 65)) /dev/urandom >"$WORK/tree/$i"
done
make_store "$WORK/origin" "$WORK/tree" app
cp -r "$WORK/tree" "$WORK/bigger"
head -c 5000 /dev/urandom >"$WORK/bigger/garbage"
store=$WORK/store
make_store "$store" "$WORK/bigger" gone
garbage=$(object_path "$(composefs-info measure-file "$WORK/bigger/garbage")")
make_store "$store" "$WORK/tree" app
cfs-store unpin "$store" gone
image=$(object_path "$IMAGE_DIGEST")
start_serve "$WORK/origin"
composefs-info objects "$WORK/origin/images/app" >"$WORK/objects"
mapfile -t victims < <(head -4 "$WORK/objects")

damage() { # OBJECT...: other bytes, of the same size
	local object size

	for object; do
		size=$(stat -c %s "$store/objects/$object")
		rm -f "$store/objects/$object"
		head -c "$size" /dev/zero >"$store/objects/$object"
	done
}
verify() { # STATUS OPTION...
	local want=$1 status=0

	shift
	cfs-store verify --full "$@" "$store" >"$WORK/out" 2>"$WORK/errors" || status=$?
	[ "$status" = "$want" ] || {
		cat "$WORK/out" "$WORK/errors"
		fail "verify $*: status $status, want $want"
	}
}
states() { jq -r --arg state "$1" '[.damaged[] | select(.state == $state)] | length' "$WORK/out"; }

damage "${victims[@]}" "$garbage"
rm -f "$store/objects/${victims[1]}" && mkfifo "$store/objects/${victims[1]}"
rm -f "$store/objects/${victims[2]}" && mkdir "$store/objects/${victims[2]}"
verify 1 --repair --json --mirror="$SERVE_URL"
assert_eq "$(states refetched) $(states unneeded) $(jq '.damaged | length' "$WORK/out")" "4 1 5"
verify 0
composefs-info --basedir="$store/objects" missing-objects "$store/images/app"

# The image itself.
damage "$image" "${victims[0]}"
verify 1 --repair --mirror="$SERVE_URL"
assert_in "2 brought back, 0 needed by no image, 0 could not be had" "$WORK/out"
cmp "$WORK/origin/images/app" "$store/images/app"
verify 0

# From a tree of this machine, and where there is nothing to be had.
damage "${victims[@]:0:2}"
verify 1 --repair --from="$WORK/tree"
verify 0
damage "${victims[@]:0:2}"
verify 4 --repair --from="$WORK/origin/images"
assert_in "2 could not be had" "$WORK/out"
verify 0
verify 16 --mirror="$SERVE_URL"
