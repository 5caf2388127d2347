#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 180
#
# Names of mirrors: a name server that does not answer yet, a name that does not exist yet, and
# a mirror that moves to another address, for a fetcher that runs meanwhile.
. "${0%/*}/lib.sh"
need_root
need_fuse
need_cmd ip dnsmasq
if [ -z "${DNS_NET:-}" ]; then
	export DNS_NET=1
	exec unshare --net "$BASH" "$0" "$@"
fi
ip link set lo up
echo "nameserver 127.0.0.1" >"$WORK/resolv.conf"
echo "options timeout:1 attempts:1" >>"$WORK/resolv.conf"
mount --bind "$WORK/resolv.conf" "$(realpath /etc/resolv.conf)"
echo "hosts: files dns" >"$WORK/nsswitch.conf"
mount --bind "$WORK/nsswitch.conf" /etc/nsswitch.conf

mkdir "$WORK/tree"
for i in 1 2 3 4; do
	head -c 5000 /dev/urandom >"$WORK/tree/$i"
done
make_store "$WORK/origin" "$WORK/tree" tree
mkdir -p "$WORK/store/objects" "$WORK/store/images"
cfs-store import "$WORK/store" "$WORK/origin/images/tree" tree >/dev/null

# serve_at ADDRESS
serve_at() {
	start_bg "$WORK/serve.$1.log" cfs-serve --listen "$1:8080" "$WORK/origin"
	SERVE_PID=$BG_PID
	wait_for 10 curl -sf -o /dev/null "http://$1:8080/healthz"
}
# name_is ADDRESS|"": what the name server says from now on.
name_is() {
	: >"$WORK/hosts"
	[ -z "$1" ] || echo "$1 mirror.test" >"$WORK/hosts"
	[ -z "${DNS_PID:-}" ] || kill -HUP "$DNS_PID"
}
# read_later FILE: in the background; sets READER.
read_later() {
	cmp "$WORK/tree/$1" "$WORK/mnt/$1" &
	READER=$!
}
arrives() { wait "$READER" || fail "$1"; }

serve_at 127.0.0.2
start_fetch "$WORK/store" "$WORK/cfs" --mirror http://mirror.test:8080
mount_cfs "$WORK/store/images/tree" "$WORK/mnt" \
	"basedir=$WORK/store/objects:$WORK/cfs/retry,verity_check=0"

read_later 1
name_is ""
start_bg "$WORK/dns.log" dnsmasq --keep-in-foreground --log-facility=- --no-resolv --no-hosts \
	--addn-hosts="$WORK/hosts" --listen-address=127.0.0.1 --bind-interfaces --user=root \
	--pid-file="$WORK/dns.pid" --local-ttl=1
DNS_PID=$BG_PID
chmod 755 "$WORK"
sleep 2
kill -0 "$READER" || fail "the reader did not wait for a name"
name_is 127.0.0.2
arrives "after the name appeared"
cmp "$WORK/tree/2" "$WORK/mnt/2"

stop_bg "$SERVE_PID"
serve_at 127.0.0.3
name_is 127.0.0.3
read_later 3
arrives "after the mirror moved"

# What a name server says no more is no reason to drop a connection that works.
name_is ""
cmp "$WORK/tree/4" "$WORK/mnt/4"
