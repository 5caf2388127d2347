#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# What a folder's objects are needed for is known only where images/ says it: in the
# repository of another program, in a folder of objects without images/ and in any other
# folder nothing is removed, renamed or made, and the message says what the folder is.
. "${0%/*}/lib.sh"
need_prog mkcomposefs cfs-store cfs-seed cfs-fetch cfs-serve

mkdir "$WORK/tree"
seq 5000 >"$WORK/tree/file"
make_store "$WORK/store" "$WORK/tree" app

# like STORE KIND: what the other programs' repositories look like.
like() {
	mkdir -p "$1/objects"
	cp -r "$WORK/store/objects" "$1/"
	case $2 in
	composefs-rs)
		mkdir -p "$1/images/refs" "$1/streams/refs/oci"
		echo '{"version":1,"algorithm":"fsverity-sha256-12"}' >"$1/meta.json"
		ln -s "../objects/$(object_path "$IMAGE_DIGEST")" "$1/images/$IMAGE_DIGEST"
		;;
	old-composefs-rs)
		mkdir -p "$1/images" "$1/streams"
		ln -s "../objects/$(object_path "$IMAGE_DIGEST")" "$1/images/$IMAGE_DIGEST"
		;;
	OSTree)
		mkdir -p "$1/refs/heads" "$1/tmp" "$1/state" "$1/images"
		printf '[core]\nrepo_version=1\nmode=bare\n' >"$1/config"
		;;
	git)
		mkdir -p "$1/refs/heads" "$1/images"
		echo 'ref: refs/heads/main' >"$1/HEAD"
		printf '[core]\n\tbare = true\n' >"$1/config"
		;;
	images) ;;
	esac
}
picture() { (cd "$1" && find . -printf '%p %y %m %l %s %T@\n' | sort); }

for kind in composefs-rs old-composefs-rs OSTree git images; do
	repository=$WORK/$kind
	like "$repository" "$kind"
	expected="${kind#old-} repository"
	[ "$kind" != images ] || expected=images/
	picture "$repository" >"$WORK/before"
	for operation in gc "gc --dry-run" "gc --max-size=1K" "verify --repair" \
		"verify --full --repair" "unpin $IMAGE_DIGEST" compress trees \
		"pack --all" "pin new $IMAGE_DIGEST" "import $WORK/store/images/app new"; do
		read -r -a words <<<"$operation"
		case ${words[0]} in
		unpin | pin | import) words=("${words[0]}" "$repository" "${words[@]:1}") ;;
		pack) words+=("$repository" "$IMAGE_DIGEST") ;;
		*) words+=("$repository") ;;
		esac
		# Without images/ only gc has no ground to stand on.
		[ "$kind" = images ] && [ "${words[0]}" != gc ] && continue
		assert_fails cfs-store "${words[@]}" >"$WORK/out" 2>&1
		assert_in "$expected" "$WORK/out"
		picture "$repository" >"$WORK/after"
		diff "$WORK/before" "$WORK/after" || fail "changed by cfs-store ${words[*]}"
	done
	if [ "$kind" != images ]; then
		for other in "mkcomposefs --store=$repository $WORK/tree" \
			"cfs-seed --store=$repository --from=$WORK/tree $WORK/store/images/app" \
			"cfs-fetch --foreground --mirror=http://127.0.0.1:1 --store=$repository $WORK/mnt"; do
			read -r -a words <<<"$other"
			assert_fails "${words[@]}" >"$WORK/out" 2>&1
			assert_in "$expected" "$WORK/out"
		done
	fi
	picture "$repository" >"$WORK/after"
	diff "$WORK/before" "$WORK/after" || fail "changed: $kind"
	# To read it is no harm.
	cfs-store verify --full "$repository"
	cfs-store ls "$repository"
done

# A folder that is nothing: said so, and nothing is made in it.
mkdir "$WORK/other"
echo text >"$WORK/other/file"
for path in "$WORK/other" "$WORK/none"; do
	for operation in gc verify "verify --repair" du ls compress trees; do
		# shellcheck disable=SC2086
		assert_fails cfs-store $operation "$path" >"$WORK/out" 2>&1
		assert_in "no store here" "$WORK/out"
	done
	assert_fails cfs-fetch --foreground --mirror=http://127.0.0.1:1 --store="$path" "$WORK/mnt" \
		>"$WORK/out" 2>&1
	assert_in "no store here" "$WORK/out"
done
assert_eq "$(ls "$WORK/other")" file "what is in a folder that is no store"
[ ! -e "$WORK/none" ] || fail "a store was made by looking at it"
