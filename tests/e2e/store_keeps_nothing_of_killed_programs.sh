#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a program that is killed leaves in a store is removed: at once where the next
# program opens it, else by gc.  What somebody is about to name stays.
. "${0%/*}/lib.sh"
need_prog mkcomposefs cfs-store

mkdir "$WORK/tree"
head -c 30000 /dev/urandom >"$WORK/tree/file"
make_store "$WORK/store" "$WORK/tree" tree
cfs-store trees "$WORK/store" >/dev/null
cfs-store pack --all "$WORK/store" tree >/dev/null
mkdir -p "$WORK/store/profiles" "$WORK/store/zst/ab" "$WORK/store/verity/cd"
cd "$WORK/store"

quick=(.tmp-01234567 packs/.tmp-01234567 profiles/.tmp-01234567 objects/.tmp-4711 images/.tmp-4711)
slow=(verity/cd/.tmp-01234567 zst/ab/.tmp-01234567 "profiles/.$IMAGE_DIGEST.recorded.4711")
head -c 5000 /dev/urandom | tee "${quick[@]:0:4}" "${slow[@]}" >/dev/null
ln -s ../objects/ab "${quick[4]}"
touch -d '2 hours ago' "profiles/.$IMAGE_DIGEST.recorded.4711"
# Under the lock of its folder: it is about to get its name.
exec 9<packs
flock --shared 9

cfs-store gc --dry-run . >/dev/null
for name in "${quick[@]}"; do
	case $name in
	packs/*) [ -e "$name" ] || fail "$name was removed while it was in use" ;;
	*) if [ -e "$name" ] || [ -L "$name" ]; then fail "$name is left"; fi ;;
	esac
done
exec 9<&-
cfs-store gc . >/dev/null
left=$(find . -name '.*' ! -name . ! -name .lock ! -name .lock-images ! -name .lock-mirror | sort)
assert_eq "$left" "" "what is left"
cfs-store verify --full .
[ -e "packs/$IMAGE_DIGEST" ] || fail "the pack is gone"
