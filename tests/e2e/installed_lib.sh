# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash
#
# Sourced after lib.sh: the programs as `cmake --install --prefix /usr` puts them there,
# in this case's own mount namespace.

# install_programs: from here on nothing is found in the build directory.
install_programs() {
	need_root
	need_fs overlay
	need_cmd cmake
	mkdir "$WORK/build-up" "$WORK/build-work" "$WORK/usr-up" "$WORK/usr-work"
	# cmake writes a list of what it installed into the build directory.
	mount -t overlay build -o \
		"lowerdir=$CFS_BUILD,upperdir=$WORK/build-up,workdir=$WORK/build-work" "$CFS_BUILD"
	DESTDIR=$WORK/dest cmake --install "$CFS_BUILD" --prefix /usr >"$WORK/install.log" ||
		fail "cmake --install: $(tail -1 "$WORK/install.log")"
	umount "$CFS_BUILD"
	# Over a lower layer of its own, so that the work folder is on one file system with it.
	mount -t overlay usr -o \
		"lowerdir=$WORK/dest/usr:/usr,upperdir=$WORK/usr-up,workdir=$WORK/usr-work" /usr
	export PATH=/usr/sbin:/usr/bin:/sbin:/bin
	hash -r
	at_exit umount -l /usr
}
