#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
#
# dracut's cmdline hook: sourced.  What makes no sense is told by mount.cfsroot.
cfs-cmdline >/dev/null 2>&1
if [ $? -ne 3 ]; then
	# shellcheck disable=SC2034
	rootok=1
	echo rd.neednet=1 >/etc/cmdline.d/90-cfs.conf
fi
