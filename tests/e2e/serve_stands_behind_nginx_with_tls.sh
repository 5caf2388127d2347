#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The example configuration works: TLS and HTTP/2 in front, objects out of nginx's cache
# after the first time, names asked for again each time, ranges and tags passed through.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"
need_cmd nginx openssl curl

port=$(free_port)
start_serve "$STORE" --unsealed
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=IP:127.0.0.1 -keyout "$WORK/key" -out "$WORK/cert" 2>/dev/null
mkdir "$WORK/cache"
{
	echo "daemon off; pid $WORK/nginx.pid; error_log $WORK/nginx.err; worker_processes 1;"
	echo "user $(id -un);"
	echo "events { worker_connections 256; } http { access_log off;"
	sed -e "s,/var/cache/nginx/cfs,$WORK/cache," -e "s,127.0.0.1:8080,127.0.0.1:$SERVE_PORT," \
		-e "s,listen 443,listen 127.0.0.1:$port," \
		-e "s,/etc/ssl/certs/mirror.example.org.pem,$WORK/cert," \
		-e "s,/etc/ssl/private/mirror.example.org.key,$WORK/key," "$CFS_TOP/server/nginx-tls.conf"
	for dir in client_body proxy fastcgi uwsgi scgi; do
		echo "${dir}_temp_path $WORK/tmp-$dir;"
	done
	echo "}"
} >"$WORK/nginx.conf"
start_bg "$WORK/nginx.log" nginx -c "$WORK/nginx.conf" -e "$WORK/nginx.err"
wait_port "$port"

https() { curl -sS --cacert "$WORK/cert" "$@"; }
base=https://127.0.0.1:$port
for name in small large; do
	url=$(serve_http url $name)
	for _ in 1 2 3; do
		https "$base$url" | cmp - "$STORE$url"
	done
	served() { [ "$(grep -c "path=$url status=200" "$SERVE_ACCESS")" = 1 ]; }
	wait_for 5 served
	https -r 10-19 "$base$url" | cmp - <(tail -c +11 "$STORE$url" | head -c 10)
	tag=$(https -I "$base$url" | tr -d '\r' | awk 'tolower($1) == "etag:" { print $2 }')
	assert_eq "$tag" "\"$(basename "$(dirname "$url")")$(basename "$url")\"" "the entity tag"
	status=$(https -o /dev/null -w '%{http_code}' -H "If-None-Match: $tag" "$base$url")
	assert_eq "$status" 304 "a known object"
done
assert_eq "$(https -o /dev/null -w '%{http_version}' "$base/healthz")" 2 "HTTP version"

https "$base/images/os" | cmp - "$STORE$(serve_http url small)"
ln -sfn "..$(serve_http url page)" "$STORE/images/os"
https "$base/images/os" | cmp - "$STORE$(serve_http url page)"
status=$(https -o /dev/null -w '%{http_code}' --path-as-is "$base/objects/../../etc/passwd")
[ "$status" = 404 ] || [ "$status" = 400 ] || fail "a way out of the store: $status"
