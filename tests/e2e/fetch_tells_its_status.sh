#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The status can be read while it runs, as text, JSON and by Prometheus, and in a status
# file after it ended; it says what is wrong with a mirror, and it keeps no secret in it.
. "${0%/*}/lib.sh"
. "$E2E/lazy.sh"
need_root
need_fuse
need_prog cfs-fetch cfs-serve mkcomposefs cfs-store

make_origin
new_store "$WORK/store"
start_mirror
echo "s3cr3t-t0ken" >"$WORK/token"
chmod 600 "$WORK/token"
dead=$(dead_url)
start_fetch "$WORK/store" "$WORK/objects" --mirror "$dead" --mirror "$SERVE_URL" \
	--token-file "$WORK/token" --status-file "$WORK/status.json"
cmp "$WORK/tree/large" "$WORK/objects/$(path_of large)"

assert_eq "$(stat -f -c '%b %c' "$WORK/objects")" "$(stat -f -c '%b %c' "$WORK/store")" \
	"what df shows: the store's blocks and inodes"

cfs-fetch --status "$WORK/objects" | tee "$WORK/text"
assert_in "mountpoint    $WORK/objects" "$WORK/text"
assert_in "1 of $(counter total objects) objects, " "$WORK/text"
assert_in "$dead" "$WORK/text"
python3 -m json.tool "$WORK/objects/.cfs/status.json" >/dev/null
assert_eq "$(counter images 0 name)" tree "image"

cat "$WORK/objects/.cfs/metrics" >"$WORK/metrics"
assert_in "cfs_fetched_objects_total 1" "$WORK/metrics"
python3 - "$WORK/metrics" <<'END'
import re, sys
typed, helped = set(), set()
for line in open(sys.argv[1]):
    m = re.fullmatch(r"# (HELP|TYPE) (cfs_[a-z_]+) .+\n", line)
    if m:
        assert m[2] not in (helped if m[1] == "HELP" else typed), line
        (helped if m[1] == "HELP" else typed).add(m[2])
        continue
    m = re.fullmatch(r'(cfs_[a-z_]+)(\{[a-z]+="[^"]*"(,[a-z]+="[^"]*")*\})? [0-9.e+-]+\n', line)
    assert m, line
    name = re.sub("_(bucket|sum|count)$", "", m[1])
    assert m[1] in typed & helped or name in typed & helped, line
print(len(typed), "metrics")
END
stop_bg "$FETCH_PID"
cfs-fetch --status "$WORK/status.json" >"$WORK/last"
assert_in "1 of " "$WORK/last"
for file in text metrics last status.json fetch.log; do
	grep -F s3cr3t "$WORK/$file" && fail "the token is in $file"
done

status=0
cfs-fetch --status "$WORK" 2>"$WORK/err" || status=$?
assert_eq "$status" 1 "exit status without a mount"
assert_in "is it a mount of cfs-fetch?" "$WORK/err"
