#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""plot_starts.py [--table] COLD_START RIVALS: what cold_start.sh and rivals.sh printed, as a plot.

An SVG: seconds, on a logarithmic scale, over the round trip; a line for each way to read
the trace of a start with eight readers.  Who was stopped is not drawn.

--table: what rivals.sh printed and the rows of cold_start.sh with eight readers as one
Markdown table: seconds for each round trip, the most processor seconds a GB and MiB held.
"""
import math
import re
import sys
from xml.sax.saxutils import escape

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 430, 60, 230, 30, 50
COLOURS = ["#1b6ca8", "#3a9bdc", "#7cc4f4", "#444444", "#c8553d", "#e9a23b", "#7a9e49"]


def of_cold_start(text):
    """{title: {rtt: seconds}} of the rows with eight readers, and of curl."""
    lines = text.splitlines()
    head = next(line for line in lines if line.startswith("round trip"))
    rtts = [int(n) for n in re.findall(r"(\d+) ms", head)]
    result = {}
    for line in lines:
        cells = re.findall(r"(\d+) \(\s*[\d.]+\)", line)
        title = re.split(r"\s{2,}", line)[0]
        if len(cells) != len(rtts) or title.endswith("readers: 1"):
            continue
        title = title.replace(", readers: 8", "")
        result[title if "curl" in title else "cfs-fetch: " + title] = {
            rtt: int(ms) / 1000 for rtt, ms in zip(rtts, cells)}
    return result


def of_rivals(text):
    result = {}
    for line in text.splitlines():
        match = re.match(r"(\S+) +(\d+) +([\d.]+) +[\d.]+ +[\d.]+ +\S+$", line)
        if match and match[1] != "cfs-fetch":
            result.setdefault(match[1], {})[int(match[2])] = float(match[3])
    return result


def table(cold, rivals):
    """Print the Markdown table; "-" is what was not measured."""
    rows = {title: {rtt: f"{seconds:.2f}" for rtt, seconds in points.items()}
            for title, points in of_cold_start(cold).items()}
    cpu, memory = {}, {}
    for title, *cost in re.findall(r"^(.+), readers: 8 .*\) +([\d.]+) +([\d.]+)$", cold, re.M):
        cpu["cfs-fetch: " + title], memory["cfs-fetch: " + title] = map(float, cost)
    for line in rivals.splitlines():
        match = re.match(r"(\S+) +(\d+) +(> \d+|[\d.]+) +(-|[\d.]+) +([\d.]+) +\S+$", line)
        if not match:
            continue
        name = match[1] + (", no prefetch" if match[1] == "cfs-fetch" else "")
        rows.setdefault(name, {})[int(match[2])] = match[3]
        if match[4] != "-":
            cpu[name] = max(cpu.get(name, 0), float(match[4]))
        memory[name] = max(memory.get(name, 0), float(match[5]))
    rtts = sorted({rtt for cells in rows.values() for rtt in cells})
    print("| | " + " | ".join(f"{rtt} ms" for rtt in rtts) + " | CPU s/GB | MiB |")
    print("|---" + "|--:" * (len(rtts) + 2) + "|")
    for name, cells in rows.items():
        print("| " + " | ".join([name, *(cells.get(rtt, "-") for rtt in rtts),
                                 str(cpu.get(name, "-")), str(memory.get(name, "-"))]) + " |")


def draw(series):
    rtts = sorted({rtt for points in series.values() for rtt in points})
    seconds = [s for points in series.values() for s in points.values()]
    low, high = math.log10(min(seconds)) - 0.1, math.log10(max(seconds)) + 0.1

    def x(rtt):
        return LEFT + (WIDTH - LEFT - RIGHT) * rtt / max(rtts)

    def y(s):
        return TOP + (HEIGHT - TOP - BOTTOM) * (high - math.log10(s)) / (high - low)

    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
          'font-family="sans-serif" font-size="12">')
    print(f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>')
    for mark in (0.5, 1, 2, 5, 10, 20, 50, 100, 200):
        if low <= math.log10(mark) <= high:
            print(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(mark):.1f}" y2="{y(mark):.1f}" '
                  f'stroke="#dddddd"/><text x="{LEFT - 6}" y="{y(mark) + 4:.1f}" '
                  f'text-anchor="end">{mark:g}</text>')
    for rtt in rtts:
        print(f'<text x="{x(rtt):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{rtt}</text>')
    print(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 12}" '
          'text-anchor="middle">round trip, ms</text>')
    print(f'<text x="{LEFT}" y="{TOP - 12}">seconds to read the files of a start</text>')
    labels = sorted((y(points[max(points)]), title) for title, points in series.items())
    at = -math.inf
    places = {}
    for place, title in labels:
        at = places[title] = max(place, at + 15)
    for colour, (title, points) in zip(COLOURS * 3, series.items()):
        path = " ".join(f"{x(rtt):.1f},{y(points[rtt]):.1f}" for rtt in sorted(points))
        print(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        for rtt in points:
            print(f'<circle cx="{x(rtt):.1f}" cy="{y(points[rtt]):.1f}" r="3" fill="{colour}"/>')
        print(f'<text x="{WIDTH - RIGHT + 12}" y="{places[title] + 4:.1f}" '
              f'fill="{colour}">{escape(title)}</text>')
    print("</svg>")


files = [open(name).read() for name in sys.argv[1:] if name != "--table"]
if "--table" in sys.argv[1:]:
    table(*files)
else:
    draw({**of_cold_start(files[0]), **of_rivals(files[1])})
