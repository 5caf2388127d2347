# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced after tests/e2e/lib.sh by the cases about crashes and failures: trees, one
# session of an operator's work on a store, and a disk whose writes are logged for it to
# happen on.

# make_trees DIR SEED: DIR/1 to DIR/3, half of the files of each in the others too.
make_trees() {
	python3 - "$1" "$2" <<'PY'
import os, random, sys
top, seed = sys.argv[1], int(sys.argv[2])
shared = random.Random(seed)
files = [(f"shared{i}", shared.randbytes(shared.choice((65, 900, 4096, 9000, 40000))))
         for i in range(8)]
for tree in "123":
    own = random.Random(f"{seed}.{tree}")
    os.makedirs(f"{top}/{tree}/folder")
    for name, data in files:
        open(f"{top}/{tree}/{name}", "wb").write(data)
    for i in range(8):
        data = own.randbytes(own.choice((70, 4096, 5000, 12345, 70000)))
        open(f"{top}/{tree}/folder/own{i}", "wb").write(data)
    os.symlink("folder/own1", f"{top}/{tree}/link")
PY
}

# crash_setup SEED: trees, $ORIGIN with images two and three, and a server of it.
crash_setup() {
	TREES=$WORK/trees
	ORIGIN=$WORK/origin
	make_trees "$TREES" "$1"
	make_store "$ORIGIN" "$TREES/2" two 2>/dev/null
	make_store "$ORIGIN" "$TREES/3" three 2>/dev/null
	start_serve "$ORIGIN"
}

# mark TEXT: "have NAME" or "drop NAME", for replay_log.
mark() { [ ! -e "$WORK/log-disk/mark" ] || echo "$1" >"$WORK/log-disk/mark"; }

# session STORE: publish, import, pin, seed, replace, unpin, gc.
session() {
	local store=$1

	mkcomposefs --store="$store" --name=whole-a "$TREES/1" 2>/dev/null
	mark "have whole-a"
	cfs-store import "$store" "$ORIGIN/images/two" imported >/dev/null
	mark "have imported"
	cfs-seed --store="$store" --from="$TREES/2" --quiet --name=seeded \
		"$ORIGIN/images/two" 2>/dev/null
	mark "have seeded"
	cfs-store pin "$store" whole-b seeded
	mark "have whole-b"
	cfs-store gc "$store" >/dev/null
	cfs-seed --store="$store" --mirror="$SERVE_URL" --quiet --name=fetched three 2>/dev/null
	mark "have fetched"
	cfs-store pin "$store" whole-c fetched
	mark "have whole-c"
	mark "drop imported"
	mark "drop seeded"
	cfs-store unpin "$store" imported seeded
	mark "drop whole-b"
	cfs-store unpin "$store" whole-b
	cfs-store gc "$store" >/dev/null
	mkcomposefs --store="$store" --name=whole-a "$TREES/2" 2>/dev/null
	mark "drop fetched"
	mark "drop whole-c"
	cfs-store unpin "$store" fetched whole-c
	cfs-store gc "$store" >/dev/null
}

# loop_attach FILE: sets LOOP; detached at the end at the latest.
loop_attach() {
	LOOP=$(losetup --show -f "$1")
	at_exit loop_detach "$LOOP"
}
loop_detach() { losetup -d "$1" 2>/dev/null || true; }

# record_session SIZE MKFS...: the session on a new file system; leaves base and log
# in $DISK.
record_session() {
	local size=$1 pid

	shift
	rm -f "$DISK"/*
	truncate -s "$size" "$DISK/base"
	"$@" "$DISK/base" >/dev/null
	cp --sparse=always "$DISK/base" "$DISK/data"
	mkdir -p "$WORK/log-disk" "$WORK/mnt"
	start_bg "$WORK/log-disk.log" log_disk "$DISK/data" "$DISK/log" "$WORK/log-disk"
	pid=$BG_PID
	wait_for 10 mountpoint -q "$WORK/log-disk"
	loop_attach "$WORK/log-disk/disk"
	mount "$LOOP" "$WORK/mnt"
	session "$WORK/mnt/store"
	umount "$WORK/mnt"
	loop_detach "$LOOP"
	wait_for 10 umount "$WORK/log-disk"
	wait "$pid" || fail "log_disk: $(cat "$WORK/log-disk.log")"
}

# replay_session FS SEED POINTS [OPTION...]: on what record_session has left.
replay_session() {
	local fs=$1 seed=$2 points=$3

	shift 3
	rm -f "$DISK/scratch"
	truncate -r "$DISK/base" "$DISK/scratch"
	loop_attach "$DISK/scratch"
	replay_log --base="$DISK/base" --log="$DISK/log" --scratch="$DISK/scratch" \
		--device="$LOOP" --mount="$WORK/mnt" --fs="$fs" --seed="$seed" \
		--points="$points" "$@" \
		--then="mkcomposefs --store=$WORK/mnt/store --name=whole-new $TREES/3 2>/dev/null &&
			cfs-store gc $WORK/mnt/store >/dev/null" ||
		fail "rules are broken"
	loop_detach "$LOOP"
}
