#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 240
#
# What cfs-serve says about keeping its answers: an error is never kept, so what is
# published is seen at once through Varnish, and a 416 poisons no cache that ignores
# ranges; conditions by date and by tag get 304, 412, a range or the whole, for GET and HEAD
# alike; wget -N gets what has changed and nothing else.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"
need_cmd curl

# head URL OPTION...: the head of the answer to GET, without its date; checks HEAD.
head_of() {
	curl -s -o /dev/null -D - "$@" | tr -d '\r' | grep -v '^Date: ' >"$WORK/get"
	curl -s -o /dev/null -D - -X HEAD -I "$@" | tr -d '\r' | grep -v '^Date: ' >"$WORK/head"
	cat "$WORK/get"
}
# answers STATUS URL OPTION...
answers() {
	local want=$1

	shift
	head_of "$@" >"$WORK/answer"
	assert_eq "$(awk 'NR == 1 { print $2 }' "$WORK/answer")" "$want" "status of $*"
	# Ranges are GET's alone.
	case $want in 206 | 416) ;; *) diff "$WORK/get" "$WORK/head" || fail "HEAD differs for $*" ;; esac
	[ "$want" -lt 400 ] || assert_in "Cache-Control: no-store" "$WORK/answer"
	if [ "$want" -ge 400 ]; then
		assert_eq "$(grep -ci '^Cache-Control:' "$WORK/answer")" 1 "Cache-Control lines of $*"
	else
		[ "$want" = 200 ] && [[ "$*" == */healthz* ]] || ! grep -q no-store "$WORK/answer" ||
			fail "$* must not be kept"
	fi
}

touch -h -d @1600000000 "$STORE/images/os"
touch -d @1500000000 "$STORE$(serve_http url small)" "$STORE$(serve_http url large)"
OLD='Fri, 14 Jul 2017 02:39:59 GMT' DATE='Fri, 14 Jul 2017 02:40:00 GMT' NEW='Fri, 14 Jul 2017 02:40:01 GMT'
for io in auto epoll; do
	start_serve "$STORE" --unsealed --io=$io
	for name in small large; do
		object=$SERVE_URL$(serve_http url $name)
		answers 200 "$object"
		assert_in "Last-Modified: $DATE" "$WORK/answer"
		assert_in immutable "$WORK/answer"
		tag=$(sed -n 's/^ETag: //p' "$WORK/answer")
		answers 304 "$object" -H "If-None-Match: $tag"
		assert_in "ETag: $tag" "$WORK/answer"
		answers 304 "$object" -H "If-Modified-Since: $DATE"
		answers 304 "$object" -H "If-Modified-Since: $NEW"
		answers 200 "$object" -H "If-Modified-Since: $OLD"
		answers 200 "$object" -H "If-Modified-Since: $NEW" -H 'If-None-Match: "x"'
		answers 200 "$object" -H "If-Match: $tag"
		answers 200 "$object" -H "If-Match: *"
		answers 412 "$object" -H 'If-Match: "x"'
		answers 412 "$object" -H "If-Match: W/$tag"
		answers 412 "$object" -H 'If-Match: "x"' -H "If-None-Match: $tag" -r 0-9
		answers 412 "$object" -H "If-Unmodified-Since: $OLD"
		answers 200 "$object" -H "If-Unmodified-Since: $DATE"
		answers 200 "$object" -H "If-Unmodified-Since: $OLD" -H "If-Match: $tag"
		answers 206 "$object" -r 0-9
		answers 206 "$object" -r 0-9 -H "If-Range: $tag"
		answers 206 "$object" -r 0-9 -H "If-Range: $DATE"
		answers 200 "$object" -r 0-9 -H "If-Range: $NEW"
		answers 200 "$object" -r 0-9 -H 'If-Range: "x"'
		answers 416 "$object" -r 99999999-
		answers 412 "$object" -r 99999999- -H 'If-Match: "x"'
		answers 304 "$object" -r 99999999- -H "If-None-Match: $tag"
	done
	answers 200 "$SERVE_URL/healthz"
	answers 412 "$SERVE_URL/healthz" -H 'If-Match: "x"'
	answers 404 "$SERVE_URL/images/none"
	answers 404 "$SERVE_URL/images/none" -H 'If-Match: "x"'
	answers 404 "$SERVE_URL/nonsense"
	answers 404 "$SERVE_URL/metrics"
	for bad in "-X POST" "-H Range:bytes=0-1 -H Range:bytes=1-2" "-H Transfer-Encoding:chunked"; do
		# shellcheck disable=SC2086
		curl -s -o /dev/null -D - $bad "$SERVE_URL/healthz" >"$WORK/answer"
		assert_in "Cache-Control: no-store" "$WORK/answer"
	done
	stop_bg "$SERVE_PID"
