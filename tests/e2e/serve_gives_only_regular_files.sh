#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: address
#
# A symlink, a FIFO, a folder, a socket or a device in an object's place is not there; a
# FIFO does not block; a name that leads elsewhere than to an object is not followed.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"
need_root

mkdir -p "$STORE/objects/aa"
place() { printf '%s/objects/aa/%062d' "$STORE" "$1"; }
ln -s "$STORE/$(serve_http url small)" "$(place 1)"
ln -s /etc/passwd "$(place 2)"
mkfifo "$(place 3)"
mkdir "$(place 4)"
mksock "$(place 5)"
mknod "$(place 6)" c 1 5
touch "$(place 7)"
mount --bind /etc/passwd "$(place 7)"
mkdir "$STORE/objects/bb.real"
ln -s bb.real "$STORE/objects/bb"
touch "$STORE/objects/bb.real/$(printf %062d 0)"
ln -s /etc/passwd "$STORE/images/outside"
ln -s "../objects/aa/../../../etc/passwd" "$STORE/images/up"
ln -s "../objects/aa/$(printf %062d 99)" "$STORE/images/dangling"
echo x >"$STORE/images/file"

for io in auto epoll; do
	start_serve "$STORE" --unsealed --io=$io
	for path in objects/aa/"$(printf %062d 1)" objects/aa/"$(printf %062d 2)" \
		objects/aa/"$(printf %062d 3)" objects/aa/"$(printf %062d 4)" \
		objects/aa/"$(printf %062d 5)" objects/aa/"$(printf %062d 6)" \
		objects/aa/"$(printf %062d 7)" objects/bb/"$(printf %062d 0)" \
		images/outside images/up images/dangling images/file; do
		status=$(curl -s -m 5 -o "$WORK/body" -w '%{http_code}' "$SERVE_URL/$path") || true
		assert_eq "$status" 404 "$path ($io)"
	done
	curl -sf "$SERVE_URL$(serve_http url small)" | cmp - "$STORE$(serve_http url small)"
	stop_bg "$SERVE_PID"
done
umount "$(place 7)"
