# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# The server of kmod_podman: on the machine, a network away from the guest.
# shellcheck source=tests/vm/debian_store.sh
. "$here/debian_store.sh"
port=$(python3 "$here/../e2e/check.py" free-port)
"$CFS_BUILD/server/cfs-serve" --listen "127.0.0.1:$port" "$VM_DEBIAN_STORE" \
	>"$run/serve-debian.log" 2>&1 &
pids+=($!)
VM_DEBIAN_URL=http://10.0.2.2:$port
export VM_DEBIAN_URL
