#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Readers, while basedirs are replaced, objects are moved away and come back, caches are
# emptied and mounts are listed: each read is right, none fails.
. "$(dirname "$0")/../module.sh"

mkdir src mnt
for n in $(seq 60); do head -c $((n * 700 + 65)) /dev/urandom >"src/$n"; done
mkcomposefs --digest-store=a src img
cp -r a b
find b -type f -exec fsverity enable {} \;
mount -t composefs -o basedir=a:b,verity_check=2 img mnt

end=$((SECONDS + ${VM_AT_ONCE_SECONDS:-8}))
forever() {
	while [ $SECONDS -lt "$end" ]; do "$@"; done
}
remount() {
	mount -o remount,basedir=b:a mnt
	mount -o remount,basedir=a:b mnt
}
# Of a only: b has all.
away_and_back() {
	local object

	object=$(find a -type f | shuf -n 1)
	mv "$object" "$object.away"
	sleep 0.01
	mv "$object.away" "$object"
}
empty() { echo $((RANDOM % 3 + 1)) >/proc/sys/vm/drop_caches; sleep 0.1; }
show() { cat /proc/self/mountinfo /proc/self/mountstats >/dev/null; }
read_all() {
	python3 - "$((end - SECONDS))" <<'EOF'
import os, random, sys, time

want = {name: open("src/" + name, "rb").read() for name in os.listdir("src")}
end = time.monotonic() + int(sys.argv[1])
n = 0
while time.monotonic() < end:
    name = random.choice(list(want))
    with open("mnt/" + name, "rb") as file:
        assert file.read() == want[name], name
    n += 1
print(n, "files were read")
EOF
}
jobs=()
for job in remount away_and_back empty show; do
	forever $job &
	jobs+=($!)
done
for _ in 1 2 3; do
	read_all &
	jobs+=($!)
done
for job in "${jobs[@]}"; do
	wait "$job" || fail "one of them failed"
done
[ "$(mount_counter "$WORK/mnt" failed)" = 0 ] || fail "an open failed"
umount mnt
drop_caches
rmmod composefs
