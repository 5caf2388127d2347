#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: vm address
#
# With fs-verity below, an object without it, or with another digest than its name says,
# is not served; --unsealed lifts the first, never the second.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"
need_cmd fsverity
need_verity

seal() { # seal FILE NAME-DIGIT: put it where it belongs, or where the digit says
	local digest

	digest=$(fsverity digest --compact "$1")
	digest=${2:-${digest:0:1}}${digest:1}
	mkdir -p "$STORE/objects/${digest:0:2}"
	cp "$1" "$STORE/objects/$(object_path "$digest")"
	fsverity enable "$STORE/objects/$(object_path "$digest")"
	echo "/objects/$(object_path "$digest")"
}
echo good >"$WORK/good"
echo liar >"$WORK/liar"
good=$(seal "$WORK/good")
liar=$(seal "$WORK/liar" "$([ "$(fsverity digest --compact "$WORK/liar" | cut -c1)" = 0 ] && echo 1 || echo 0)")
unsealed=$(serve_http url small)
status() { curl -s -o /dev/null -w '%{http_code}' "$SERVE_URL$1"; }

start_serve "$STORE"
assert_eq "$(status "$good")" 200 "a sealed object"
assert_eq "$(status "$unsealed")" 404 "an object without fs-verity"
assert_eq "$(status "$liar")" 404 "an object with another digest"
stop_bg "$SERVE_PID"
start_serve "$STORE" --unsealed
assert_eq "$(status "$good")" 200 "a sealed object"
assert_eq "$(status "$unsealed")" 200 "an object without fs-verity, which is allowed"
assert_eq "$(status "$liar")" 404 "an object with another digest"
