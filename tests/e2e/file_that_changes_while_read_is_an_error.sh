#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A file that is written to, grows, shrinks or gets new entries while mkcomposefs reads
# it ends the run with a message that names it: no image of a tree that never was.
. "${0%/*}/lib.sh"
need_prog mkcomposefs

grow() { echo more >>"$WORK/tree/log"; }
shrink() { truncate -s 1M "$WORK/tree/log"; }
overwrite() { printf x | dd of="$WORK/tree/log" bs=1 conv=notrunc status=none; }

for change in grow shrink overwrite; do
	for options in "" "--digest-store=$WORK/objects"; do
		rm -rf "$WORK/tree" "$WORK/objects"
		mkdir "$WORK/tree"
		head -c 400M /dev/zero >"$WORK/tree/log"
		# shellcheck disable=SC2086	# no option is no argument
		mkcomposefs $options "$WORK/tree" "$WORK/image" 2>"$WORK/err" &
		pid=$!
		reading() { find "/proc/$pid/fd" -lname "*/tree/log" 2>/dev/null | grep -q .; }
		wait_for 20 reading
		kill -STOP "$pid"
		$change
		kill -CONT "$pid"
		status=0
		wait "$pid" || status=$?
		assert_eq "$status" 1 "status after $change with '$options'"
		assert_in "mkcomposefs: $WORK/tree/log: it changed while it was read" "$WORK/err"
		[ ! -e "$WORK/image" ] || fail "$change with '$options' left an image"
	done
done
