#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# limit: 200
# dmesg: FILE CORRUPTED|fs-verity
# An object that is not what its name says is a miss: the open that finds it so moves it to
# quarantine, fetches it again, once, with one log line, and reads right bytes.  What only a read
# can find is an error of that file, until verify --full --repair.
. "$(dirname "$0")/../module.sh"
# shellcheck source=tests/e2e/lazy.sh
. "$E2E/lazy.sh"

mkdir tree
head -c 20000 /dev/urandom >tree/object
head -c 5000 /dev/urandom >tree/other
make_origin
new_store "$WORK/store"
start_mirror
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SERVE_URL"
mkdir mnt
mount -t composefs -o "basedir=$WORK/store/objects:$WORK/objects,digest=$IMAGE_DIGEST" \
	"$WORK/store/images/tree" mnt
cmp tree/object mnt/object
cmp tree/other mnt/other
sync -f "$WORK"
disk=$(findmnt -no SOURCE -T "$WORK/store")
object=$WORK/store/objects/$(path_of object)
hex=$(path_of object | tr -d /)

quarantined() { find "$WORK/store" -path "*/quarantine/$hex*" -prune -print | wc -l; }

# heals DAMAGE...: done to $object; the next open is right, and costs one fetch.
heals() {
	local lines fetched aside

	lines=$(grep -c "damaged object=$hex" "$FETCH_LOG" || true)
	fetched=$(grep -c "fetched object=$hex" "$FETCH_LOG")
	aside=$(quarantined)
	"$@"
	cmp "$WORK/tree/object" mnt/object || fail "not healed: $*"
	assert_eq "$(grep -c "damaged object=$hex" "$FETCH_LOG")" $((lines + 1)) "log lines: $*"
	assert_eq "$(grep -c "fetched object=$hex" "$FETCH_LOG")" $((fetched + 1)) "fetches: $*"
	assert_eq "$(quarantined)" $((aside + 1)) "things in quarantine: $*"
	assert_eq "$(fsverity measure "$object" | cut -d ' ' -f 1)" "sha256:$hex"
	rm -rf "$WORK/store/quarantine"
}

other_seal() {	# a sealed file of the same size
	rm -f "$object"
	head -c "$(stat -c %s tree/object)" /dev/urandom >"$object"
	fsverity enable "$object"
}
no_seal() { cp --remove-destination tree/object "$object.new" && mv "$object.new" "$object"; }
truncated() { rm -f "$object" && : >"$object"; }
symlink() { ln -sf "$WORK/tree/object" "$object"; }
fifo() { rm -f "$object" && mkfifo "$object"; }
device() { rm -f "$object" && mknod "$object" c 1 3; }
folder() { rm -f "$object" && mkdir "$object"; }
heals other_seal
heals no_seal
heals truncated
heals symlink
heals fifo
heals device
heals folder

# block_at LOGICAL|last: of the object's file on the disk.
block_at() {
	filefrag -v "$object" | awk -v want="$1" '
		/^ *[0-9]+:/ {
			gsub(/[.:]/, " ")
			last = $5
			if (want != "last" && $2 <= want && want <= $3) print $4 + want - $2
		}
		END { if (want == "last") print last }'
}
# spoil BLOCK OFFSET: one byte, below the file system.
spoil() {
	local at=$(($1 * 4096 + $2)) byte

	byte=$(dd if="$disk" bs=1 skip="$at" count=1 status=none | od -An -tu1)
	# shellcheck disable=SC2059
	printf "\\x$(printf %x $(((byte + 1) % 256)))" |
		dd of="$disk" bs=1 seek="$at" conv=notrunc,fsync status=none
	drop_caches
	blockdev --flushbufs "$disk" 2>/dev/null || true
}
tree_block=16	# after the data, at the next 64 KiB
descriptor() { spoil "$(block_at last)" 0; }
heals descriptor

# A data block and a block of the Merkle tree: seen when they are read.
for logical in 2 "$tree_block"; do
	spoil "$(block_at "$logical")" 9
	assert_eio cat mnt/object
	cmp tree/other mnt/other
	status=0
	cfs-store verify --full --repair --mirror="$SERVE_URL" "$WORK/store" || status=$?
	assert_eq "$status" 1 "status of a repair"
	cmp tree/object mnt/object
	rm -rf "$WORK/store/quarantine"
done

# All objects go while one is open: it is read on, the rest comes again.
exec 3<mnt/object
rm -rf "$WORK/store/objects"/??
cmp tree/object - <&3
exec 3<&-
cmp tree/object mnt/object
cmp tree/other mnt/other
cfs-store verify --full "$WORK/store"
umount mnt
