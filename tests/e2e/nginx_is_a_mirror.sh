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
start_nginx "$WORK/origin"

mkdir "$WORK/store"
mount_cfs "$NGINX_URL/images/tree" "$WORK/mnt" \
	"store=$WORK/store,digest=$IMAGE_DIGEST,tryverity"
check compare-trees --hash "$WORK/tree" "$WORK/mnt"
sed -n 's/.*"GET \([^ ]*\) .*/\1/p' "$NGINX_ACCESS" | sort >"$WORK/gets"
assert_eq "$(uniq -d "$WORK/gets")" "" "paths that were asked for twice"
assert_eq "$(grep -c '^/objects/' "$WORK/gets")" "$(count_objects "$WORK/store")" "GETs of objects"
