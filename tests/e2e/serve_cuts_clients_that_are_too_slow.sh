#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
#
# A head that drips, a connection that idles and a reader that hardly reads are cut in
# time; one that is slow but fast enough gets everything.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

on_each_engine late_head --head-timeout=2
on_each_engine idle --idle-timeout=2
on_each_engine slow_reader --min-rate=1M
on_each_engine patient_reader --min-rate=1K
