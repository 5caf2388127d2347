# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=sh
# Variables come from cfs-cmdline.
# shellcheck disable=SC2154
#
# Sourced in an initramfs, by whatever framework made it: from the kernel command line
# to a mounted root file system.
#
#	cfs_mount_root DIR
#		parse	the command line; what makes no sense is refused
#		store	a file system with fs-verity, on a device or in memory
#		network	by the framework: it defines cfs_network
#		image	fetched, unless the store has it, and checked
#		mount	read-only, and its fetcher started
#		overlay	where writes go
#
# Every step returns other than 0 after it has said why; then nothing is mounted on
# DIR, and the framework opens its emergency shell.  Only what klibc and dash have is
# used: no grep, no sed.
#
#	/run/composefs/store	the store
#	/run/composefs/boot	what was booted, as assignments
#	/run/composefs/etc	resolv.conf, hosts and ssl of the fetcher
#	/run/composefs/status.json	of the fetcher

CFS_RUN=/run/composefs
CFS_STORE=$CFS_RUN/store

cfs_say() { echo "cfs: $*" >&2; }

# cfs_parse: sets cfs_digest and so on; 3 if no image is asked for.
cfs_parse() {
	cfs_assignments=$(cfs-cmdline) || return
	eval "$cfs_assignments"
	cfs_object=objects/${cfs_digest%"${cfs_digest#??}"}/${cfs_digest#??}
}

# cfs_find_device LABEL=NAME|UUID=ID: sets cfs_device once it is there.
cfs_find_device() {
	case $1 in
	LABEL=*) cfs_device=/dev/disk/by-label/${1#LABEL=} ;;
	UUID=*) cfs_device=/dev/disk/by-uuid/${1#UUID=} ;;
	esac
	cfs_waited=0
	until [ -b "$cfs_device" ]; do
		if [ "$cfs_waited" -ge "${CFS_DEVICE_SECONDS:-60}" ]; then
			cfs_say "no file system with $1 after $cfs_waited s"
			return 1
		fi
		[ $((cfs_waited % 10)) -ne 5 ] || cfs_say "waiting for a file system with $1"
		sleep 1
		cfs_waited=$((cfs_waited + 1))
	done
}

cfs_memory_bytes() {
	while read -r cfs_name cfs_kib _; do
		if [ "$cfs_name" = MemTotal: ]; then
			echo $((cfs_kib * 1024))
			return 0
		fi
	done </proc/meminfo
	return 1
}

# cfs_make_memory_device BYTES: sets cfs_device.
cfs_make_memory_device() {
	if [ "$cfs_store" = ramdisk ]; then
		modprobe -q brd rd_nr=1 rd_size=$(($1 / 1024))
		cfs_device=/dev/ram0
	else
		# The first one is there with the module; it may be somebody's.
		modprobe -q zram num_devices=0
		read -r cfs_id </sys/class/zram-control/hot_add || return 1
		cfs_device=/dev/zram$cfs_id
		echo "$1" >"/sys/block/zram$cfs_id/disksize" || return 1
	fi
	cfs_waited=0
	until [ -b "$cfs_device" ]; do
		[ "$cfs_waited" -lt 30 ] || return 1
		sleep 1
		cfs_waited=$((cfs_waited + 1))
	done
}

# A small object takes an inode and a block or two: hence -i 4096.  Nothing outlives
# the machine here, so no journal.
cfs_make_store() {
	cfs_bytes=$cfs_store_bytes
	if [ "$cfs_store_percent" != 0 ]; then
		cfs_bytes=$(($(cfs_memory_bytes) * cfs_store_percent / 100)) || return 1
	fi
	if ! cfs_make_memory_device "$cfs_bytes"; then
		cfs_say "no $cfs_store device of $cfs_bytes bytes could be made"
		return 1
	fi
	mke2fs -q -F -t ext4 -O verity,^has_journal,^resize_inode -b 4096 -i 4096 -m 0 \
		-E nodiscard,lazy_itable_init=1 "$cfs_device" || {
		cfs_say "mke2fs failed on $cfs_device"
		return 1
	}
}

cfs_mount_store() {
	mkdir -p "$CFS_STORE" "$CFS_RUN/etc"
	chmod 0755 "$CFS_RUN"
	if [ "$cfs_store" = device ]; then
		cfs_find_device "$cfs_store_device" || return
	else
		cfs_make_store || return
	fi
	mount -t ext4 -o rw,nosuid,nodev,noatime "$cfs_device" "$CFS_STORE" || {
		cfs_say "the store on $cfs_device can't be mounted: it has to be ext4 (mke2fs -t ext4 -O verity -i 4096)"
		return 1
	}
	cfs_store_on=$cfs_device
	chmod 0700 "$CFS_STORE"
	mkdir -p "$CFS_STORE/objects" "$CFS_STORE/images"
}

# cfs_fetcher_options: the mirrors as options of cfs-fetch.
cfs_fetcher_options() {
	for cfs_mirror in $cfs_mirrors; do
		printf ' --mirror=%s' "$cfs_mirror"
	done
}

# cfs_take_root_path URL: DHCP's, the only mirror if the command line has none.  Any machine
# on the network can answer DHCP, and a boot needs no mirror if the store has the image: what
# is no mirror is passed over.  A comma or a blank would become an option of the mount.
cfs_take_root_path() {
	[ -z "$cfs_mirrors" ] && [ -n "$1" ] && [ "$1" != "${cfs_no_mirror:-}" ] || return 0
	if [ ${#1} -gt 1024 ]; then
		cfs_say "DHCP's root-path is passed over: ${#1} characters are no mirror's URL"
	else
		case $1 in
		*[!]A-Za-z0-9._~:/%@+=[-]*)
			cfs_say "DHCP's root-path is passed over: a character in it does not belong into a URL"
			;;
		[Hh][Tt][Tt][Pp]://* | [Hh][Tt][Tt][Pp][Ss]://*)
			# The fetcher would not start with what it does not take for a URL.
			if cfs_why=$(cfs-fetch --check-mirror="$1" 2>&1); then
				cfs_mirrors=$1
				return 0
			fi
			cfs_say "DHCP's root-path is passed over, it is no mirror: $1: $cfs_why"
			;;
		*) cfs_say "DHCP's root-path is passed over, it is no http:// or https:// URL: $1" ;;
		esac
	fi
	# Said one time, however often the network is asked.
	cfs_no_mirror=$1
}

# cfs_uptime: sets cfs_now, in seconds.
cfs_uptime() {
	read -r cfs_now _ </proc/uptime
	cfs_now=${cfs_now%%.*}
}

# The image, into the store.  A mirror that does not answer is waited for, with
# cfs.retry=soft for as long as the fetcher waits for a file; that no mirror has this very
# image is final.
cfs_get_image() {
	[ ! -e "$CFS_STORE/$cfs_object" ] || return 0
	if [ -z "$cfs_mirrors" ]; then
		cfs_say "the store lacks image $cfs_digest, and there is no mirror: neither cfs.mirror= nor a URL as DHCP's root-path"
		return 1
	fi
	cfs_uptime
	cfs_give_up=$((cfs_now + 60))
	while :; do
		# shellcheck disable=SC2046 # options
		cfs-fetch --for-root --store="$CFS_STORE" $(cfs_fetcher_options) --deadline=10 \
			--fetch-image="$cfs_digest" >/dev/null
		case $? in
		0) return 0 ;;
		3) cfs_say "no mirror has the image $cfs_digest: $cfs_mirrors"; return 1 ;;
		4) cfs_say "every mirror has something else under the name of image $cfs_digest: $cfs_mirrors"; return 1 ;;
		5) ;;
		*) cfs_say "the image can't be fetched into the store"; return 1 ;;
		esac
		cfs_uptime
		if [ "$cfs_retry" = soft ] && [ "$cfs_now" -ge "$cfs_give_up" ]; then
			cfs_say "no mirror answered, and cfs.retry=soft: $cfs_mirrors"
			return 1
		fi
		cfs_say "waiting for a mirror of image $cfs_digest: $cfs_mirrors"
		cfs_network_again
		sleep 1
	done
}

