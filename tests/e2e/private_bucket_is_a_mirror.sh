#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 240
#
# A store in an S3 bucket that is not public is a mirror: OpenStack Swift with its S3 protocol,
# which checks each signature.  Without credentials, or with wrong ones, nothing comes.
. "${0%/*}/lib.sh"
need_root
need_fuse
need_cmd ip curl swift-proxy-server swift-ring-builder
if [ -z "${BUCKET_NET:-}" ]; then
	export BUCKET_NET=1
	exec unshare --net "$BASH" "$0" "$@"
fi
ip link set lo up

make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree

# One of each server, one replica of everything.
mkdir -p "$WORK/swift" "$WORK/disks/one"
cat >"$WORK/swift/swift.conf" <<END
[swift-hash]
swift_hash_path_prefix = a
swift_hash_path_suffix = b
END
port=6200
for kind in account container object; do
	(
		cd "$WORK/swift"
		swift-ring-builder $kind.builder create 2 1 1
		swift-ring-builder $kind.builder add "r1z1-127.0.0.1:$port/one" 1
		swift-ring-builder $kind.builder rebalance
	) >"$WORK/ring.log"
	cat >"$WORK/swift/$kind.conf" <<-END
	[DEFAULT]
	bind_ip = 127.0.0.1
	bind_port = $port
	user = root
	swift_dir = $WORK/swift
	devices = $WORK/disks
	mount_check = false
	workers = 0
	[pipeline:main]
	pipeline = $kind-server
	[app:$kind-server]
	use = egg:swift#$kind
	END
	start_bg "$WORK/$kind.log" swift-$kind-server "$WORK/swift/$kind.conf"
	port=$((port + 1))
done

# swift_proxy PORT PIPELINE: one speaks S3 and wants to know who asks, one lets us publish.
swift_proxy() {
	cat >"$WORK/swift/proxy.$1.conf" <<-END
	[DEFAULT]
	bind_ip = 127.0.0.1
	bind_port = $1
	user = root
	swift_dir = $WORK/swift
	workers = 0
	[pipeline:main]
	pipeline = $2
	[app:proxy-server]
	use = egg:swift#proxy
	allow_account_management = true
	account_autocreate = true
	[filter:catch_errors]
	use = egg:swift#catch_errors
	[filter:cache]
	use = egg:swift#memcache
	memcache_servers = 127.0.0.1:1
	[filter:listing_formats]
	use = egg:swift#listing_formats
	[filter:s3api]
	use = egg:swift#s3api
	location = somewhere-1
	[filter:tempauth]
	use = egg:swift#tempauth
	user_test_tester = the/secret+key .admin
	[filter:copy]
	use = egg:swift#copy
	[filter:slo]
	use = egg:swift#slo
	END
	start_bg "$WORK/proxy.$1.log" swift-proxy-server "$WORK/swift/proxy.$1.conf"
	wait_port "$1" 60
}
swift_proxy 8080 "catch_errors cache listing_formats s3api tempauth copy slo proxy-server"
swift_proxy 8081 "catch_errors cache proxy-server"
for port in 6200 6201 6202; do
	wait_port "$port" 60
done

# Published by the other protocol, as its owner may.
own=http://127.0.0.1:8081/v1/AUTH_test/bucket
put() { curl -sf -o /dev/null --retry 10 --retry-all-errors "$@"; }
put -X PUT "$own"
(cd "$WORK/origin" && find objects -type f && find images -type l) | while read -r name; do
	put -T "$WORK/origin/$name" "$own/$name"
done

credentials() { printf '%s\n' "$@" >"$WORK/credentials"; }
url=http://127.0.0.1:8080/bucket

# seed MIRROR [OPTION...]
seed() {
	local mirror=$1

	shift
	cfs-seed --store="$WORK/store" --deadline=5 --mirror="$mirror" "$@" tree \
		>"$WORK/seed.log" 2>&1
}
assert_fails seed "$url"
assert_fails seed "s3+$url"
assert_in "s3-credentials" "$WORK/seed.log"
credentials "[default]" "aws_access_key_id = test:tester" "aws_secret_access_key = wrong"
assert_fails seed "s3+$url" --s3-credentials="$WORK/credentials" --s3-region=somewhere-1
assert_in "denied" "$WORK/seed.log"
credentials "[default]" "aws_access_key_id = test:tester"
assert_fails seed "s3+$url" --s3-credentials="$WORK/credentials"
assert_in "malformed" "$WORK/seed.log"
[ ! -e "$WORK/store/images/tree" ] || fail "an image came out of a private bucket"

credentials "# comment" "[other]" "aws_access_key_id = x" "[default]" "region = elsewhere" \
	"aws_access_key_id = test:tester" "aws_secret_access_key = the/secret+key"
# An image first, then each object when it is opened.
mkdir -p "$WORK/store/objects" "$WORK/store/images"
cfs-store import "$WORK/store" "$WORK/origin/images/tree" tree >/dev/null
start_fetch "$WORK/store" "$WORK/cfs" --mirror "s3+$url" \
	--s3-credentials="$WORK/credentials" --s3-region=somewhere-1
mount_cfs "$WORK/store/images/tree" "$WORK/mnt" \
	"basedir=$WORK/store/objects:$WORK/cfs,verity_check=0"
check compare-trees --hash "$WORK/tree" "$WORK/mnt"
umount "$WORK/mnt"

rm -rf "$WORK/store"
seed "s3+$url" --s3-credentials="$WORK/credentials" --s3-region=somewhere-1 || {
	cat "$WORK/seed.log" >&2
	fail "cfs-seed"
}
cfs-store verify --full "$WORK/store" >/dev/null
