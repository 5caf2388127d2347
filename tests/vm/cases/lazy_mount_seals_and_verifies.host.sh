# SPDX-License-Identifier: GPL-2.0-or-later
# shellcheck shell=bash disable=SC2154
#
# The server of lazy_mount_seals_and_verifies: on the machine, a network away from the guest.
PATH=$CFS_BUILD/cache:$CFS_BUILD/server:$PATH
python3 "$here/../e2e/tree.py" "$run/tree"
VM_DIGEST=$(mkcomposefs --store="$run/origin" --name=tree --print-digest "$run/tree")
port=$(python3 "$here/../e2e/check.py" free-port)
cfs-serve --listen "127.0.0.1:$port" "$run/origin" >"$run/serve.log" 2>&1 &
pids+=($!)
VM_URL=http://10.0.2.2:$port
export VM_DIGEST VM_URL
