#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a mirror answers to GET /mirror, or that it does not answer, keeps cfs-seed from
# nothing: it seeds, or gives up when its deadline is over.  Interrupted in any wait it
# says so and is gone.
. "${0%/*}/lib.sh"
need_prog cfs-seed cfs-fetch cfs-store mkcomposefs

mkdir "$WORK/tree"
for i in $(seq 70); do
	echo "file $i" >"$WORK/tree/$i"
	head -c 100 /dev/zero >>"$WORK/tree/$i"
done
make_store "$WORK/origin" "$WORK/tree" app

PORT=$(free_port)
start_bg "$WORK/faultd.log" python3 "$E2E/faultd.py" --store "$WORK/origin" \
	--address 127.0.0.1 --listen "$PORT"
wait_port "$PORT"
URL=http://127.0.0.1:$PORT
rules() { printf '%s\n' "$@" | curl -sf -o /dev/null --data-binary @- "$URL/-/rules"; }

# seed OPTION...: into a new store that has the image; never for long.
seed() {
	rm -rf "$WORK/store"
	mkdir -p "$WORK/store/objects" "$WORK/store/images"
	cfs-store import "$WORK/store" "$WORK/origin/images/app" app >/dev/null
	status=0
	timeout 60 cfs-seed --store="$WORK/store" --quiet --first-byte-timeout=1 "$@" \
		"$IMAGE_DIGEST" 2>"$WORK/err" || status=$?
}

for code in 204 302 400 401 403 404 405 410 418 429 500 502 503 504; do
	rules "/mirror status code=$code"
	seed --mirror="$URL" --deadline=20
	assert_eq "$status" 0 "GET /mirror answered with $code: exit status"
done
for action in silent close rst-head garbage short redirect-loop portal drip-head; do
	rules "/mirror $action"
	seed --mirror="$URL" --deadline=20
	assert_eq "$status" 0 "GET /mirror answered with $action: exit status"
done

# Not there at all; and everything is refused.
seed --mirror="http://127.0.0.1:$(free_port)" --deadline=1
assert_eq "$status" 3 "mirror that is down: exit status"
for code in 400 429 500 503; do
	rules "/ status code=$code" "/mirror status code=$code"
	seed --mirror="$URL" --deadline=1
	assert_eq "$status" 3 "mirror that answers $code to everything: exit status"
done

# interrupted SIGNAL COMMAND...: it waits, is told to end, and says so.
interrupted() {
	local signal=$1 pid status=0

	shift
	curl -sf -o /dev/null -X POST "$URL/-/reset"
	"$@" 2>"$WORK/err" >/dev/null &
	pid=$!
	wait_for 10 asked
	kill -"$signal" "$pid"
	wait "$pid" || status=$?
	[ "$status" -ne 0 ] || fail "$signal: exit status 0: $*"
	assert_in interrupted "$WORK/err"
}
asked() { [ "$(curl -sf "$URL/-/stats" | jq '.gets | add // 0')" -gt 0 ]; }

rules ". silent"
for signal in TERM INT; do
	# The image, by name.
	rm -rf "$WORK/store"
	interrupted $signal env --default-signal=INT \
		cfs-seed --store="$WORK/store" --mirror="$URL" --hard app
	interrupted $signal env --default-signal=INT \
		cfs-fetch --store="$WORK/store" --mirror="$URL" --hard --fetch-image=app
	# Whether there are packs; then the objects.
	mkdir -p "$WORK/store/objects" "$WORK/store/images"
	cfs-store import "$WORK/store" "$WORK/origin/images/app" app >/dev/null
	rules "/mirror silent"
	interrupted $signal env --default-signal=INT \
		cfs-seed --store="$WORK/store" --mirror="$URL" --hard "$IMAGE_DIGEST"
	rules "/objects silent"
	interrupted $signal env --default-signal=INT \
		cfs-seed --store="$WORK/store" --mirror="$URL" --hard "$IMAGE_DIGEST"
	rules ". silent"
done

# Who waits for what a mirror offers before it brings in the rest of an image does not
# wait for ever, either.
complete() { [ "$(count_objects "$WORK/store")" -ge "$(count_objects "$WORK/origin")" ]; }
if [ "$(id -u)" = 0 ] && [ -e /dev/fuse ]; then
	for action in silent "status code=500" close; do
		rules "/mirror $action"
		rm -rf "$WORK/store"
		mkdir -p "$WORK/store/objects" "$WORK/store/images"
		cfs-store import "$WORK/store" "$WORK/origin/images/app" app >/dev/null
		start_fetch "$WORK/store" "$WORK/objects" --mirror "$URL" --complete --first-byte-timeout=1
		wait_for 30 complete
		umount "$WORK/objects"
		stop_bg "$FETCH_PID"
	done
fi
