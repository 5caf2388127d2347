#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1200
# on request: a boot of one to three minutes
#
# cfs.overlay=none reaches its login, and nothing can be written to its root; with a /var
# in memory, of systemd, only what writes into /etc fails.
# cfs.prefetch=NAME: what that profile lists is fetched though nobody opens it.
# cfs.verity=image: the image is sealed, and objects need not be.
. "$(dirname "$0")/../machine.sh"

digest=$(image_digest 1)
own_origin
mkdir "$ORIGIN/profiles"
composefs-info ls "$ORIGIN/images/debian-1" |
	awk -F '\t@ ' '$1 ~ "/perl/[0-9.]+/CPAN/" && NF == 2 { sub("/", "", $2); print $2 }' |
	sort -u >"$ORIGIN/profiles/$digest.unused"
listed=$(wc -l <"$ORIGIN/profiles/$digest.unused")
[ "$listed" -gt 20 ] || fail "only $listed objects in the profile"
make_disk
mirror_start "$ORIGIN"
machine_start "root=cfs:$digest" "cfs.mirror=$mirror_url" \
	"cfs.store=UUID=$(blkid -s UUID -o value "$WORK/store.img")" cfs.overlay=none \
	cfs.prefetch=unused cfs.verity=image systemd.volatile=state
await 'root@cfs:~#'
guest 'systemctl is-system-running --wait' || true
assert_eq "$(guest 'systemctl --failed --no-legend --plain | cut -d" " -f1')" ssh.service "failed units"
guest 'cat /proc/mounts' | grep ' / composefs ro,' | grep "/objects/$(object_path "$digest") "
said=$(guest 'echo written >/etc/written' || true)
case $said in
*"Read-only file system"*) ;;
*) fail "written to a read-only root: $said" ;;
esac
assert_eq "$(fetched 'ahead.prefetch.profiles | length')" 1 "profiles"
assert_eq "$(fetched 'ahead.prefetch.profiles[0].name')" '"unused"' "profile"
assert_eq "$(fetched 'ahead.prefetch.fetched')" "$listed" "objects fetched that nobody opened"
assert_eq "$(fetched 'ahead.prefetch.late')" 0 "objects that somebody opened before"
guest 'git --version' | grep -q '^git version'
guest poweroff || true
machine_off
