#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Tokens, secret headers and client certificates reach the mirrors and nobody else: not in
# clear across a network, not where a mirror redirects to, not from a file that others may
# read; and no message shows a password.
. "${0%/*}/lib.sh"
need_root
need_fuse
need_fs erofs
need_fs overlay
need_cmd ip openssl
need_prog cfs-seed cfs-fetch mkcomposefs mount.composefs
if [ -z "${SECRETS_NET:-}" ]; then
	export SECRETS_NET=1
	exec unshare --net "$BASH" "$0" "$@"
fi
ip link set lo up
# A documentation address: another machine, as far as the client can tell.
ip addr add 203.0.113.1/32 dev lo
FAR=203.0.113.1

mkdir "$WORK/tree"
echo one >"$WORK/tree/one"
seq 100 >"$WORK/tree/two"
make_store "$WORK/origin" "$WORK/tree" app

# authority NAME; certified NAME BY: certificates that it signs.
authority() {
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 \
		-subj "/CN=$1" -keyout "$WORK/$1.key" -out "$WORK/$1.pem" 2>/dev/null
}
certified() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
		-keyout "$WORK/$1.key" -out "$WORK/$1.csr" 2>/dev/null
	openssl x509 -req -in "$WORK/$1.csr" -CA "$WORK/$2.pem" -CAkey "$WORK/$2.key" -days 2 \
		-CAcreateserial -out "$WORK/$1.pem" 2>/dev/null \
		-extfile <(echo "subjectAltName=IP:$FAR,IP:127.0.0.1")
}
authority ca
certified server ca
certified machine ca
umask 022

# start_secretd NAME ADDRESS [OPTION...]: sets NAME (its address and port) and NAME_LOG.
start_secretd() {
	local name=$1 address=$2 port

	shift 2
	port=$(free_port)
	start_bg "$WORK/$name.err" python3 "$E2E/secretd.py" "$address" "$port" "$WORK/origin" \
		"$WORK/$name.log" "$@"
	printf -v "$name" %s "$address:$port"
	wait_for 10 listens "$address" "$port"
}
listens() { (: <"/dev/tcp/$1/$2") 2>/dev/null; }
tls=(--tls "$WORK/server.pem" "$WORK/server.key")
start_secretd CLEAR "$FAR"
start_secretd NEAR 127.0.0.1
start_secretd SAFE "$FAR" "${tls[@]}"

# seed OPTION...: into a new store; sets status.
seed() {
	rm -rf "$WORK/store"
	find "$WORK" -maxdepth 1 -name "*.log" -exec truncate -s 0 {} +
	status=0
	cfs-seed --quiet --store="$WORK/store" --deadline="${DEADLINE:-10}" --ca-bundle="$WORK/ca.pem" "$@" app \
		2>"$WORK/err" || status=$?
}
# told NAME FIELD...: what the server heard in that field of each request, sorted.
told() { cut -d" " -f"$2" "$WORK/$1.log" | sort -u | tr "\n" " "; }

echo sesame >"$WORK/token"
printf 'X-Api-Key: sesame\nX-Plain: hello\n' >"$WORK/headers"
printf 'X-Plain: hello\n' >"$WORK/plain"
printf '[default]\naws_access_key_id = a\naws_secret_access_key = b\n' >"$WORK/aws"
echo "http://user:sesame@127.0.0.1:1" >"$WORK/proxy"
echo "http://127.0.0.1:1" >"$WORK/proxy-plain"

