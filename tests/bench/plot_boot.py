#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""plot_boot.py [--table] BOOT: what boot.sh printed, as a plot.

An SVG: seconds until the login, a bar for each way to boot and round trip to the mirror.

--table: the same as a Markdown table, with what was fetched and the memory held.
"""
import re
import sys

TITLES = {
    "local": "its own ext4 disk",
    "warm": "warm store, no server",
    "pack": "empty store, pack",
    "profile": "empty store, profile",
    "cold": "empty store",
    "unsealed": "empty store, no fs-verity",
    "whole": "whole image into memory (live-boot)",
}
WIDTH, LEFT, BAR, GAP = 760, 250, 18, 8
COLOURS = {0: "#7cc4f4", 20: "#1b6ca8"}


def parse(text):
    """[(kind, rtt or None, seconds, ratio)], {name: (objects, bytes, of bytes)}, {name: KiB} twice."""
    boots, fetched, rss, store = [], {}, {}, {}
    for line in text.splitlines():
        words = line.split()
        if match := re.match(r"(local|[a-z]+-\d+) +([\d.]+) +([\d.]+)$", line):
            kind, _, rtt = match[1].partition("-")
            boots.append((kind, int(rtt) if rtt else None, float(match[2]), float(match[3])))
        elif words and words[0] == "fetched":
            fetched[words[1]] = (int(words[3]), int(words[7]), int(words[9]))
        elif words and words[0] == "rss_kib":
            rss[words[1]] = int(words[2])
        elif words and words[0] == "store_kib":
            store[words[1]] = int(words[2])
    order = list(TITLES)
    boots.sort(key=lambda boot: (boot[1] or 0, order.index(boot[0])))
    return boots, fetched, rss, store


def table(boots, fetched, rss, store):
    print("| | round trip | until login | × disk | fetched | store | fetcher |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for kind, rtt, seconds, ratio in boots:
        name = f"{kind}-{rtt}"
        share = store_size = held = ""
        if name in fetched:
            objects, some, all_of_it = fetched[name]
            share = f"{objects} objects, {some / 1e6:.0f} MB ({100 * some / all_of_it:.0f} %)"
        if name in store:
            store_size, held = f"{store[name] / 1024:.0f} MiB", f"{rss[name] / 1024:.0f} MiB"
        link = "" if rtt is None else f"{rtt} ms"
        print(f"| {TITLES[kind]} | {link} | {seconds:.0f} s | {ratio:.2f} | {share} | {store_size} | {held} |")


def draw(boots):
    longest = max(seconds for _, _, seconds, _ in boots)
    height = 60 + len(boots) * (BAR + GAP)
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
          'font-family="sans-serif" font-size="12">')
    print(f'<rect width="{WIDTH}" height="{height}" fill="white"/>')
    print('<text x="10" y="24">seconds until the login, in an emulated machine; × its own disk</text>')
    for i, (kind, rtt, seconds, ratio) in enumerate(boots):
        y = 40 + i * (BAR + GAP)
        title = TITLES[kind] + ("" if rtt is None else f", {rtt} ms")
        length = (WIDTH - LEFT - 100) * seconds / longest
        print(f'<text x="{LEFT - 8}" y="{y + 13}" text-anchor="end">{title}</text>')
        print(f'<rect x="{LEFT}" y="{y}" width="{length:.1f}" height="{BAR}" '
              f'fill="{COLOURS.get(rtt, "#999999")}"/>')
        print(f'<text x="{LEFT + length + 6:.1f}" y="{y + 13}">{seconds:.1f} ({ratio:.2f})</text>')
    print("</svg>")


with open(sys.argv[-1], encoding="utf-8") as results:
    parsed = parse(results.read())
if "--table" in sys.argv[1:-1]:
    table(*parsed)
else:
    draw(parsed[0])
