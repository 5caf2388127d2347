# SPDX-License-Identifier: GPL-2.0-or-later
"""The fetcher under attack, and how its files are reached: as objects, or as a mounted tree."""
import os
import shutil
import signal
import subprocess
import time


def run(*command, check=True):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)}: status {done.returncode}: {done.stdout[-2000:]}")
    return done


class Fetcher:
    """Common: start(), pid, kill(), stop(), proceed(), close() -> list of complaints."""

    def __init__(self, world, options):
        self.world, self.options = world, options
        self.mnt, self.store = f"{world.work}/mnt", world.store
        self.log = f"{world.work}/fetch.log"
        os.makedirs(self.mnt, exist_ok=True)
        self.pid = 0
        self.start()

    def crashed(self):
        """Has it ended though nothing here ended it?"""
        try:
            with open(f"/proc/{self.pid}/stat", encoding="ascii", errors="replace") as f:
                return f.read().rpartition(")")[2].split()[0] == "Z"
        except FileNotFoundError:
            return True

    def signal(self, number):
        try:
            os.kill(self.pid, number)
        except ProcessLookupError:
            pass

    def again(self):
        """After its death: what an administrator does."""
        self.signal(signal.SIGKILL)
        self.wait_gone(10)
        run("umount", "-l", self.mnt)
        self.start()

    def wait_gone(self, seconds):
        end = time.monotonic() + seconds
        while not self.crashed():
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def close(self):
        run("umount", "-l", self.mnt)
        gone = self.wait_gone(20)
        if not gone:
            self.signal(signal.SIGKILL)
        return gone


class Objects(Fetcher):
    """cfs-fetch by itself; a file is MNT/aa/<62 hex>."""

    def start(self):
        mirrors = [f"--mirror={m.url}" for m in self.world.mirrors]
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                ["cfs-fetch", "--foreground", f"--store={self.store}", *mirrors, *self.options,
                 self.mnt], stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        self.pid = self.process.pid
        end = time.monotonic() + 20
        while not os.path.ismount(self.mnt):
            if time.monotonic() > end or self.process.poll() is not None:
                raise RuntimeError(f"cfs-fetch did not mount, see {self.log}")
            time.sleep(0.02)

    def wait_gone(self, seconds):
        try:
            self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def crashed(self):
        return self.process.poll() is not None

    def files(self):
        for name, data in self.world.objects.items():
            yield f"{self.mnt}/{name}", data


class Tree(Fetcher):
    """An image mounted by its URL, with a fetcher of its own; a file is one of the tree."""

    def start(self):
        first, *more = self.world.mirrors
        options = [o.removeprefix("--") for o in self.options]
        options = ["noprefetch" if o == "no-prefetch" else o for o in options]
        known = set(self.fetchers())
        run("mount.composefs", f"{first.url}/images/tree", self.mnt, "-o", ",".join(
            [f"store={self.store}", f"digest={self.world.digest}", "verity_check=0",
             "backend=overlay", f"log={self.log}", *(f"mirror={m.url}" for m in more), *options]))
        self.pid = (set(self.fetchers()) - known).pop()

    @staticmethod
    def fetchers():
        for pid in filter(str.isdigit, os.listdir("/proc")):
            try:
                with open(f"/proc/{pid}/comm", encoding="ascii") as f:
                    if f.read().strip() == "cfs-fetch":
                        yield int(pid)
            except OSError:
                pass

    def files(self):
        for name, data in self.world.tree.items():
            yield f"{self.mnt}/{name}", data


def forget_store(store):
    """An empty store again."""
    for name in os.listdir(store):
        if name != "lost+found":
            path = f"{store}/{name}"
            if os.path.isdir(path) and not os.path.islink(path):
                shutil.rmtree(path)
            else:
                os.unlink(path)
