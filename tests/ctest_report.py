#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""ctest_report.py JUNIT.xml LOGDIR: print "STATUS NAME SECONDS LOG" for each test of a
ctest run, and leave the output of each in LOGDIR."""
import os
import sys
import xml.etree.ElementTree as ElementTree

STATUS = {"run": 0, "fail": 1, "notrun": 77, "disabled": 77}

root = ElementTree.parse(sys.argv[1]).getroot()
for case in root.iter("testcase"):
    name = case.get("name")
    log = os.path.join(sys.argv[2], name.replace("/", "-") + ".log")
    with open(log, "w") as f:
        f.write(case.findtext("system-out") or "")
        failure = case.find("failure")
        if failure is not None:
            f.write(f"\n{failure.get('message') or ''}\n")
    print(STATUS.get(case.get("status"), 1), name, f"{float(case.get('time')):.1f}", log)
