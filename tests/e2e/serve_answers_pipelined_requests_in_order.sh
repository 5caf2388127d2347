#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: address
#
# A hundred requests in one write, one request in single bytes, and a client that only
# asks and never reads: it is not listened to for ever.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

on_each_engine pipelining
