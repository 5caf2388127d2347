#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# build-curl.sh: a libcurl for the initramfs, built once from Debian's own curl source
# package into $CFS_CACHE/boot/curl/; prints that path.
#
# Debian's libcurl brings 31 libraries of 18 MB (Kerberos, LDAP, SSH, HTTP/2 and so on),
# and its static archive does not link without them.  This one speaks http and https and
# nothing else, as a static archive; OpenSSL stays shared, because kmod has its larger
# half in every initramfs anyway.
set -eEuo pipefail
shopt -s inherit_errexit
. "$(dirname "$0")/../suite.sh"

suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
out=$CFS_CACHE/boot/curl
sources=$CFS_CACHE/apt/$suite-source
protocols=(dict file ftp gopher imap ldap ldaps mqtt pop3 rtsp smb smtp telnet tftp)
features=(alt-svc aws basic-auth cookies dateparse doh get-easy-options headers-api hsts
	libcurl-option manual netrc ntlm ntlm-wb socketpair-off tls-srp unix-sockets
	websockets)
libraries=(brotli libgsasl libidn2 libpsl librtmp libssh libssh2 nghttp2 zlib zstd)

# The machine's release, its source index beside the binary one.
open_sources() {
	mkdir -p "$sources"/state/lists/partial "$sources"/cache/archives/partial
	: >"$sources/status"
	echo "deb-src [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $(machine_archive) $suite main" \
		>"$sources/sources.list"
	[ -n "$(find "$sources/updated" -mmin -720 2>/dev/null)" ] && return 0
	suite_apt "$suite-source" apt-get update >"$sources/update.log" 2>&1 ||
		{ cat "$sources/update.log" >&2; return 1; }
	touch "$sources/updated"
}

build() {
	local work=$out.work options=()

	for word in "${protocols[@]}" "${features[@]}"; do
		[ "$word" = socketpair-off ] || options+=("--disable-$word")
	done
	for word in "${libraries[@]}"; do
		options+=("--without-$word")
	done
	rm -rf "$work" "$out"
	mkdir -p "$work"
	cd "$work"
	suite_apt "$suite-source" apt-get source curl
	cd curl-*/
	[ -x configure ] || autoreconf -fi
	CFLAGS='-Os -ffunction-sections -fdata-sections -fstack-protector-strong' ./configure \
		--prefix="$out" --disable-shared --enable-static --with-openssl \
		--enable-threaded-resolver --with-ca-path=/etc/ssl/certs \
		--with-ca-bundle=/etc/ssl/certs/ca-certificates.crt --disable-dependency-tracking \
		"${options[@]}"
	make -j "$(nproc)" -C lib install
	make -C include install
	make install-pkgconfigDATA
	cd "$CFS_CACHE"
	rm -rf "$work"
}

mkdir -p "$CFS_CACHE/boot"
exec 9>"$out.lock"
flock 9
if [ ! -e "$out/done" ] || [ "$0" -nt "$out/done" ]; then
	echo "building a small libcurl in $out, once" >&2
	open_sources
	(build) >"$out.log" 2>&1 || { tail -n 30 "$out.log" >&2; exit 1; }
	touch "$out/done"
fi
echo "$out"
