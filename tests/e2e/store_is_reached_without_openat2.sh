#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Where openat2(2) is missing, or a filter of system calls forbids it, everything works
# as with it, and a link in place of a folder is not followed either.
. "${0%/*}/lib.sh"
need_root
need_cmd strace curl
need_prog mkcomposefs cfs-store cfs-seed cfs-serve

for error in ENOSYS EPERM; do
	# -D: the program stays the child; what it does not get is openat2.
	without() { strace -D -f -qq -o "$WORK/trace" -e trace=openat2 -e inject=openat2:error="$error" "$@"; }
	rm -rf "$WORK/tree" "$WORK/store" "$WORK/other"
	mkdir "$WORK/tree"
	seq 9000 >"$WORK/tree/file"
	store=$WORK/store
	digest=$(without mkcomposefs --store="$store" --name=app --print-digest "$WORK/tree")
	assert_in openat2 "$WORK/trace"
	without cfs-store verify --full "$store"
	without cfs-store compress "$store"
	without cfs-store pack --all "$store" app
	without cfs-store pin "$store" second app
	without cfs-store unpin "$store" app
	without cfs-seed --quiet --store="$WORK/other" --from="$WORK/tree" "$store/images/second"
	without cfs-store gc "$store"
	cfs-store verify --full "$store"

	port=$(free_port)
	start_bg "$WORK/serve.log" strace -D -f -qq -o "$WORK/trace" -e trace=openat2 \
		-e inject=openat2:error="$error" \
		cfs-serve --listen="127.0.0.1:$port" --unsealed --io=epoll "$store"
	wait_port "$port"
	curl -sSf "http://127.0.0.1:$port/objects/$(object_path "$digest")" |
		cmp - "$store/objects/$(object_path "$digest")"
	stop_bg "$BG_PID"

	aa=${digest:0:2}
	mv "$store/objects/$aa" "$WORK/elsewhere.$error"
	ln -s "$WORK/elsewhere.$error" "$store/objects/$aa"
	assert_fails without cfs-store verify --repair "$store" >"$WORK/out" 2>&1
	assert_in "objects/$aa: a symbolic link" "$WORK/out"
	assert_fails without cfs-store gc "$store" >"$WORK/out" 2>&1
	[ -f "$WORK/elsewhere.$error/${digest:2}" ] || fail "what the link leads to is gone"
done
