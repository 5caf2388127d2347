#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What can't work is said at once, with a status: a port in use, no store, odd options.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

start_serve "$STORE" --unsealed
try() { # try WORD OPTION...: must fail, and say WORD
	local word=$1

	shift
	assert_fails timeout 10 cfs-serve "$@" 2>"$WORK/err" >"$WORK/out"
	assert_in "$word" "$WORK/err"
	assert_eq "$(wc -c <"$WORK/out")" 0 "bytes on standard output"
}
try "in use" --listen="127.0.0.1:$SERVE_PORT" "$STORE"
try "No such file" --listen="127.0.0.1:$(free_port)" "$WORK/none"
try "Not a directory" --listen="127.0.0.1:$(free_port)" /etc/passwd
try "missing"
try "too many" "$STORE" "$STORE"
try "numeric" --listen=localhost:80 "$STORE"
try "numeric" --listen=127.0.0.1 "$STORE"
try "numeric" --listen=::1:80 "$STORE"
try "numeric" --listen=127.0.0.1:0 "$STORE"
try "numeric" --listen=127.0.0.1:65536 "$STORE"
try "not a number" --workers=0 "$STORE"
try "not a number" --workers=x "$STORE"
try "not a size" --cache=much "$STORE"
try "twice" --workers=1 --workers=2 "$STORE"
try "io_uring" --io=threads "$STORE"
try "ulimit -n" --max-connections=1000000 "$STORE"
try "--help" --nonsense "$STORE"
cfs-serve --help | grep -q -- --listen
cfs-serve --version | grep -q '^cfs-serve [0-9]'
