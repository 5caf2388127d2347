#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# limit: 300
#
# The digest of a composefs image that a current ostree records in a commit is that of the
# image mkcomposefs makes of composefs-ostree-dump's answer, in bare and bare-user
# repositories, of everything that ostree commits.
. "${0%/*}/lib.sh"
need_root
need_prog mkcomposefs
ostree=$("$CFS_TOP/tests/sid-tools.sh")
dump=$CFS_TOP/cache/programs/composefs-ostree-dump.py

mkdir -p "$WORK"/tree/{usr/{bin,lib/deep/er,many},etc,opt}
cd "$WORK/tree"
head -c 100000 /dev/urandom >usr/bin/large
echo small >usr/bin/small
chmod 4755 usr/bin/small
: >usr/empty
chown 5:7 usr/empty
ln usr/bin/large usr/lib/hard
ln -s usr/bin bin
ln -s "$(printf 'x%.0s' $(seq 300))" usr/long
echo odd >"$(printf 'opt/a name =\\ and\ta tab')"
echo utf8 >opt/grüße
chmod 700 opt
setfattr -n user.one -v "a value" usr/bin/large
setfattr -n user.bytes -v 0x00ff0a20 usr/bin/small
setfattr -n user.none usr/lib
setfattr -n trusted.overlay.opaque -v y etc
seq 300 | while read -r i; do echo "$i" >"usr/many/$i"; done
cd "$WORK"

for mode in bare bare-user; do
	"$ostree" ostree init --repo="$mode" --mode="$mode"
	"$ostree" ostree commit --repo="$mode" --branch=os/main --subject=first \
		--generate-composefs-metadata tree >checksum
	"$dump" "$mode" os/main >image.dump
	"$dump" "$mode" "$(cat checksum)" | cmp - image.dump
	want=$("$dump" --digest "$mode" os/main)
	shown=$("$ostree" ostree show --repo="$mode" --print-hex \
		--print-metadata-key=ostree.composefs.digest.v0 os/main)
	assert_eq "$shown" "$want" "the recorded digest of $mode"
	assert_eq "$(mkcomposefs --from-file --print-digest image.dump image)" "$want" "the image of $mode"
	"$ostree" ostree checkout --repo="$mode" --composefs os/main theirs
	cmp theirs image || fail "$mode: the images differ"
	rm -f theirs

	if [ -z "${CFS_GUEST:-}" ] && grep -qw erofs /proc/filesystems; then
		mount_cfs image mnt "basedir=$mode/objects,digest=$want,verity_check=0,backend=overlay"
		diff -r --no-dereference tree mnt | grep -v '^Only in mnt: \(boot\|sysroot\|var\)$' &&
			fail "$mode: the mounted tree differs"
		umount mnt
	fi
done

# What is wrong is told.
"$ostree" ostree init --repo=archive --mode=archive
for wrong in "archive os/main" "bare nothing" "nowhere os/main" "bare ../main"; do
	# shellcheck disable=SC2086
	assert_fails "$dump" $wrong 2>err
	grep -q "^composefs-ostree-dump: " err || fail "$wrong: $(cat err)"
done
"$ostree" ostree commit --repo=bare --branch=plain --subject=plain tree >/dev/null
assert_fails "$dump" --digest bare plain 2>err
assert_in "records no composefs digest" err
tree=$(find bare/objects -name '*.dirtree' | head -n 1)
printf x | dd of="$tree" bs=1 seek=9 conv=notrunc status=none
assert_fails "$dump" bare os/main 2>err >/dev/null
assert_in "not the object of that name" err

# A repository is a source of contents for any image.
mkcomposefs --digest-store="$WORK/origin" tree ordinary
cfs-seed --store="$WORK/store" --from="$WORK/bare-user/objects" --name=tree --json "$WORK/ordinary" >report 2>err ||
	{ cat report err; fail "the repository lacks contents"; }
composefs-info --basedir="$WORK/store/objects" missing-objects ordinary
