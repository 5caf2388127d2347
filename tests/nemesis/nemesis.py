#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Readers against everything that can go wrong at once; run.sh makes the world it runs in.

    nemesis.py --work DIR --store DIR --origin STORE --tree DIR [--seed N] [--seconds N]

In each round a fetcher gets its options by chance, readers read and compare every byte, and every
half second something is hurt (injuries.py).  Then all is healed, and every file must be right.

    wrong    bytes that are not the file's
    forbidden  an error that a reader must never see, ENOENT above all
    hung     an operation that did not end within a minute, or a process that did not end
    crashed  the fetcher or cfs-seed ended by themselves
    over     the store took more of the disk than --max-size allows

The last line counts them; the exit status is 0 if all are 0.  A round is repeated by its
seed: --seed=N --rounds=1.
"""
import argparse
import errno
import os
import random
import re
import sys
import time

import fetcher
import injuries
import mirrors
import readers

HUNG_MS = 60_000
LARGE = 16 << 20            # from here on objects are fetched in parts


class World:
    """What outlives the rounds."""

    def __init__(self, args):
        self.work, self.store, self.origin = args.work, args.store, args.origin
        self.own_disk = os.path.ismount(args.store)
        self.tree, self.objects = {}, {}
        for folder, _, names in os.walk(args.tree):
            for name in names:
                path = os.path.join(folder, name)
                with open(path, "rb") as f:
                    self.tree[os.path.relpath(path, args.tree)] = f.read()
        self.image = os.readlink(f"{self.origin}/images/tree").split("objects/")[1]
        self.digest = self.image.replace("/", "")
        for folder, _, names in os.walk(f"{self.origin}/objects"):
            for name in names:
                path = os.path.join(folder, name)
                name = os.path.relpath(path, f"{self.origin}/objects")
                if name != self.image:      # which no image names
                    with open(path, "rb") as f:
                        self.objects[name] = f.read()
        self.mirrors = mirrors.start(3, self.origin, self.work, args.seed)


def options(dice):
    """Of cfs-fetch, and by the same names of mount.composefs; and the quota in bytes, or 0.

    The smaller quota is less than the image needs: then some opens must fail with ENOSPC.
    """
    quota = 0
    chosen = ["--deadline=5", f"--transfers={dice.choice((1, 4, 64))}"]
    for option in ("--no-io-uring", "--complete", "--no-prefetch", "--no-hedge"):
        if dice.random() < 0.25:
            chosen.append(option)
    if "--complete" not in chosen and dice.random() < 0.4:
        quota = dice.choice((20 << 20, 120 << 20))
        chosen.append(f"--max-size={quota}")
    return chosen, quota


def used(store):
    """Bytes of disk that the store takes."""
    total = 0
    for folder, _, names in os.walk(store):
        for name in names:
            try:
                st = os.lstat(f"{folder}/{name}")
            except FileNotFoundError:
                continue
            if name != "ballast":
                total += st.st_blocks * 512
    return total


def new_store(world, dice):
    if dice.random() < 0.6:
        fetcher.forget_store(world.store)
    os.makedirs(f"{world.store}/objects", exist_ok=True)
    os.makedirs(f"{world.store}/images", exist_ok=True)
    os.chmod(world.store, 0o700)
    fetcher.run("cfs-store", "import", world.store, f"{world.origin}/images/tree", "tree")


def settle(files, may_be_full, seconds=60):
    """After the healing: every file is right, soon; returns how many are not."""
    bad = 0
    end = time.monotonic() + seconds
    for path, want in files:
        while True:
            try:
                with open(path, "rb") as f:
                    if f.read() == want:
                        break
                print(f"WRONG BYTES after healing: {path}", flush=True)
                bad += 1
                break
            except OSError as err:
                if may_be_full and err.errno == errno.ENOSPC:
                    break
                if time.monotonic() > end:
                    print(f"STILL FAILS after healing: {path}: {err}", flush=True)
                    bad += 1
                    break
                time.sleep(0.2)
    return bad


class Counts:
    def __init__(self):
        self.reads = self.bytes = self.errors = self.injuries = 0
        self.wrong = self.forbidden = self.hung = self.crashed = self.over = 0

    def bad(self):
        return self.wrong + self.forbidden + self.hung + self.crashed + self.over

    def __str__(self):
        return (f"{self.reads} reads of {self.bytes >> 20} MiB checked, {self.injuries} injuries, "
                f"{self.errors} errors that are allowed: {self.wrong} wrong, "
                f"{self.forbidden} forbidden, {self.hung} hung, {self.crashed} crashed, "
                f"{self.over} times over quota")


def one_round(world, seed, seconds, counts):
    dice = random.Random(seed)
    new_store(world, dice)
    kind = dice.choice((fetcher.Objects, fetcher.Tree))
    chosen, quota = options(dice)
    if kind is fetcher.Objects and dice.random() < 0.5:
        chosen.append("--partial-reads")
    # What the image needs stays, so a store that had more before keeps it.
    most = max(quota, used(world.store)) if quota else None
    print(f"round seed={seed} {kind.__name__} {' '.join(chosen)}", flush=True)
    rules = []
    if dice.random() < 0.5:
        rules += ["/packs/ status code=404"]
    if dice.random() < 0.5:
        # So that readers come while prefetch and "complete" are at it.
        rules += ["/objects/ rate bps=4000000"]
    for mirror in world.mirrors:
        mirror.rules(*rules)
    under = kind(world, chosen)
    time.sleep(dice.choice((0, 0.5, 2)))
    files = list(under.files())
    # Large objects have more states than small ones, so they are read more often.
    files += [f for f in files if len(f[1]) >= LARGE] * 10
    crowd = readers.Readers(8, files, seed)
    hurt = injuries.Injuries(world, under, crowd, dice, bool(quota))
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        print(f"  {hurt.one()}", flush=True)
        counts.injuries += 1
        if most and used(world.store) > most:
            print(f"OVER QUOTA: {used(world.store)} bytes instead of {most}", flush=True)
            counts.over += 1
        if under.crashed():
            print(f"CRASHED: cfs-fetch, see {under.log}", flush=True)
            counts.crashed += 1
            crowd.fetcher_gone.value = 1
            under.again()
            crowd.fetcher_gone.value = 0
        if crowd.slowest_ms() > HUNG_MS:
            print("HUNG: a reader, see the end of the round", flush=True)
            break
        time.sleep(dice.choice((0.05, 0.3, 0.8)))
    hurt.heal()
    counts.hung += hurt.hung + crowd.end(HUNG_MS / 1000)
    if under.crashed():
        print(f"CRASHED: cfs-fetch, see {under.log}", flush=True)
        counts.crashed += 1
    else:
        counts.wrong += settle(under.files(), 0 < quota < 100 << 20)
    if not under.close():
        print("HUNG: cfs-fetch does not end after umount", flush=True)
        counts.hung += 1
    for field in ("reads", "bytes", "wrong", "forbidden"):
        setattr(counts, field, getattr(counts, field) + crowd.total(field))
    counts.errors += crowd.total("errors") - crowd.total("forbidden")
    # A sanitizer's report, in the build that has them.
    with open(under.log, encoding="utf-8", errors="replace") as log:
        if re.search(r"ERROR: \w+Sanitizer|runtime error:", log.read()):
            print(f"CRASHED: a sanitizer reports, see {under.log}", flush=True)
            counts.crashed += 1


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    for name in ("work", "store", "origin", "tree"):
        parser.add_argument(f"--{name}", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--round-seconds", type=float, default=12)
    parser.add_argument("--rounds", type=int, default=1_000_000)
    args = parser.parse_args()
    world, counts = World(args), Counts()
    end, done = time.monotonic() + args.seconds, 0
    while done < args.rounds and time.monotonic() < end and not counts.bad():
        one_round(world, args.seed + done, args.round_seconds, counts)
        done += 1
        print(f"after {done} rounds: {counts}", flush=True)
    for mirror in world.mirrors:
        mirror.close()
    if counts.bad():
        print(f"repeat the round: tests/nemesis/run.sh --seed={args.seed + done - 1} --rounds=1")
    print(f"{done} rounds, seed {args.seed}: {counts}")
    sys.exit(1 if counts.bad() else 0)


if __name__ == "__main__":
    main()