done

# A name that leads to an older object than before is newer than both.
start_serve "$STORE" --unsealed
answers 200 "$SERVE_URL/images/os"
before=$(sed -n 's/^Last-Modified: //p' "$WORK/answer")
assert_in "Cache-Control: no-cache" "$WORK/answer"
if command -v wget >/dev/null; then
	cd "$WORK"
	wget -q -N "$SERVE_URL/images/os"
	inode=$(stat -c %i os)
	# shellcheck disable=SC2012
	ls -l --time-style=full-iso os >before
	wget -N "$SERVE_URL/images/os" 2>err
	assert_eq "$(stat -c %i os)" "$inode" "what has not changed"
	assert_in "304 Not Modified" err
fi
sleep 1.1
ln -sfn "../objects/$(serve_http url page | cut -d/ -f3-)" "$STORE/images/os"
touch -d @1400000000 "$STORE$(serve_http url page)"
answers 200 "$SERVE_URL/images/os" -H "If-Modified-Since: $before"
if command -v wget >/dev/null; then
	wget -q -N "$SERVE_URL/images/os"
	cmp os "$STORE$(serve_http url page)"
fi

need_cmd varnishd nginx
varnish_port=$(free_port)
cat >"$WORK/cfs.vcl" <<END
vcl 4.1;
backend origin { .host = "127.0.0.1"; .port = "$SERVE_PORT"; }
END
start_bg "$WORK/varnish.log" varnishd -F -j none -n "$WORK/varnish" -f "$WORK/cfs.vcl" \
	-a "127.0.0.1:$varnish_port" -s malloc,64m
wait_port "$varnish_port" 30
nginx_port=$(free_port)
mkdir "$WORK/proxy"
cat >"$WORK/proxy/nginx.conf" <<END
daemon off;
user root;
pid $WORK/proxy/pid;
error_log stderr;
events { }
http {
	access_log off;
	client_body_temp_path $WORK/proxy/body;
	proxy_temp_path $WORK/proxy/proxy;
	fastcgi_temp_path $WORK/proxy/fastcgi;
	uwsgi_temp_path $WORK/proxy/uwsgi;
	scgi_temp_path $WORK/proxy/scgi;
	proxy_cache_path $WORK/proxy/cache keys_zone=all:1m;
	server {
		listen 127.0.0.1:$nginx_port;
		location / {
			proxy_pass $SERVE_URL;
			proxy_http_version 1.1;
			proxy_set_header Range \$http_range;
			proxy_cache all;
			proxy_cache_valid any 10m;
			proxy_ignore_headers X-Accel-Expires;
		}
	}
}
END
start_bg "$WORK/proxy/log" nginx -c "$WORK/proxy/nginx.conf"
wait_port "$nginx_port"
number=0
for port in "$varnish_port" "$nginx_port"; do
	through=http://127.0.0.1:$port
	number=$((number + 1))
	# Asked for before it is published.
	assert_eq "$(curl -s -o /dev/null -w '%{http_code}' "$through/images/later$number")" 404 "before"
	ln -s "$(readlink "$STORE/images/os")" "$STORE/images/later$number"
	curl -sf "$through/images/later$number" | cmp - "$STORE$(serve_http url page)"
	# A range that can't be satisfied first, then the whole.
	object=$(serve_http url large)
	curl -s -o /dev/null -r 99999999- "$through$object" || true
	curl -sf "$through$object" | cmp - "$STORE$object"
	curl -sf "$through$object" | cmp - "$STORE$object"
done
