#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 240
#
# A cache between us and a mirror, Squid or Varnish: what it has is not asked for again; what it
# keeps although it is wrong is got from the origin by a second try that asks caches to step
# aside (Squid), or at least never reaches a reader (Varnish, which does not step aside).
. "${0%/*}/lib.sh"
need_cmd squid varnishd curl
. "$E2E/fault_lib.sh"

start_faultd A
squid_port=$(free_port)
cat >"$WORK/squid.conf" <<END
http_port 127.0.0.1:$squid_port
http_access allow all
cache_mem 64 MB
maximum_object_size_in_memory 16 MB
refresh_pattern . 60 100% 600
access_log none
cache_log $WORK/squid.cache.log
pid_filename $WORK/squid.pid
coredump_dir $WORK
pinger_enable off
shutdown_lifetime 0 seconds
END
chmod 777 "$WORK"
start_bg "$WORK/squid.log" squid -N -f "$WORK/squid.conf"
wait_port "$squid_port" 30

varnish_port=$(free_port)
cat >"$WORK/cfs.vcl" <<END
vcl 4.1;
backend origin { .host = "127.0.0.1"; .port = "$A_PORT"; }
sub vcl_backend_response { set beresp.ttl = 600s; }
END
start_bg "$WORK/varnish.log" varnishd -F -j none -n "$WORK/varnish" -f "$WORK/cfs.vcl" \
	-a "127.0.0.1:$varnish_port" -s malloc,64m
wait_port "$varnish_port" 30
VARNISH=http://127.0.0.1:$varnish_port

# twice NAME OPTION...: two clients with stores of their own; the origin is asked once.
twice() {
	local name=$1

	shift
	fault "$name"
	rules "$A"
	client "$@"
	bytes 10000 "${OBJECTS[@]:0:6}" "$BIG"
	done_with "$name, the first client"
	client "$@"
	bytes 10000 "${OBJECTS[@]:0:6}" "$BIG"
	done_with "$name, the second"
	assert_eq "$(curl -sf "$A/-/stats" | jq '[.gets | to_entries[] |
		select(.key | startswith("/objects/")) | .value] | add')" 7 "$name: GETs at the origin"
}
twice "through Squid" --mirror "$A" --proxy "http://127.0.0.1:$squid_port"
twice "through Varnish" --mirror "$VARNISH"

fault "wrong bytes in Squid"
rules "$A" "objects flip first=1 per=url"
client --mirror "$A" --proxy "http://127.0.0.1:$squid_port"
bytes 10000 "${OBJECTS[@]:6:3}"
assert_eq "$(results "$A" bad_digest)" 3 "$FAULT: wrong bytes seen"
done_with "$FAULT"

fault "wrong bytes in Varnish: the other mirror"
start_faultd B
rules "$A" "objects flip"
client --mirror "$VARNISH" --mirror "$B"
bytes 10000 "${OBJECTS[@]:9:3}"
assert_eq "$(seen "$B" gets)" 3 "$FAULT: GETs of the other mirror"
done_with "$FAULT"
