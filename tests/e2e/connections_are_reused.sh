#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 180
#
# Hundreds of objects from eight readers take a few connections: over HTTP/2, where the mirror
# has it, one carries many requests at a time; over HTTP/1.1 each carries one after another.
. "${0%/*}/lib.sh"
need_root
need_fuse
need_cmd nginx openssl

mkdir "$WORK/tree"
python3 - "$WORK/tree" <<'END'
import random, sys
random.seed(5)
for i in range(400):
    open(f"{sys.argv[1]}/{i}", "wb").write(random.randbytes(2000 + i))
END
make_store "$WORK/origin" "$WORK/tree" tree
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj /CN=localhost \
	-addext subjectAltName=IP:127.0.0.1 -keyout "$WORK/key" -out "$WORK/cert" 2>/dev/null
h1=$(free_port)
h2=$(free_port)
{
	echo "daemon off; user root; pid $WORK/nginx.pid; error_log stderr; events { }"
	echo "http { log_format how '\$server_protocol \$connection \$request_uri';"
	echo "access_log $WORK/access.log how; ssl_certificate $WORK/cert; ssl_certificate_key $WORK/key;"
	for dir in client_body proxy fastcgi uwsgi scgi; do
		echo "${dir}_temp_path $WORK/tmp-$dir;"
	done
	echo "server { listen 127.0.0.1:$h1 ssl; root $WORK/origin; }"
	echo "server { listen 127.0.0.1:$h2 ssl http2; root $WORK/origin; }"
	echo "}"
} >"$WORK/nginx.conf"
start_bg "$WORK/nginx.log" nginx -c "$WORK/nginx.conf"
wait_port "$h1"
wait_port "$h2"

# how PORT: eight readers of everything, through that server; sets protocols and connections.
how() {
	rm -rf "$WORK/store"
	mkdir -p "$WORK/store/objects" "$WORK/store/images"
	: >"$WORK/access.log"
	cfs-store import "$WORK/store" "$WORK/origin/images/tree" tree >/dev/null
	start_fetch "$WORK/store" "$WORK/cfs" --mirror "https://127.0.0.1:$1" \
		--ca-bundle="$WORK/cert"
	mount_cfs "$WORK/store/images/tree" "$WORK/mnt" \
		"basedir=$WORK/store/objects:$WORK/cfs/retry,verity_check=0"
	find "$WORK/mnt" -type f -print0 | xargs -0 -P 8 -n 50 cat >/dev/null
	check compare-trees --hash "$WORK/tree" "$WORK/mnt"
	umount "$WORK/mnt"
	umount "$WORK/cfs"
	stop_bg "$FETCH_PID"
	grep -F /objects/ "$WORK/access.log" >"$WORK/gets"
	assert_eq "$(wc -l <"$WORK/gets")" "$(($(count_objects "$WORK/origin") - 1))" "GETs of objects"
	protocols=$(cut -d' ' -f1 "$WORK/gets" | sort -u)
	connections=$(cut -d' ' -f2 "$WORK/gets" | sort -u | wc -l)
}

how "$h2"
assert_eq "$protocols" HTTP/2.0 "protocols"
[ "$connections" -le 2 ] || fail "$connections connections over HTTP/2"
how "$h1"
assert_eq "$protocols" HTTP/1.1 "protocols"
[ "$connections" -le 12 ] || fail "$connections connections over HTTP/1.1, for eight readers"