# Whose file may it be?
for option in token-file="$WORK/token" header-file="$WORK/headers" s3-credentials="$WORK/aws" \
	proxy-file="$WORK/proxy" client-cert="$WORK/machine.pem --client-key=$WORK/machine.key"; do
	file=${option##*=}
	for mode in 644 604 602 620 666; do
		chmod $mode "$file"
		# shellcheck disable=SC2086
		DEADLINE=0.1 seed --mirror="https://$SAFE" --$option
		assert_in "chmod 600 $file" "$WORK/err"
		# Other programs write these, too, with the mode that they like.
		if [[ $option$mode != @(s3-credentials|proxy-file)*6[04]4 ]]; then
			assert_eq "$status" 2 "$option with mode $mode: exit status"
		fi
	done
	chmod 640 "$file"
	# shellcheck disable=SC2086
	DEADLINE=0.1 seed --mirror="https://$SAFE" --$option
	assert_in "its group may read it" "$WORK/err"
	chmod 600 "$file"
	# shellcheck disable=SC2086
	DEADLINE=0.1 seed --mirror="https://$SAFE" --$option
	! grep -q "may read" "$WORK/err" || fail "$option with mode 600: $(cat "$WORK/err")"
done
chmod 644 "$WORK/plain" "$WORK/proxy-plain"
seed --mirror="https://$SAFE" --header-file="$WORK/plain"
assert_eq "$status" 0 "a file without secrets"
seed --mirror="https://$SAFE" --token-file=<(echo sesame)
assert_eq "$status" 0 "a token from a pipe"
assert_eq "$(told SAFE 2)" "Bearer_sesame " "what the mirror was told"

# In clear?
seed --mirror="http://$CLEAR" --token-file="$WORK/token"
assert_eq "$status" 2 "token, and nothing but http: exit status"
assert_in "secrets-in-clear" "$WORK/err"
assert_eq "$(told CLEAR 1)" "" "what the mirror was asked"
seed --mirror="http://$CLEAR" --token-file="$WORK/token" --secrets-in-clear
assert_eq "$status" 0 "as it was asked for"
assert_eq "$(told CLEAR 2)" "Bearer_sesame " "what the mirror was told"
seed --mirror="http://$NEAR" --token-file="$WORK/token"
assert_eq "$status" 0 "this machine itself"
assert_eq "$(told NEAR 2)" "Bearer_sesame " "what the mirror was told"
seed --mirror="http://$CLEAR" --mirror="https://$SAFE" --token-file="$WORK/token" \
	--header-file="$WORK/headers"
assert_eq "$status" 0 "one of two with https"
assert_in "http://$CLEAR: is not sent the token" "$WORK/err"
assert_eq "$(told CLEAR 2-4)" "- - - " "secrets that the mirror in clear was told"
assert_eq "$(told CLEAR 5)" "hello " "what it was told"
seed --mirror="http://$CLEAR" --header-file="$WORK/plain"
assert_eq "$status" 0 "no secret"
# Through a proxy even this machine's mirror is asked across a network.
seed --mirror="http://$NEAR" --token-file="$WORK/token" --proxy="http://$CLEAR"
assert_eq "$status" 2 "token through a proxy: exit status"

# Where a mirror redirects to: another host, port or scheme.
start_secretd TO_CLEAR 127.0.0.1 --to "http://$CLEAR"
start_secretd TO_NEAR 127.0.0.1 --to "http://$NEAR"
start_secretd TO_SAFE "$FAR" "${tls[@]}" --ca "$WORK/ca.pem" --to "https://$SAFE"
for to in CLEAR NEAR; do
	from=TO_$to
	seed --mirror="http://${!from}" --token-file="$WORK/token" --header-file="$WORK/headers"
	assert_eq "$status" 0 "redirect to $to: exit status"
	assert_eq "$(told "$from" 2-4)" "Bearer_sesame - sesame " "what the mirror was told"
	assert_eq "$(told $to 2-5)" "- - - - " "what the other was told"
done

# What S3 is told it is told alone; and no .netrc is looked at.
seed --mirror="s3+http://$TO_NEAR" --s3-credentials="$WORK/aws"
assert_eq "$status" 0 "redirect of a bucket: exit status"
case $(told TO_NEAR 2) in AWS4-HMAC-SHA256_*) ;; *) fail "the bucket was told $(told TO_NEAR 2)" ;; esac
assert_eq "$(told NEAR 2)" "- " "what the other was told"
printf 'machine 127.0.0.1 login user password sesame\n' >"$WORK/.netrc"
chmod 600 "$WORK/.netrc"
HOME=$WORK seed --mirror="http://$NEAR"
assert_eq "$(told NEAR 2)" "- " "what a mirror was told from .netrc"

