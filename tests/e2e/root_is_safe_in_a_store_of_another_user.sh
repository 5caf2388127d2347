#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Root looks after a store that another user owns.  Whatever that user puts in place of
# its folders and files, and exchanges while root's programs run: nothing of root's is
# removed, renamed, given away, written or made outside that store, a link in place of a
# folder is named, and without such tricks everything works and stays the user's.
# also: address
. "${0%/*}/lib.sh"
need_root
need_prog mkcomposefs cfs-store cfs-seed composefs-info

user=65534
# as_user COMMAND...: in the store, for nothing says that the way to it is open.
as_user() { env -C "$WORK/users" setpriv --reuid "$user" --regid "$user" --clear-groups "$@"; }
mkdir "$WORK/tree" "$WORK/secrets"
for i in $(seq 6); do
	seq "$i" 9000 >"$WORK/tree/$i"
	seq "$i" 9001 >"$WORK/secrets/$i"
done
make_store "$WORK/private" "$WORK/secrets" app 2>/dev/null
chmod 700 "$WORK/private"
echo secret >"$WORK/private/secret"
# Of each folder of objects one, to be offered where the user's own should be.
aa=$(cd "$WORK/private/objects" && for f in *; do echo "$f"; done | head -1)
victim=$(cd "$WORK/private/objects/$aa" && for f in *; do echo "$f"; done | head -1)
picture() { (cd "$WORK/private" && find . -printf '%p %y %U %m %l %s\n' | sort && find . -type f -exec sha256sum {} + | sort); }
picture >"$WORK/before"
untouched() {
	picture >"$WORK/after"
	diff "$WORK/before" "$WORK/after" || fail "root's private store changed: $1"
}

# user_store: a store of the user's with an image, a bad object and a leftover.
user_store() {
	rm -rf "$WORK/users"
	make_store "$WORK/users" "$WORK/tree" app 2>/dev/null
	mkdir -p "$WORK/users/objects/$aa"
	echo bad >"$WORK/users/objects/$aa/$victim.new"
	mv -f "$WORK/users/objects/$aa/$victim.new" "$WORK/users/objects/$aa/$victim"
	rm -f "$WORK/users/images/app"
	mkdir "$WORK/users/"{profiles,packs,zst,verity,partial,quarantine}
	mkdir -p "$WORK/users/zst/$aa" "$WORK/users/verity/$aa"
	echo old >"$WORK/users/zst/$aa/$victim"
	ln -s "../objects/$(object_path "$IMAGE_DIGEST")" "$WORK/users/images/app"
	ln -s "../objects/$(object_path "$IMAGE_DIGEST")" "$WORK/users/images/other"
	chown -hR "$user:$user" "$WORK/users"
	chmod 700 "$WORK/users"
}

user_store			# sets IMAGE_DIGEST
# Each is run as root; whether it succeeds is not the question.
operations=(
	"cfs-store gc $WORK/users"
	"cfs-store verify --full --repair $WORK/users"
	"cfs-store verify --full --repair --from=$WORK/tree $WORK/users"
	"cfs-store du $WORK/users"
	"cfs-store ls $WORK/users"
	"cfs-store pin $WORK/users third $IMAGE_DIGEST"
	"cfs-store unpin $WORK/users other"
	"cfs-store import $WORK/users $WORK/private/images/app imported"
	"cfs-store compress --level=1 $WORK/users"
	"cfs-store trees --min-size=8K $WORK/users"
	"cfs-store pack --all --level=1 $WORK/users app"
	"mkcomposefs --store=$WORK/users --name=made $WORK/tree"
	"cfs-seed --quiet --store=$WORK/users --from=$WORK/tree app"
)

# A path that root gives is root's to choose; the rest is beneath it.
in_folder=("mkcomposefs --digest-store=$WORK/users/objects $WORK/tree $WORK/image")

# Nothing odd: root's help leaves a store that its user can go on using.
for operation in "${operations[@]}" "${in_folder[@]}"; do
	$operation >"$WORK/out" 2>&1 || { [ $? = 1 ] && [[ $operation == *verify* ]]; } || {
		cat "$WORK/out"
		fail "as root in a store of user $user: $operation"
	}
done
untouched "nothing odd"
find "$WORK/users" -type d ! -user "$user" -print >"$WORK/dirs"
[ ! -s "$WORK/dirs" ] || fail "folders that are not the user's: $(cat "$WORK/dirs")"
as_user cfs-store gc . >"$WORK/out" || fail "its user can't go on using the store"

# A link in place of each folder, and of each file that is written.
for place in objects "objects/$aa" images quarantine profiles packs zst "zst/$aa" \
	verity "verity/$aa" partial mirror "packs/$IMAGE_DIGEST" "profiles/$IMAGE_DIGEST.recorded" \
	"objects/$aa/$victim" "zst/$aa/$victim"; do
	case $place in
	objects | images) target=$WORK/private/$place ;;
	mirror | packs/* | profiles/*) target=$WORK/private/secret ;;
	*/"$victim") target=$WORK/private/objects/$aa/$victim ;;
	*) target=$WORK/private/objects/$aa ;;
	esac
	user_store
	rm -rf "${WORK:?}/users/$place"
	as_user ln -s "$target" "$place"
	[ "$place" = objects ] && more=() || more=("${in_folder[@]}")
	for operation in "${operations[@]}" "${more[@]}"; do
		$operation >"$WORK/out" 2>&1 || true
	done
	untouched "$place is a link"
	case $place in
	objects | objects/"$aa")
		cfs-store gc "$WORK/users" >"$WORK/out" 2>&1 && fail "gc took a link for $place"
		assert_in "$place: a symbolic link" "$WORK/out"
		;;
	esac
done

# So does a mount: only objects/ and images/ may be one.
user_store
mount --bind "$WORK/private/objects/$aa" "$WORK/users/objects/$aa"
for operation in "${operations[@]}"; do
	$operation >"$WORK/out" 2>&1 || true
done
untouched "objects/$aa is a mount"
cfs-store gc "$WORK/users" >"$WORK/out" 2>&1 && fail "gc went over a mount"
assert_in "objects/$aa: another file system is mounted there" "$WORK/out"
umount "$WORK/users/objects/$aa"

# And while they run, folder and link change places all the time.
exchange='
import ctypes, sys

libc = ctypes.CDLL(None)
a, b = sys.argv[1].encode(), sys.argv[2].encode()
while libc.renameat2(-100, a, -100, b, 2) == 0:
    pass
'
for place in objects "objects/$aa" images quarantine packs zst "zst/$aa" verity; do
	case $place in
	objects | images) target=$WORK/private/$place ;;
	*) target=$WORK/private/objects/$aa ;;
	esac
	user_store
	as_user ln -s "$target" spare
	start_bg "$WORK/exchange.log" env -C "$WORK/users" setpriv --reuid "$user" --regid "$user" \
		--clear-groups python3 -c "$exchange" "$place" spare
	for operation in "${operations[@]}"; do
		$operation >"$WORK/out" 2>&1 || true
	done
	untouched "$place exchanged"
	kill -0 "$BG_PID" || fail "nothing was exchanged: $(cat "$WORK/exchange.log")"
	stop_bg "$BG_PID"
done
