#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Any machine on the network can answer DHCP.  A root-path that is no mirror is passed over
# with one message, by both initramfs frameworks, and the image is mounted from the store.
. "${0%/*}/lib.sh"
need_root
need_fuse
need_fs erofs

make_tree "$WORK/tree"
make_store "$WORK/origin" "$WORK/tree" tree
start_serve "$WORK/origin"
mkdir -p "$WORK/run/systemd/netif/leases" "$WORK/store" "$WORK/mnt" "$WORK/libexec"
cp -a "$WORK/origin/." "$WORK/store"
chmod 700 "$WORK/store"
mount --bind "$WORK/run" /run
# Each framework's own functions, without what they do when they are run.
boot=$CFS_TOP/cache/boot
grep -v '^\. /usr/lib/composefs/root.sh$' "$boot/initramfs-tools/cfs" >"$WORK/libexec/initramfs-tools"
sed '/^\. \/usr\/lib\/composefs\/root.sh$/d; /^# systemd stops what is in/,$d' "$boot/dracut/mount.cfsroot" |
	grep -v '^export PATH=' >"$WORK/libexec/dracut"

# lease VALUE: as each framework finds it.
lease() {
	local quoted=${1//\'/\'\\\'\'}

	rm -f /run/net-*.conf
	{
		printf "DEVICE='eth0'\nPROTO='dhcp'\nIPV4ADDR='10.0.0.2'\nIPV4DNS0='10.0.0.1'\nIPV4DNS1='0.0.0.0'\n"
		printf "ROOTPATH='%s'\n" "$quoted"
	} >/run/net-eth0.conf
	printf 'ADDRESS=10.0.0.2\nROOT_PATH=%s\n' "$1" >/run/systemd/netif/leases/2
}

# boot FRAMEWORK: prints the mirrors that it takes; what it says is in err.
# shellcheck disable=SC2034,SC2317 # what the sourced functions use
boot() {
	(
		set +eu
		# shellcheck source=/dev/null
		. "$boot/root.sh"
		# shellcheck source=/dev/null
		. "$WORK/libexec/$1"
		CFS_RUN=$WORK/run/composefs CFS_STORE=$WORK/store
		mkdir -p "$CFS_RUN/etc"
		cfs_mirrors='' cfs_no_mirror=''
		cfs_digest=$IMAGE_DIGEST cfs_verity=off cfs_retry=hard cfs_prefetch=none
		cfs_object=objects/$(object_path "$IMAGE_DIGEST")
		# Asked more than one time while it waits: it says so one time.
		cfs_take_network
		cfs_take_network
		cfs_get_image || exit
		cfs_mount_options() {
			printf 'store=%s,digest=%s,verity_check=0' "$CFS_STORE" "$cfs_digest"
		}
		cfs_mount_image "$WORK/mnt" || exit
		echo "mirrors=$cfs_mirrors"
	) >"$WORK/out" 2>"$WORK/err"
}

long=http://mirror/$(printf 'x%.0s' {1..5000})
n=0
while IFS= read -r bad; do
	n=$((n + 1))
	[ "$bad" != LONG ] || bad=$long
	lease "$bad"
	for framework in initramfs-tools dracut; do
		boot "$framework" || fail "$framework, root-path '${bad:0:80}': $(cat "$WORK/err")"
		assert_in "mirrors=" "$WORK/out"
		assert_eq "$(sed -n 's/^mirrors=//p' "$WORK/out")" "" "$framework took '${bad:0:80}'"
		if [ -n "$bad" ]; then
			assert_eq "$(grep -c "DHCP's root-path is passed over" "$WORK/err")" 1 \
				"$framework: messages about '${bad:0:80}'"
		fi
		cmp "$WORK/tree/large" "$WORK/mnt/large"
		umount "$WORK/mnt"
	done
done <<'END'

http://[
http://[::1
http://h:99999/
http://h:0x50/
http:///
http://
https://
http://x,y
http://x,verity_check=0,rw
http://h/a b
http://user:password@10.0.0.1/
http://h/?query
http://h/#fragment
http://h/$(reboot)
http://h/`reboot`
http://h/';reboot;'
ftp://h/
s3+http://h/
nfs:10.0.0.1:/export
10.0.0.1:/export,v3
/srv/root
iscsi:10.0.0.1::::iqn.2001-04.com.example:root
-o exec
--help
*
LONG
END
[ "$n" -gt 25 ] || fail "only $n root-paths were tried"

# One that only the name server could tell to be wrong does no harm.
for odd in http://%zz/ http://=+~ http://nowhere.invalid/; do
	lease "$odd"
	for framework in initramfs-tools dracut; do
		boot "$framework" || fail "$framework, root-path $odd: $(cat "$WORK/err")"
		cmp "$WORK/tree/large" "$WORK/mnt/large"
		umount "$WORK/mnt"
	done
done

# A good one is the mirror, by any framework, in any spelling.
for good in "$SERVE_URL" "$SERVE_URL/" "HTTP${SERVE_URL#http}"; do
	lease "$good"
	for framework in initramfs-tools dracut; do
		boot "$framework" || fail "$framework, root-path $good: $(cat "$WORK/err")"
		assert_eq "$(sed -n 's/^mirrors=//p' "$WORK/out")" "$good" "mirror of $framework"
		umount "$WORK/mnt"
	done
done

# What decides is what the fetcher takes.
assert_fails cfs-fetch --check-mirror='http://[' 2>"$WORK/err"
assert_in "check-mirror" "$WORK/err"
cfs-fetch --check-mirror=http://mirror:8080/base
