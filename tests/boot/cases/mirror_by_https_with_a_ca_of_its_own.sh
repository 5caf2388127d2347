#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1500
# on request: another initramfs is made, a short boot and one of one to three minutes
#
# A mirror by https whose certificate an own CA has signed: an initramfs that was made
# where that CA is among the system's boots from it, and fetches when it runs, too; one
# without it waits, says why, and asks for nothing.
. "$(dirname "$0")/../machine.sh"
need_cmd nginx openssl

pair() { openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/$1.key" "${@:2}" 2>/dev/null; }
pair ca -x509 -days 2 -subj '/CN=test CA' -out "$WORK/ca.pem"
pair mirror -subj /CN=mirror -out "$WORK/mirror.csr"
openssl x509 -req -in "$WORK/mirror.csr" -CA "$WORK/ca.pem" -CAkey "$WORK/ca.key" -CAcreateserial -days 2 \
	-extfile <(echo subjectAltName=IP:10.0.2.2) -out "$WORK/mirror.pem" 2>/dev/null
port=$(free_port)
start_nginx "$ORIGIN" "listen 127.0.0.1:$port ssl; ssl_certificate $WORK/mirror.pem; ssl_certificate_key $WORK/mirror.key;"
"$here/initramfs.sh" initramfs-tools "$WORK/ca.pem"

digest=$(image_digest 1)
make_disk
words=("root=cfs:$digest" "cfs.mirror=https://10.0.2.2:$port" cfs.store=LABEL=cfs)
machine_start "${words[@]}"
await "waiting for a mirror of image $digest: https://10.0.2.2:$port"
await certificate
machine_kill
assert_eq "$(wc -l <"$NGINX_ACCESS")" 0 "requests in spite of the certificate"

INITRAMFS=initramfs-tools-ca machine_start "${words[@]}"
await 'root@cfs:~#'
assert_eq "$(guest 'systemctl is-system-running --wait')" running "state"
still_fetches
guest poweroff || true
machine_off
