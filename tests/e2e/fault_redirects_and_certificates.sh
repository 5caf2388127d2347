#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 240
#
# N20 to N24 of the fault matrix: redirects that lead nowhere, out of HTTP, into the
# machine's own network or out of TLS; certificates that are not to be trusted.  In a
# network of its own, in which one public address is local.
. "${0%/*}/lib.sh"
need_root
need_cmd ip openssl
if [ -z "${FAULT_NET:-}" ]; then
	export FAULT_NET=1
	exec unshare --net "$BASH" "$0" "$@"
fi
ip link set lo up
# A documentation address: public for the client, and nobody's.
ip addr add 203.0.113.1/32 dev lo
ip addr add 169.254.169.254/32 dev lo
. "$E2E/fault_lib.sh"

start_faultd B
start_faultd META --address 169.254.169.254
META=http://169.254.169.254:$META_PORT
FAULT_ADDRESS=203.0.113.1 start_faultd A
FAULT_ADDRESS=203.0.113.1 start_faultd OTHER

fault "a redirect to another public mirror is followed"
rules "$A" "objects redirect to=$OTHER{path}"
client --mirror "$A"
bytes 5000 "${OBJECTS[@]:0:3}"
assert_eq "$(seen "$OTHER" gets)" 3 "$FAULT: GETs of the other"
done_with "$FAULT"

# B, the second mirror, is on the loopback; so A may not redirect there, but B may.
rows=(
	"N20 a redirect loop|redirect-loop"
	"N20 four hops|redirect to=$OTHER/images/1"
	"N21 a redirect to file:|redirect to=file:///etc/passwd"
	"N21 a redirect to gopher:|redirect to=gopher://203.0.113.1:70/_{path}"
	"N21 a redirect to ftp:|redirect to=ftp://203.0.113.1/{path}"
	"N22 a redirect to 169.254.169.254|redirect to=$META{path}"
	"N22 a redirect to the loopback|redirect to=$B{path}"
	"N22 a redirect to the loopback, otherwise written|redirect to=http://0x7f000001:$B_PORT{path}"
	"N22 a redirect with a user|redirect to=http://user:pass@203.0.113.1:$OTHER_PORT{path}"
	"N22 a redirect to nowhere|redirect to="
)
for row in "${rows[@]}"; do
	IFS='|' read -r name action <<<"$row"
	fault "$name"
	rules "$A" "objects $action"
	rules "$OTHER" "images/1 redirect to=$OTHER/images/2" "images/2 redirect to=$OTHER/images/3" \
		"images/3 redirect to=$OTHER/images/4" "images/4 redirect to=$A{path}"
	rules "$META"
	rules "$B"
	client --mirror "$A" --mirror "$B"
	bytes 5000 "${OBJECTS[0]}"
	assert_eq "$(seen "$META" gets)" 0 "$FAULT: GETs of the metadata service"
	assert_eq "$(seen "$B" gets)" 1 "$FAULT: GETs of B"
	[ "$(seen "$OTHER" gets)" -le 3 ] || fail "$FAULT: followed $(seen "$OTHER" gets) times"
	done_with "$FAULT"
done

certificate() { # certificate NAME DAYS ALTNAME
	openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days "$2" -subj "/CN=$1" \
		-addext "subjectAltName=$3" -keyout "$WORK/$1.key" -out "$WORK/$1.pem" 2>/dev/null
}
certificate good 2 IP:203.0.113.1
certificate elsewhere 2 IP:203.0.113.99
certificate unknown 2 IP:203.0.113.1
cat "$WORK/good.pem" "$WORK/elsewhere.pem" >"$WORK/bundle.pem"
TLS_good=
for name in good elsewhere unknown; do
	FAULT_ADDRESS=203.0.113.1 start_faultd "TLS_$name" --tls "$WORK/$name.pem" "$WORK/$name.key"
done

fault "https with a certificate that is trusted"
client --mirror "$TLS_good" --ca-bundle="$WORK/bundle.pem"
bytes 5000 "${OBJECTS[@]:0:3}"
done_with "$FAULT"

fault "N23 a redirect from https to http"
rules "$TLS_good" "objects redirect to=$OTHER{path}"
rules "$OTHER"
rules "$B"
client --mirror "$TLS_good" --mirror "$B" --ca-bundle="$WORK/bundle.pem"
bytes 5000 "${OBJECTS[0]}"
assert_eq "$(seen "$OTHER" gets)" 0 "$FAULT: GETs without TLS"
assert_eq "$(results "$TLS_good" redirect)" 1 "$FAULT: refused redirects"
done_with "$FAULT"