# cfs_mount_options: beside the first mirror, which is in the source's URL.
cfs_mount_options() {
	printf 'store=%s,digest=%s' "$CFS_STORE" "$cfs_digest"
	case $cfs_verity in
	image) printf ',verity_check=0,image_verity' ;;
	off) printf ',verity_check=0' ;;
	esac
	[ -n "$cfs_mirrors" ] || return 0
	printf ',for-root,log=/dev/kmsg,status-file=%s/status.json,%s' "$CFS_RUN" "$cfs_retry"
	case $cfs_prefetch in
	"" | boot) ;;
	none) printf ',noprefetch' ;;
	all) printf ',complete' ;;
	*) printf ',profile=%s' "$cfs_prefetch" ;;
	esac
	# shellcheck disable=SC2086 # split at blanks
	set -- $cfs_mirrors
	shift
	for cfs_mirror; do
		printf ',mirror=%s' "${cfs_mirror%/}"
	done
}

# cfs_is_as_strict_as_asked DIR: what /proc/mounts says is what counts.
cfs_is_as_strict_as_asked() {
	[ "$cfs_verity" != off ] || return 0
	while read -r _ cfs_dir _ cfs_opts _; do
		[ "$cfs_dir" = "$1" ] || continue
		case ,$cfs_opts in
		*,digest="$cfs_digest"* | *=composefs-"$cfs_digest"*) ;;
		*) continue ;;
		esac
		[ "$cfs_verity" = require ] || return 0
		case ,$cfs_opts, in
		*,verity_check=2,* | *,verity=require,*) return 0 ;;
		esac
	done </proc/mounts
	cfs_say "the image is not mounted as strictly as cfs.verity=$cfs_verity asks for"
	return 1
}

