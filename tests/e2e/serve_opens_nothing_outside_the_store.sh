#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Whatever is asked, the server, once it runs, opens only regular files below its store,
# and for reading.  Seen from outside, with strace, on the engine that makes the calls
# itself.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"
need_cmd strace

SERVE_PORT=$(free_port)
start_bg "$WORK/log" strace -f -qq -s 4096 -o "$WORK/trace" -e trace=file,openat2,io_uring_enter \
	cfs-serve --listen="127.0.0.1:$SERVE_PORT" --unsealed --io=epoll "$STORE"
wait_port "$SERVE_PORT"
wait_for 10 grep -q event=start "$WORK/log"
lines=$(wc -l <"$WORK/trace")

serve_http traversal "$SERVE_PORT" "$STORE"
serve_http fields "$SERVE_PORT" "$STORE"

tail -n +"$((lines + 1))" "$WORK/trace" | grep -E '(open|stat|access|link|exec)' >"$WORK/calls"
allowed='openat2\([0-9]+, "([0-9a-f]{2}/[0-9a-f]{62}|mirror|(packs|profiles|zst|verity)/[^"]*)", \{flags=O_RDONLY\|O_NOCTTY\|O_NONBLOCK\|O_NOFOLLOW\|O_CLOEXEC, resolve=RESOLVE_NO_XDEV\|RESOLVE_NO_MAGICLINKS\|RESOLVE_NO_SYMLINKS\|RESOLVE_BENEATH\}'
allowed="$allowed|readlinkat\\([0-9]+, \"(os|none)\"|newfstatat\\([0-9]+, \"(|os|none)\""
if grep -vE "$allowed" "$WORK/calls"; then
	fail "these calls look outside the store"
fi
grep -q openat2 "$WORK/calls" || fail "the trace shows no object being opened"
# What readlinkat() gives back may say "..": it is read, never walked.
if sed 's/^\(.*readlinkat([0-9]*, "[^"]*"\).*/\1/' "$WORK/calls" | grep -E 'passwd|\.\./|quarantine'; then
	fail "a name that was sent got as far as the file system"
fi
