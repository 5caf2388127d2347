#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A store in a folder that was there before is closed to other users, by every program that
# writes to one, or they say that it is open; other users can't hold its lock, and a program
# that waits for the lock says for whom.
. "${0%/*}/lib.sh"
need_root
need_fuse
need_fs erofs
need_cmd setpriv

make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree
start_serve "$WORK/origin"
url=$SERVE_URL/images/tree
mkdir "$WORK/mnt" "$WORK/objects"
# Another user may have no way into the folder of this case.
chmod 711 "$WORK"
mount --bind "$WORK" /mnt
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
mode() { stat -c %a "$1"; }
options=digest=$IMAGE_DIGEST,verity_check=0

# by WAY STORE: one program that makes or fills a store there.
by() {
	case $1 in
	mkcomposefs) mkcomposefs --store="$2" --name=tree "$WORK/tree" ;;
	seed) cfs-seed --store="$2" --mirror="$SERVE_URL" tree >/dev/null ;;
	mount)
		mount.composefs "$url" "$WORK/mnt" -o "store=$2,$options" && umount "$WORK/mnt"
		;;
	fetch)
		cfs-fetch --store="$2" --mirror="$SERVE_URL" "$WORK/objects" && umount -l "$WORK/objects"
		;;
	esac
}
ways="mkcomposefs seed mount fetch"

for way in $ways; do
	for before in 755 777 1777; do
		store=$WORK/$way-$before
		mkdir -m "$before" "$store"
		by "$way" "$store" 2>"$WORK/err" || fail "$way in a folder with mode $before: $(cat "$WORK/err")"
		assert_eq "$((8#$(mode "$store") & 7))" 0 "what others may after $way, mode before: $before"
		assert_in "$store: was open to every user" "$WORK/err"
		# It is said one time.
		by "$way" "$store" 2>"$WORK/err" || fail "$way again: $(cat "$WORK/err")"
		assert_fails grep -q "every user" "$WORK/err"
	done
	# A group that was let in stays, and other users never were.
	store=$WORK/$way-750
	mkdir -m 750 "$store"
	by "$way" "$store" 2>"$WORK/err"
	assert_eq "$(mode "$store")" 750 "mode after $way"
	assert_fails grep -q "every user" "$WORK/err"
	# A folder that others look into for other things is not closed to them, nor taken.
	store=$WORK/$way-shared
	mkdir -m 755 "$store"
	echo >"$store/theirs"
	if [ "$way" != fetch ]; then
		assert_fails by "$way" "$store" 2>"$WORK/err"
		assert_in "a folder of its own" "$WORK/err"
		assert_eq "$(ls -A "$store") $(mode "$store")" "theirs 755" "what is left of $way"
	fi
done

# What was public with objects in it stays, for it may be meant so, and that is said.
store=$WORK/mkcomposefs-755
chmod 755 "$store"
for way in $ways; do
	by "$way" "$store" 2>"$WORK/err"
	assert_in "$store: every user can read its objects" "$WORK/err"
	assert_eq "$(mode "$store")" 755
done

# There another user can lock what it can open, and none of it is what programs lock.
(
	cd "/mnt/${store##*/}"
	while IFS= read -r path; do
		as_nobody python3 -c '
import fcntl, os, signal, sys
fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX)
signal.pause()' "$path" 2>/dev/null &
		echo "$!" >>"$WORK/lockers"
	done < <(find . -maxdepth 2 ! -type l)
)
locked() { grep -q "FLOCK.*WRITE.*:$(stat -c %i "$store/objects") " /proc/locks; }
wait_for 20 locked
for way in $ways; do
	timeout 60 bash -c "$(declare -f by); $(declare -p url options SERVE_URL); by $way $store" 2>"$WORK/err" ||
		fail "$way while others hold locks: $(cat "$WORK/err")"
	assert_fails grep -q "waiting" "$WORK/err"
done
for command in "gc $store" "pin $store other $IMAGE_DIGEST" "unpin $store other" "verify $store"; do
	# shellcheck disable=SC2086 # words
	timeout 60 cfs-store $command >/dev/null 2>"$WORK/err" || fail "cfs-store $command: $(cat "$WORK/err")"
done

# A lock that a program has: who waits says for whom and how long, and can be ended.
flock "$store/.lock" sleep 60 &
held() { grep -q "FLOCK.*WRITE.*:$(stat -c %i "$store/.lock") " /proc/locks; }
wait_for 10 held
for way in mkcomposefs seed mount; do
	status=0
	timeout 2 bash -c "$(declare -f by); $(declare -p url options SERVE_URL); by $way $store" 2>"$WORK/err" || status=$?
	assert_eq "$status" 124 "$way is ended while it waits"
	assert_in "waiting for the store's lock: process " "$WORK/err"
	grep -Eq "process [0-9]+ \((flock|sleep)\) has it, which runs since [0-9]+ s" "$WORK/err" ||
		fail "$way: $(cat "$WORK/err")"
done
timeout 2 cfs-store gc "$store" 2>"$WORK/err" || true
assert_in "waiting for the store's lock" "$WORK/err"

# What is no lock is not followed.
store=$WORK/seed-755
rm "$store/.lock"
echo precious >"$WORK/precious"
ln -s "$WORK/precious" "$store/.lock"
assert_fails mkcomposefs --store="$store" "$WORK/tree" 2>"$WORK/err"
assert_eq "$(cat "$WORK/precious")" precious
