#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 900
#
# At every failpoint of cache/base/failpoint.h a tool is killed, and fails, in the middle
# of its work: the store is sound afterwards, the failure is told, and the same command
# run again does its work.
. "${0%/*}/../../e2e/lib.sh"
. "$CFS_TOP/tests/crash/crash_lib.sh"
need_root
need_fuse
need_prog check_store mkcomposefs cfs-store cfs-seed cfs-fetch

# NAME COMMAND [N]: where a command reaches the failpoint; the N-th time, too, if it is
# reached more than once.
points='
store.mkdir		publish_first	3
store.tmpfile		-
stage.begin		publish		4
stage.made		publish		4
stage.named		publish_named	4
seal.begin		publish		4
seal.before_mode	publish		4
link.before		publish		4
store.mkdir		publish
link.after		publish		4
link.staged_too		publish_named	4
batch.publish		publish		4
sync.before		publish		2
sync.after		publish		2
image.write		publish
name.before_temp	publish
name.before_rename	publish
name.after_rename	publish
replace.before_name	publish_file
replace.before_rename	publish_file
import.copied		import
seed.pinned		seed_local
body.hash		seed_http	2
body.publish		seed_http
body.whole		seed_http	3
body.whole		fetch
seal.begin		fetch
link.before		fetch
link.after		fetch
unname.before		unpin
unname.after		unpin
gc.before_remove	collect		3
gc.after_remove		collect		3
aside.before		repair
'

crash_setup 7
store=$WORK/store
before=$WORK/before
head -c 400000 /dev/urandom >"$TREES/2/large"
head -c 9000 /dev/urandom >"$TREES/2/medium"
make_store "$ORIGIN" "$TREES/2" two 2>/dev/null
make_store "$before" "$TREES/1" whole-old 2>/dev/null
make_store "$before" "$TREES/3" garbage 2>/dev/null
cfs-store unpin "$before" garbage

publish() { mkcomposefs --store="$store" --name=whole-new "$TREES/2"; }
publish_first() { rm -rf "$store"; publish; }
publish_named() { CFS_FAILPOINT=store.tmpfile:EOPNOTSUPP,${CFS_FAILPOINT:-} publish; }
publish_file() {
	mkcomposefs --digest-store="$store/objects" "$TREES/2" "$WORK/out/image"
}
import() { cfs-store import "$store" "$ORIGIN/images/two" imported; }
seed_local() {
	cfs-seed --store="$store" --from="$TREES/2" --name=seeded "$ORIGIN/images/two"
}
seed_http() { cfs-seed --store="$store" --mirror="$SERVE_URL" --name=seeded two; }
unpin() { cfs-store unpin "$store" whole-old; }
collect() { cfs-store gc "$store"; }
repair() {
	local status=0

	cfs-store verify --full --repair "$store" || status=$?
	[ "$status" -ne 1 ] || status=0		# damage was found, and put aside
	return "$status"
}

# The service: a reader waits for an object meanwhile.
fetch() {
	local pid status=0 object

	object=$(object_path "$(composefs-info measure-file "$TREES/2/medium")")
	ln -sf "$(readlink "$ORIGIN/images/two")" "$store/images/two"
	mkdir -p "$store/objects/$(readlink "$ORIGIN/images/two" | cut -d / -f 3)"
	cp -a "$ORIGIN/images/../$(readlink "$ORIGIN/images/two" | cut -c 4-)" "$store/$(readlink "$ORIGIN/images/two" | cut -c 4-)"
	cfs-fetch --foreground --store "$store" --mirror "$SERVE_URL" "$WORK/out" &
	pid=$!
	wait_for 10 mountpoint -q "$WORK/out"
	cmp "$WORK/out/$object" "$TREES/2/medium" || status=$?
	umount -l "$WORK/out"
	wait "$pid" || status=$?
	return "$status"
}

# What must be in place before the command, and what must be there once it is done.
prepare() {
	rm -rf "$store" "$WORK/out"
	cp -a "$before" "$store"
	mkdir "$WORK/out"
	echo old >"$WORK/out/image"
	if [ "$1" = repair ]; then
		object=$(find "$store/objects" -type f | sort | head -n 1)
		chmod 644 "$object"
		echo damage >>"$object"
	fi
}

# The damaged object of "repair" is the one thing that may be wrong until it is aside.
sound() {
	if [ "$command" = repair ]; then
		return 0
	fi
	check_store "$store" >"$WORK/rules" 2>&1 || { cat "$WORK/rules" "$WORK/err"; fail "$1"; }
}

complete() {
	case $command in
	seed_*)	# which pins an image before it has its objects
		cfs-store pin "$store" whole-new seeded && check_store "$store" whole-new >/dev/null
		;;
	publish | publish_first | publish_named) check_store "$store" whole-new >/dev/null ;;
	publish_file) [ "$(stat -c %s "$WORK/out/image")" -gt 1000 ] ;;
	fetch) check_store "$store" && [ -e "$store/objects/$(object_path "$(composefs-info measure-file "$TREES/2/medium")")" ] ;;
	import) check_store "$store" imported >/dev/null ;;
	unpin) [ ! -e "$store/images/whole-old" ] ;;
	collect) [ "$(cfs-store gc "$store" | grep -c "removed nothing")" = 1 ] ;;
	repair) [ ! -e "$object" ] && [ -n "$(ls "$store/quarantine")" ] ;;
	esac
}

# try NAME ACTION N
try() {
	local status=0 what="$1:$2@$3 in $command"

	prepare "$command"
	(CFS_FAILPOINT=$1:$2@$3; export CFS_FAILPOINT; "$command") >"$WORK/out.log" 2>"$WORK/err" ||
		status=$?
	if [ "$2" = kill ]; then
		assert_eq "$status" 137 "status after $what"
	else
		[ "$status" -ne 0 ] || fail "$what: no failure was told"
		[ "$status" -lt 100 ] || { cat "$WORK/err"; fail "$what: status $status"; }
		grep -q "Input/output error" "$WORK/err" "$WORK/out.log" || { cat "$WORK/out.log" "$WORK/err"; fail "$what: no clear error"; }
	fi
	sound "after $what"
	status=0
	if [ "$command" = unpin ]; then
		"$command" 2>"$WORK/err" || grep -q "no such name" "$WORK/err" || status=1
	else
		"$command" >"$WORK/out.log" 2>"$WORK/err" || status=$?
	fi
	[ "$status" = 0 ] || { cat "$WORK/err"; fail "the run after $what: status $status"; }
	complete || fail "the run after $what did not do its work"
	sound "after the run after $what"
	tried=$((tried + 1))
}

cmp <(grep -roh 'FAILPOINT("[a-z_.]*")' "$CFS_TOP/cache" "$CFS_TOP/fetcher" --include='*.c' |
	sed 's/.*("//; s/")//' | sort -u) <(awk 'NF { print $1 }' <<<"$points" | sort -u) ||
	fail "the table of this case lacks a failpoint, or has one too many"

CFS_FAILPOINT=image.write:EIO mkcomposefs "$TREES/1" "$WORK/probe" 2>/dev/null &&
	skip "built without -DCFS_FAILPOINTS=ON; tests/run address has them"

tried=0
while read -r name command n; do
	if [ -z "$name" ] || [ "$command" = - ]; then
		continue
	fi
	for action in kill EIO; do
		try "$name" "$action" 1 </dev/null
		[ -z "$n" ] || try "$name" "$action" "$n" </dev/null
	done
done <<<"$points"
echo "$tried deaths and failures at $(awk 'NF { print $1 }' <<<"$points" | sort -u | wc -l) failpoints"
