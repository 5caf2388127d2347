#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-or-later
# also: address
#
# The entity tag is the digest, conditions give 304, HEAD has no body, objects are
# immutable and names are not, and what is not on the list of URLs is 404.
. "${0%/*}/lib.sh"
. "${0%/*}/serve_lib.sh"

on_each_engine fields
