#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# Without a file STORE/mirror, /mirror names the folders that the store has, and the
# profiles in one of them are served.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

on_each_engine mirror
