#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: address
#
# One range, its limits, nonsense in its place, If-Range: of an object in memory and of a
# large one, with offsets around 2^64.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

on_each_engine ranges
