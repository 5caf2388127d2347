# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced after lib.sh by the cases of the network fault matrix: two mirrors, A and B, that
# are faultd.py and behave until they are told otherwise, and a fresh store for each fault.
#
# After each fault, whatever it was: nothing wrong or left over in the store, memory as it
# was, and not a log line for each retry.

need_root
need_fuse
need_prog cfs-fetch cfs-store mkcomposefs composefs-info

# AddressSanitizer keeps what was freed, so there the bound would say nothing.
MAX_RSS_KIB=$([ -n "${CFS_SANITIZED:-}" ] && echo 4000000 || echo 65536)

fault_client() { python3 "$E2E/fault_client.py" "$@"; }

# Twelve files of 100 KB and one of 8 MB, which is worth resuming.
mkdir "$WORK/tree"
python3 - "$WORK/tree" <<'END'
import random, sys
random.seed(28)
for i in range(12):
    open(f"{sys.argv[1]}/{i:02}", "wb").write(random.randbytes(100_000 + i))
open(f"{sys.argv[1]}/big", "wb").write(random.randbytes(8_000_000))
END
make_store "$WORK/origin" "$WORK/tree" os
object_of() { object_path "$(composefs-info measure-file "$WORK/tree/$1")"; }
OBJECTS=()
for _i in 00 01 02 03 04 05 06 07 08 09 10 11; do OBJECTS+=("$(object_of $_i)"); done
export BIG
BIG=$(object_of big)

# start_faultd NAME [OPTION...]: sets NAME_PORT and NAME (its URL); an address other than
# the loopback's in $FAULT_ADDRESS.
start_faultd() {
	local name=$1 address=${FAULT_ADDRESS:-127.0.0.1} scheme=http port

	shift
	port=$(free_port)
	[[ " $* " != *" --tls "* ]] || scheme=https
	start_bg "$WORK/faultd.$name.log" python3 "$E2E/faultd.py" --store "$WORK/origin" \
		--address "$address" --listen "$port" --log "$WORK/requests.$name" "$@"
	printf -v "${name}_PID" %s "$BG_PID"
	wait_for 30 grep -q "^$port$" "$WORK/faultd.$name.log"
	printf -v "${name}_PORT" %s "$port"
	printf -v "$name" %s "$scheme://$address:$port"
}

# rules URL [RULE...]: replace its rules, forget its statistics.
rules() {
	local url=$1

	shift
	printf '%s\n' "$@" | curl -sfk -o /dev/null --data-binary @- "$url/-/rules"
	curl -sfk -o /dev/null -X POST "$url/-/reset"
}

# seen URL KEY: of its statistics; "gets" is their sum.
seen() {
	curl -sfk "$1/-/stats" | python3 -c '
import json, sys
value = json.load(sys.stdin)[sys.argv[1]]
print(sum(value.values()) if isinstance(value, dict) else value)' "$2"
}

# client OPTION...: cfs-fetch on a store that has the image only; quick to lose patience.
client() {
	local option

	STORE=$WORK/store
	MNT=$WORK/mnt
	rm -rf "$STORE"
	mkdir -p "$STORE/objects" "$STORE/images"
	cfs-store import "$STORE" "$WORK/origin/images/os" os >/dev/null
	for option in --connect-timeout=2 --first-byte-timeout=2 --stall-timeout=2 --deadline=20; do
		# What is asked for replaces what is usual.
		[[ " $*" == *" ${option%=*}="* ]] || set -- "$option" "$@"
	done
	start_fetch "$STORE" "$MNT" "$@"
}

# done_with FAULT WORDS: what must hold after every fault; ends the client.
done_with() {
	local peak lines

	peak=$(awk '/VmHWM/ { print $2 }' "/proc/$FETCH_PID/status")
	umount -l "$MNT"
	stop_bg "$FETCH_PID"
	[ "$peak" -le "$MAX_RSS_KIB" ] || fail "$1: cfs-fetch grew to $peak KiB"
	fault_client store "$STORE" "$WORK/origin" || fail "$1: the store"
	lines=$(grep -vc 'fetched object=' "$FETCH_LOG") || true
	[ "$lines" -le 60 ] || fail "$1: $lines lines of log"
	echo "ok $*"
}

# bytes MAX_MS OBJECT...: they are read, right, and each in that time.
bytes() {
	fault_client read "$MNT" "$WORK/origin" "$@" || {
		cat "$FETCH_LOG" >&2
		fail "$FAULT"
	}
}
# no_bytes ERRNO MIN_MS MAX_MS OBJECT...
no_bytes() {
	fault_client errno "$MNT" "$@" || {
		cat "$FETCH_LOG" >&2
		fail "$FAULT"
	}
}
# results URL NAME: how many GETs of that mirror ended so; state URL: good, avoided, probed.
results() { fault_client status "$MNT" mirrors url="$1" results "$2"; }
state() { fault_client status "$MNT" mirrors url="$1" state; }

# fault NAME: begins one; for messages.
fault() { FAULT=$1; }
