#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# The first mirror sends an image so slowly that it would take minutes, or says nothing, and
# the next one sends other bytes: the image comes from the third one soon, by name as by digest.
. "${0%/*}/lib.sh"
need_prog cfs-seed mkcomposefs

# An image of some hundred KiB, and hardly any objects.
mkdir "$WORK/tree"
long=$(printf '%0180d' 0)
for i in $(seq 2000); do : >"$WORK/tree/$i-$long"; done
echo hello >"$WORK/tree/hello"
make_store "$WORK/origin" "$WORK/tree" app
size=$(stat -L -c %s "$WORK/origin/images/app")
[ "$size" -gt 300000 ] || fail "an image of $size bytes comes too soon"

# start_mirror RULE...: sets URL.
start_mirror() {
	local port

	port=$(free_port)
	start_bg "$WORK/faultd.$port.log" python3 "$E2E/faultd.py" --store "$WORK/origin" \
		--address 127.0.0.1 --listen "$port" "$@"
	wait_port "$port"
	URL=http://127.0.0.1:$port
}
image='/(images|objects)/'
start_mirror
good=$URL
start_mirror "$image flip at=0"
wrong=$URL

for rule in "rate bps=2000" silent; do
	start_mirror "$image $rule"
	# Longer than the test may take, so that nothing but another mirror helps.
	late=(--store "$WORK/store" --quiet --first-byte-timeout=600 --deadline=600 --mirror "$URL")
	rm -rf "$WORK/store"
	timeout 60 cfs-seed "${late[@]}" --mirror "$wrong" --mirror "$good" "$IMAGE_DIGEST" ||
		fail "$rule, by digest: exit status $?"
	cmp "$WORK/store/objects/${IMAGE_DIGEST:0:2}/${IMAGE_DIGEST:2}" "$WORK/origin/images/app"
	[ "$rule" != silent ] || continue
	rm -rf "$WORK/store"
	timeout 60 cfs-seed "${late[@]}" --mirror "$good" app || fail "$rule, by name: exit status $?"
	cmp "$WORK/store/objects/${IMAGE_DIGEST:0:2}/${IMAGE_DIGEST:2}" "$WORK/origin/images/app"
done