for name in elsewhere unknown; do
	url=TLS_$name
	url=${!url}
	fault "N24 a certificate that is good for nothing ($name)"
	client --mirror "$url" --mirror "$B" --ca-bundle="$WORK/bundle.pem"
	bytes 5000 "${OBJECTS[0]}"
	assert_eq "$(results "$url" tls)" 1 "$FAULT: refused"
	assert_eq "$(seen "$url" gets)" 0 "$FAULT: GETs in spite of it"
	grep -qi certificate "$FETCH_LOG" || fail "$FAULT: the log does not say why"
	done_with "$FAULT"
	fault "N24 and there is no other mirror ($name)"
	client --mirror "$url" --ca-bundle="$WORK/bundle.pem" --deadline=3
	no_bytes "EHOSTUNREACH|ETIMEDOUT" 0 9000 "${OBJECTS[0]}"
	done_with "$FAULT"
done

# dated NAME FROM UNTIL: a certificate that vouches for itself, of those days.
dated() {
	openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj "/CN=$1" \
		-keyout "$WORK/$1.key" -out "$WORK/$1.csr" 2>/dev/null
	printf '%s\n' '[ca]' 'default_ca = it' '[it]' "database = $WORK/$1.index" \
		"serial = $WORK/$1.serial" "new_certs_dir = $WORK" 'default_md = sha256' \
		'policy = any' 'x509_extensions = names' '[any]' 'commonName = supplied' \
		'[names]' 'subjectAltName = IP:203.0.113.1' >"$WORK/$1.cnf"
	: >"$WORK/$1.index"
	echo 01 >"$WORK/$1.serial"
	openssl ca -batch -notext -selfsign -config "$WORK/$1.cnf" -keyfile "$WORK/$1.key" \
		-in "$WORK/$1.csr" -out "$WORK/$1.pem" -startdate "$2" -enddate "$3" 2>/dev/null
}
dated old 200101000000Z 210101000000Z
dated new 400101000000Z 410101000000Z
for row in "old|expired" "new|not yet valid"; do
	IFS='|' read -r name says <<<"$row"
	FAULT_ADDRESS=203.0.113.1 start_faultd "DATED_$name" --tls "$WORK/$name.pem" "$WORK/$name.key"
	url=DATED_$name
	fault "a certificate that is $says"
	client --mirror "${!url}" --ca-bundle="$WORK/$name.pem" --deadline=1
	no_bytes "EHOSTUNREACH|ETIMEDOUT" 0 9000 "${OBJECTS[0]}"
	assert_in "$says" "$FETCH_LOG"
	assert_in "this machine's clock says $(date -u +%Y-)" "$FETCH_LOG"
	done_with "$FAULT"
done

# With an OpenSSL that would speak it, we do not.
fault "nothing older than TLS 1.2"
printf '%s\n' 'openssl_conf = a' '[a]' 'ssl_conf = b' '[b]' 'system_default = c' '[c]' \
	'MinProtocol = TLSv1' 'CipherString = ALL:@SECLEVEL=0' >"$WORK/openssl.cnf"
port=$(free_port)
OPENSSL_CONF=$WORK/openssl.cnf start_bg "$WORK/s_server.log" openssl s_server -accept "203.0.113.1:$port" \
	-tls1_1 -cipher 'ALL:@SECLEVEL=0' -cert "$WORK/good.pem" -key "$WORK/good.key" -www
wait_for 10 grep -q ACCEPT "$WORK/s_server.log"
OPENSSL_CONF=$WORK/openssl.cnf curl -s -o /dev/null --tlsv1.0 --cacert "$WORK/good.pem" \
	"https://203.0.113.1:$port/" || fail "$FAULT: the server can't be asked at all"
OPENSSL_CONF=$WORK/openssl.cnf client --mirror "https://203.0.113.1:$port" \
	--ca-bundle="$WORK/good.pem" --deadline=1
no_bytes "EHOSTUNREACH|ETIMEDOUT" 0 9000 "${OBJECTS[0]}"
assert_in "result=tls" "$FETCH_LOG"
done_with "$FAULT"
