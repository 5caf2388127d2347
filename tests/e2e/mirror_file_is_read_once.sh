#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a mirror has besides objects stands in its file "mirror": it is asked for once,
# and a mirror without it is asked for nothing else that it may not have.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_cmd nginx
need_prog cfs-fetch cfs-serve mkcomposefs

make_origin
new_store "$WORK/store"
start_nginx "$ORIGIN"
start_mirror
printf 'composefs-mirror 1\nverity\nof the future\n' >"$WORK/mirror"
cp -a "$ORIGIN" "$WORK/smart"
cp "$WORK/mirror" "$WORK/smart/mirror"
plain=$SERVE_ACCESS plain_url=$SERVE_URL
start_serve "$WORK/smart"

start_fetch "$WORK/store" "$WORK/objects" --mirror "$NGINX_URL" --mirror "$plain_url" \
	--mirror "$SERVE_URL"
known() { [ "$(counter mirrors 2 offers)" = "['verity']" ]; }
wait_for 10 known
assert_eq "$(counter mirrors 0 offers)" "[]" "offers of a plain server"
find "$WORK/objects" -path "$WORK/objects/retry" -prune -o -type f -size +0 -print0 |
	xargs -0 cat >/dev/null
for log in "$NGINX_ACCESS" "$plain" "$SERVE_ACCESS"; do
	wait_for 10 grep -q '/mirror' "$log"
	assert_eq "$(check gets "$log" /mirror)" 1 "GETs of mirror in $log"
done
assert_eq "$(grep GET "$NGINX_ACCESS" | grep -cvE '/objects/|/mirror')" 0 \
	"GETs of anything else"
