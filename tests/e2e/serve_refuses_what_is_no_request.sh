#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: address
#
# Each kind of nonsense gets its status, and the connection ends after it.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

on_each_engine nonsense
