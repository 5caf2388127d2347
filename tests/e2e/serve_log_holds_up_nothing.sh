#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: address
#
# Whatever the access log goes to, a pipe whose reader has stopped, a FIFO without one, a
# full disk, clients are answered, what is not written is counted, and SIGTERM ends the
# server.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

# ask N: requests for what is not there, with long names, over one connection.
ask() {
	python3 - "$SERVE_PORT" "$1" <<-'END'
		import socket, sys
		s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), timeout=20)
		for i in range(int(sys.argv[2])):
		    s.sendall(b"GET /" + b"x" * 250 + b" HTTP/1.1\r\nHost: a\r\n\r\n")
		    assert s.recv(4096).startswith(b"HTTP/1.1 404"), i
	END
}

ends() {
	local pid=$1 status=0

	kill -TERM "$pid"
	# The store is idle: only the log could hold it up.
	wait_for 10 gone "$pid"
	wait "$pid" || status=$?
	assert_eq "$status" 0 "exit status"
}
gone() { ! grep -qs '^State:[[:space:]]*[^Z]' "/proc/$1/status"; }

mkfifo "$WORK/pipe" "$WORK/fifo"
mkdir "$WORK/full"
full=/dev/full
if [ "$(id -u)" = 0 ] && mount -t tmpfs -o size=64k tmpfs "$WORK/full"; then
	full=$WORK/full/log
fi
sleep 1000 <>"$WORK/pipe" &
SLEEP=$!
at_exit stop_bg "$SLEEP"

for io in auto epoll; do
	for to in pipe fifo full; do
		SERVE_PORT=$(free_port)
		port=$(free_port)
		options=(--unsealed --io="$io" --workers=1 --listen "127.0.0.1:$SERVE_PORT" --metrics "127.0.0.1:$port")
		case $to in
		pipe) cfs-serve "${options[@]}" --access-log=- "$STORE" >"$WORK/pipe" 2>"$WORK/err" & ;;
		fifo) cfs-serve "${options[@]}" --access-log="$WORK/fifo" "$STORE" 2>"$WORK/err" & ;;
		full) cfs-serve "${options[@]}" --access-log="$full" "$STORE" 2>"$WORK/err" & ;;
		esac
		pid=$!
		at_exit stop_bg "$pid"
		wait_port "$SERVE_PORT"
		wait_port "$port"
		ask 2500
		dropped() { [ "$(metric "$port" cfs_serve_log_dropped_total)" -gt 0 ]; }
		wait_for 10 dropped
		ask 10
		[ "$to" != fifo ] || {
			timeout 5 head -n 3 "$WORK/fifo" >"$WORK/late"
			assert_eq "$(grep -c '^time=.* ms=[0-9]*$' "$WORK/late")" 3 "lines for a late reader"
		}
		ends "$pid"
		assert_in "event=access-log-dropped" "$WORK/err"
	done
done
