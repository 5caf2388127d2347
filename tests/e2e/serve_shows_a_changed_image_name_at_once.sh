#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: address
#
# An image's name is looked up for each request: a new image, a removed name and a changed
# tag are seen by the next client.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

for io in auto epoll; do
	ln -sfn "..$(serve_http url small)" "$STORE/images/os"
	start_serve "$STORE" --unsealed --io=$io
	curl -sf "$SERVE_URL/images/os" | cmp - "$STORE$(serve_http url small)"
	tag=$(curl -sfI "$SERVE_URL/images/os" | tr -d '\r' | awk '$1 == "ETag:" { print $2 }')
	status=$(curl -s -o /dev/null -w '%{http_code}' -H "If-None-Match: $tag" "$SERVE_URL/images/os")
	assert_eq "$status" 304 "the same image"

	ln -sn "..$(serve_http url page)" "$STORE/images/.new"
	mv -T "$STORE/images/.new" "$STORE/images/os"
	status=$(curl -s -o "$WORK/body" -w '%{http_code}' -H "If-None-Match: $tag" "$SERVE_URL/images/os")
	assert_eq "$status" 200 "another image under the same name"
	cmp "$WORK/body" "$STORE$(serve_http url page)"

	rm "$STORE/images/os"
	status=$(curl -s -o /dev/null -w '%{http_code}' "$SERVE_URL/images/os")
	assert_eq "$status" 404 "a removed name"
	stop_bg "$SERVE_PID"
done
