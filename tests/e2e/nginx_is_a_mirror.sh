#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A store under nginx is a mirror as it stands: nginx in place of cfs-serve.
. "${0%/*}/lib.sh"
need_root
need_fuse
need_cmd nginx

make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree
port=$(free_port)
cat >"$WORK/nginx.conf" <<END
daemon off;
user root;
pid $WORK/nginx.pid;
error_log stderr;
events { }
http {
	access_log $WORK/access.log;
	client_body_temp_path $WORK/body;
	proxy_temp_path $WORK/proxy;
	fastcgi_temp_path $WORK/fastcgi;
	uwsgi_temp_path $WORK/uwsgi;
	scgi_temp_path $WORK/scgi;
	server { listen 127.0.0.1:$port; root $WORK/origin; }
}
END
start_bg "$WORK/nginx.log" nginx -c "$WORK/nginx.conf"
wait_port "$port"

mkdir "$WORK/store"
mount_cfs "http://127.0.0.1:$port/images/tree" "$WORK/mnt" \
	"store=$WORK/store,digest=$IMAGE_DIGEST,tryverity"
check compare-trees --hash "$WORK/tree" "$WORK/mnt"
sed -n 's/.*"GET \([^ ]*\) .*/\1/p' "$WORK/access.log" | sort >"$WORK/gets"
assert_eq "$(uniq -d "$WORK/gets")" "" "paths that were asked for twice"
assert_eq "$(grep -c '^/objects/' "$WORK/gets")" "$(count_objects "$WORK/store")" "GETs of objects"
