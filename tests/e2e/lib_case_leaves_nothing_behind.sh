#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A case that is killed while it has mounts, processes and files leaves none of the
# mounts and processes; one that fails by itself leaves nothing at all.
. "${0%/*}/lib.sh"
need_root

cat >"$WORK/case.sh" <<'END'
. "$E2E/lib.sh"
mkdir "$WORK/m" "$WORK/m2"
mount -t tmpfs t "$WORK/m"
mkdir "$WORK/m/sub dir"
mount -t tmpfs t "$WORK/m/sub dir"
start_bg "$WORK/log" sleep 4242
echo "$WORK" >"$OUT"
"$END"
END
export OUT=$WORK/out

unset CFS_E2E_NAMESPACE
export TMPDIR=$WORK
END=false assert_fails bash "$WORK/case.sh"
[ ! -e "$(cat "$OUT")" ] || fail "the work directory is still there"

rm "$OUT"
stuck() { exec sleep 4343; }
export -f stuck
END=stuck start_bg "$WORK/killed.log" bash "$WORK/case.sh"
wait_for 10 test -s "$OUT"
stop_bg "$BG_PID" KILL
wait_for 5 eval '! pgrep -f "sleep 424[2]"'
! grep "$(cat "$OUT")" /proc/self/mountinfo || fail "a mount is left"
