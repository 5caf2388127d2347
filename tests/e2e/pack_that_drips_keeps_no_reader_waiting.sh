#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A mirror's pack begins late and then takes five minutes; another mirror has each object
# at once.  Readers of what the pack promises do not wait for it, and cfs-seed gives the pack
# up.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve cfs-seed cfs-store mkcomposefs

mkdir "$WORK/tree"
for i in {100..199}; do
	head -c 50000 /dev/urandom >"$WORK/tree/$i"
done
make_origin
start_mirror
cp -r "$ORIGIN" "$WORK/packed"
cfs-store pack --all "$WORK/packed" tree >/dev/null
cfs-store pack --all --name=all "$WORK/packed" tree >/dev/null

SLOW_PORT=$(free_port)
SLOW=http://127.0.0.1:$SLOW_PORT
start_bg "$WORK/slow.log" python3 "$E2E/faultd.py" --store "$WORK/packed" --listen "$SLOW_PORT" \
	"/objects/ status code=404" "/packs/ trickle late=3 s=300" "/mirror ok"
wait_port "$SLOW_PORT"

new_store "$WORK/store"
start_fetch "$WORK/store" "$WORK/objects" --mirror "$SLOW" --mirror "$SERVE_URL"
# Its index is here: objects are promised.
pack_has_begun() { curl -sf "$SLOW/-/stats" | grep -q '"bytes": [1-9][0-9][0-9][0-9][0-9]'; }
wait_for 20 pack_has_begun
start=$(now_ms)
for i in {100..139}; do
	cmp "$WORK/tree/$i" "$WORK/objects/$(path_of "$i")"
done
took=$(($(now_ms) - start))
[ "$took" -lt 15000 ] || fail "forty small objects took $took ms"
stop_bg "$FETCH_PID"

timeout 60 cfs-seed --store="$WORK/seeded" --mirror="$SLOW" --mirror="$SERVE_URL" tree ||
	fail "cfs-seed waits for the pack"
