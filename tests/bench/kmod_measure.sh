#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# In the guest of kmod.sh: every kind of work on every file system, in turns.  Prints
#
#	WORK CACHE FILE-SYSTEM ELAPSED-NS CPU-NS
#	memory PART FILE-SYSTEM BYTES ENTRIES
. "$(dirname "$0")/../vm/module.sh"

systems=(ext4 composefs overlay erofs)
runs=${VM_RUNS:-3}
image=/mnt/tree.img
objects=/mnt/store/objects
digest=$(fsverity measure "$image")
digest=${digest#sha256:}

mkdir composefs erofs
ln -s /mnt/tree ext4
mount -t composefs -o "basedir=$objects,digest=${digest%% *}" "$image" composefs
OVERLAY_OPTIONS=,verity=require mount_by_hand "$image" overlay "$objects"
mount -t erofs -o ro /mnt/plain.erofs erofs

# 2,000 files from all over the tree, and its largest.
cd ext4
find . -xdev -type f -size -256k | sort | awk '{ all[NR] = $0 }
	END { for (i = 0; i < 2000; i++) print all[1 + int(i * NR / 2000)] }' >"$WORK/files"
large=$(find . -xdev -type f -printf '%s %p\n' | sort -n | tail -n 1 | cut -d ' ' -f 2)
cd "$WORK"

# measure WORK CACHE RUNS FSLOAD-ARGUMENT...
measure() {
	local work=$1 cache=$2 n=$3 system result

	shift 3
	for system in "${systems[@]}"; do
		[ "$cache" = warm ] || drop_caches
		result=$(cd "$system" && fsload -n "$n" "$@" <"$WORK/files")
		# The first of several warms up.
		[ "$cache" = cold ] || result=$(tail -n +2 <<<"$result")
		while read -r elapsed cpu; do
			echo "$work $cache $system $elapsed $cpu"
		done <<<"$result"
	done
}

for _ in $(seq "$runs"); do
	measure ls-lR cold 1 run ls -lR .
	measure ls-lR warm 2 run ls -lR .
	measure find-ls cold 1 run find . -ls
	measure find-ls warm 2 run find . -ls
	measure open-read-close cold 1 read
	measure open-read-close warm 2 read
	measure open-close warm 2 open
	measure stat warm 2 stat
	measure read-large cold 1 seq "$large"
	measure read-large warm 2 seq "$large"
	measure mmap-large cold 1 mmap "$large"
	measure mmap-large warm 2 mmap "$large"
done

kib() { awk -v f="$1:" '$1 == f { print $2 }' /proc/meminfo; }
for system in "${systems[@]}"; do
	drop_caches
	drop_caches
	slab=$(kib Slab) cached=$(($(kib Cached) + $(kib Buffers)))
	n=$(cd "$system" && find . -printf '%i %l\n' | wc -l)
	echo "memory slab $system $((($(kib Slab) - slab) * 1024)) $n"
	echo "memory cached $system $((($(kib Cached) + $(kib Buffers) - cached) * 1024)) $n"
done