# cfs_mount_image DIR
cfs_mount_image() {
	mkdir -p "$1"
	[ -n "$cfs_mirrors" ] || cfs_say "there is no mirror: what the store lacks can't be read"
	cfs_source=$CFS_STORE/$cfs_object
	for cfs_mirror in $cfs_mirrors; do
		cfs_source=${cfs_mirror%/}/$cfs_object
		break
	done
	mount.composefs "$cfs_source" "$1" -o "$(cfs_mount_options)" || {
		cfs_say "image $cfs_digest can't be mounted"
		return 1
	}
	cfs_is_as_strict_as_asked "$1" || {
		umount -l "$1"
		return 1
	}
}

# cfs_mount_overlay IMAGE-DIR DIR
cfs_mount_overlay() {
	cfs_rw=$CFS_RUN/rw
	mkdir -p "$cfs_rw"
	if [ "$cfs_overlay" = tmpfs ]; then
		mount -t tmpfs -o mode=0755 cfs-overlay "$cfs_rw" || return
	else
		cfs_find_device "$cfs_overlay_device" || return
		mount -t ext4 "$cfs_device" "$cfs_rw" || {
			cfs_say "the overlay's file system on $cfs_device can't be mounted: it has to be ext4"
			return 1
		}
	fi
	mkdir -p "$cfs_rw/upper" "$cfs_rw/work"
	mount -t overlay -o "lowerdir=$1,upperdir=$cfs_rw/upper,workdir=$cfs_rw/work" \
		"composefs:$cfs_digest" "$2" || {
		cfs_say "no overlay can be mounted above the image"
		return 1
	}
	# The overlay has its own hold on both; nobody shall see or unmount them.
	umount -l "$1"
	umount -l "$cfs_rw"
}

# The image's file pins the mount it was opened on; the running system gets another,
# which it can unmount when it shuts down.
cfs_show_store() {
	umount -l "$CFS_STORE"
	mount -t ext4 -o rw,nosuid,nodev,noatime "$cfs_store_on" "$CFS_STORE"
}

cfs_tell_the_running_system() {
	{
		echo "$cfs_assignments"
		echo "cfs_store_path='$CFS_STORE'"
	} >"$CFS_RUN/boot"
}

# The fetcher resolves names with these, before and after switch_root.
cfs_copy_configuration() {
	: >>"$CFS_RUN/etc/resolv.conf"
	echo '127.0.0.1 localhost' >"$CFS_RUN/etc/hosts"
	case $cfs_mirrors in
	*https://*)
		mkdir -p "$CFS_RUN/etc/ssl/certs"
		cat /etc/ssl/certs/ca-certificates.crt >"$CFS_RUN/etc/ssl/certs/ca-certificates.crt" ||
			cfs_say "there are no CA certificates in this initramfs for https"
		;;
	esac
}

# cfs_mount_root DIR
cfs_mount_root() {
	cfs_parse || return
	for cfs_module in composefs overlay fuse erofs; do
		modprobe -q "$cfs_module"
	done
	cfs_mount_store || return
	if [ -e "$CFS_STORE/$cfs_object" ]; then
		cfs_network 15
	else
		cfs_network
	fi
	cfs_copy_configuration
	cfs_get_image || return
	if [ "$cfs_overlay" = none ]; then
		cfs_mount_image "$1" || return
	else
		cfs_mount_image "$CFS_RUN/image" || return
		cfs_mount_overlay "$CFS_RUN/image" "$1" || {
			umount -l "$CFS_RUN/image"
			return 1
		}
	fi
	cfs_show_store
	cfs_tell_the_running_system
}