# Client certificates.
start_secretd ASKS "$FAR" "${tls[@]}" --ca "$WORK/ca.pem" --demand
start_secretd WOULD "$FAR" "${tls[@]}" --ca "$WORK/ca.pem"
cat "$WORK/machine.pem" "$WORK/machine.key" >"$WORK/both.pem"
chmod 600 "$WORK/both.pem"
seed --mirror="https://$ASKS" --client-cert="$WORK/machine.pem" --client-key="$WORK/machine.key"
assert_eq "$status" 0 "with a certificate"
assert_eq "$(told ASKS 6)" "machine " "whom the mirror saw"
seed --mirror="https://$ASKS" --client-cert="$WORK/both.pem"
assert_eq "$status" 0 "with certificate and key in one file"
DEADLINE=0.1 seed --mirror="https://$ASKS"
assert_eq "$status" 1 "without a certificate"
seed --mirror="https://$ASKS" --client-cert="$WORK/machine.pem"
assert_eq "$status" 2 "without the key"
assert_in "client-key is missing" "$WORK/err"
seed --mirror="https://$ASKS" --client-key="$WORK/machine.key"
assert_eq "$status" 2 "the key alone"
seed --mirror="https://$ASKS" --client-cert="$WORK/token" --client-key="$WORK/machine.key"
assert_eq "$status" 2 "no certificate in there"
DEADLINE=0.1 seed --mirror="https://$ASKS" --client-cert="$WORK/machine.pem" \
	--client-key="$WORK/ca.key"
[ "$status" -ne 0 ] || fail "another's key"
seed --mirror="https://$WOULD" --client-cert="$WORK/both.pem"
assert_eq "$(told WOULD 6)" "machine " "whom a mirror that may know saw"
start_secretd TO_WOULD "$FAR" "${tls[@]}" --ca "$WORK/ca.pem" --demand --to "https://$WOULD"
seed --mirror="https://$TO_WOULD" --client-cert="$WORK/both.pem"
assert_eq "$status" 0 "a redirect"
assert_eq "$(told TO_WOULD 6)" "machine " "whom the mirror saw"
assert_eq "$(told WOULD 6)" "- " "whom the one that it redirects to saw"

# As mount options.
mount_cfs "https://$ASKS/images/app" "$WORK/mnt" \
	"store=$WORK/mounted,digest=$IMAGE_DIGEST,verity_check=0,noprefetch,ca-bundle=$WORK/ca.pem,client-cert=$WORK/machine.pem,client-key=$WORK/machine.key"
cmp "$WORK/tree/two" "$WORK/mnt/two"
umount "$WORK/mnt"

# What is shown of a password.
for url in "http://user:sesame@$NEAR/images/app" "HTTPS://sesame@$NEAR/x" "ftp://user:sesame@$NEAR/images/app"; do
	status=0
	mount.composefs "$url" "$WORK/mnt" -o "store=$WORK/mounted,verity_check=0" 2>"$WORK/err" || status=$?
	assert_eq "$status" 1 "mount of $url: exit status"
	assert_in "***@$NEAR" "$WORK/err"
	! grep -q sesame "$WORK/err" || fail "shown: $(cat "$WORK/err")"
done
for url in "http://user:sesame@$CLEAR/x" "http://user:sesame@$CLEAR:99999" "ftp://user:sesame@$CLEAR"; do
	seed --mirror="$url"
	assert_eq "$status" 2 "$url: exit status"
	! grep -q sesame "$WORK/err" || fail "shown: $(cat "$WORK/err")"
done
for url in "http://user:sesame@$NEAR/images/app" "ftp://user:sesame@[/x"; do
	status=0
	cfs-seed --store="$WORK/mounted" --mirror="http://$NEAR" "$url" 2>"$WORK/err" || status=$?
	assert_eq "$status" 1 "cfs-seed of $url: exit status"
	assert_in "is given as --mirror" "$WORK/err"
	! grep -q sesame "$WORK/err" || fail "shown: $(cat "$WORK/err")"
done
DEADLINE=0.1 seed --mirror="http://$NEAR" --proxy-file="$WORK/proxy"
assert_eq "$status" 1 "a proxy that is not there"
assert_in "proxy http://***@127.0.0.1:1" "$WORK/err"
! grep -q sesame "$WORK/err" || fail "shown: $(cat "$WORK/err")"

# Who drops nothing must not say so.
for user in root nobody-of-that-name; do
	mkdir -p "$WORK/objects"
	assert_fails timeout 10 cfs-fetch --foreground --store="$WORK/store" --mirror="http://$NEAR" \
		--user="$user" "$WORK/objects" 2>"$WORK/err"
	assert_in "--user=$user: " "$WORK/err"
done
