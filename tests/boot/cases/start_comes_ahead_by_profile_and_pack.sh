#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 1800
# on request: three boots of one to three minutes
#
# With the profile of a first boot beside the image on a mirror, what the next machine's
# boot opens is there before it is opened; with a pack it comes out of that, in few
# requests.  The mirror is 20 ms away.
. "$(dirname "$0")/../machine.sh"

number() { jq ".$1" "$WORK/status"; }
gets() { check gets "$SERVE_ACCESS" "$1"; }

# boot WORD...: with an empty store, until the login; $WORK/status is the fetcher's then.
boot() {
	make_disk
	: >"$SERVE_ACCESS"
	machine_start "root=cfs:$digest" "cfs.mirror=$mirror_url" cfs.store=LABEL=cfs "$@"
	await 'root@cfs:~#'
	assert_eq "$(guest 'systemctl is-system-running --wait')" running "state"
	guest 'sleep 3; cat /run/composefs/status.json' >"$WORK/status"
	jq -c '.ahead, .requests, .fetches' "$WORK/status"
	echo "GETs: $(gets /objects/) of objects, $(gets /packs/) of packs, $(gets /profiles/) of profiles"
}

# Of what was opened, little had to be waited for.
few_misses() {
	[ "$(($(number requests.misses) * 4))" -lt "$misses" ] ||
		fail "$(number requests.misses) misses, and $misses without anything ahead"
}

digest=$(image_digest 1)
own_origin
mirror_start "$ORIGIN"
link_start 20
boot cfs.prefetch=none
cold=$(gets /objects/)
assert_eq "$(number ahead.prefetch.state)" '"off"' "prefetch with cfs.prefetch=none"
misses=$(number requests.misses)
mkdir "$ORIGIN/profiles"
guest "cat /run/composefs/store/profiles/$digest.recorded" >"$ORIGIN/profiles/$digest"
listed=$(wc -l <"$ORIGIN/profiles/$digest")
[ "$((listed * 10))" -gt "$((cold * 9))" ] || fail "$listed objects recorded, $cold fetched"
machine_kill

boot
assert_eq "$(number 'ahead.prefetch.profiles[-1].digests')" "$listed" "objects of the mirror's profile"
assert_eq "$(number ahead.prefetch.fetched)" "$listed" "objects that came ahead"
few_misses
machine_kill

cfs-store pack "$ORIGIN" "$digest"
boot
# Two boots are not quite the same, so some may come beside the pack; the image does.
delivered=$(number fetches.delivered)
[ "$((delivered * 10))" -gt "$((listed * 9))" ] || fail "$delivered of $listed objects came out of the pack"
few_misses
[ "$(gets /packs/)" -le 20 ] || fail "$(gets /packs/) GETs of the pack"
[ "$(gets /objects/)" -le 40 ] || fail "$(gets /objects/) GETs of objects in spite of the pack"
machine_kill
