#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A large object is on its way in parts, because a profile lists it, a start before this
# one has used it, or all of the image is being completed; then a reader opens it.  The
# reader gets it, and the fetcher lives on.  With trees on the mirror and without, for a
# fetcher that reads in part and for one that does not.
# also: address
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
. "$E2E/partial_lib.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay

make_big_origin
profile=$ORIGIN/profiles/$IMAGE_DIGEST
mkdir -p "$ORIGIN/profiles" "$WORK/mnt"
A_PORT=$(free_port)
A=http://127.0.0.1:$A_PORT
url=$A/images/tree
start_bg "$WORK/mirror.log" python3 "$E2E/faultd.py" --store "$ORIGIN" --listen "$A_PORT"
wait_port "$A_PORT"

# rules RULE...: how the mirror answers; what it has counted is forgotten.
rules() {
	printf '%s\n' "$@" | curl -sf -o /dev/null --data-binary @- "$A/-/rules"
	curl -sf -o /dev/null -X POST "$A/-/reset"
}

# The big object's first GET is out, and is not answered yet; readers of anything else
# are not kept waiting.
is_asked_for() {
	curl -s "$A/-/stats" | grep -q "\"/objects/$BIG_PATH\": [1-9]"
}

# slow_mirror WORD...: it says that it has these, and the big object takes its time.
slow_mirror() {
	printf '%s\n' "composefs-mirror 1" profiles "$@" >"$ORIGIN/mirror"
	rules "/objects/$BIG_PATH slow s=0.3" "/mirror ok"
}

# read_at_once STORE OPTIONS: mount, wait until it is asked for, read it.
read_at_once() {
	mount.composefs "$url" "$WORK/mnt" \
		-o "store=$1,digest=$IMAGE_DIGEST,verity_check=0,backend=overlay,deadline=20,log=$WORK/log$2"
	wait_for 10 is_asked_for
	cmp "$WORK/tree/big" "$WORK/mnt/big"
	cmp "$WORK/tree/small" "$WORK/mnt/small"
	umount "$WORK/mnt"
}

for trees in "" verity; do
	store=$WORK/store${trees:+-trees}
	rm -f "$profile"
	slow_mirror ${trees:+"$trees"}
	read_at_once "$store-complete" ,complete

	echo "${BIG_PATH/\//}" >"$profile"
	slow_mirror ${trees:+"$trees"}
	read_at_once "$store" ""

	# What the start above has recorded is here; the objects are not.
	rm -f "$profile"
	slow_mirror ${trees:+"$trees"}
	wait_for 10 test -e "$store/profiles/$IMAGE_DIGEST.recorded"
	wait_for 10 rm "$store/objects/$BIG_PATH"
	read_at_once "$store" ""
done

# A fetcher that gives out whole objects only, as below a mount with verity.
for trees in "" verity; do
	slow_mirror ${trees:+"$trees"}
	new_store "$WORK/whole${trees:+-trees}"
	start_fetch "$WORK/whole${trees:+-trees}" "$WORK/objects" --mirror "$A" --complete
	wait_for 10 is_asked_for
	cmp "$WORK/tree/big" "$WORK/objects/$BIG_PATH"
	kill -0 "$FETCH_PID" || fail "the fetcher is gone"
	stop_bg "$FETCH_PID"
done
