#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Medians and ratios of what kmod_measure.sh printed, on stdin."""
import statistics
import sys

SYSTEMS = ("ext4", "composefs", "overlay", "erofs")


def ratio(values, other):
    return f"{values['composefs'] / values[other]:8.3f}" if values.get(other) else " " * 8


def main():
    runs = {}
    for line in sys.stdin:
        work, kind, system, *numbers = line.split()
        if work == "memory":
            runs.setdefault((work, kind, "bytes/inode"), {}).setdefault(system, []).append(
                int(numbers[0]) / int(numbers[1]))
            continue
        for what, number in zip(("clock", "cpu"), numbers):
            if what == "clock" or kind == "cold":
                runs.setdefault((work, kind, what), {}).setdefault(system, []).append(
                    int(number) / 1e6)
    print(f"{'millions of instructions, medians':40}" +
          "".join(f"{s:>12}" for s in SYSTEMS) + "   composefs/: ext4 overlay   erofs")
    for (work, kind, what), values in runs.items():
        medians = {s: statistics.median(v) for s, v in values.items()}
        name = f"{work} {kind} {what if kind == 'cold' or work == 'memory' else ''}"
        print(f"{name:40}" + "".join(f"{medians.get(s, 0):12.3f}" for s in SYSTEMS) + "   " +
              " ".join(ratio(medians, s) for s in ("ext4", "overlay", "erofs")))


if __name__ == "__main__":
    main()
