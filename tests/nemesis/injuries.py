# SPDX-License-Identifier: GPL-2.0-or-later
"""What the nemesis does, one method an injury.  Each returns a line for the log."""
import os
import shutil
import signal
import subprocess
import time

from fetcher import Objects, run


class Injuries:
    """Of one round: @world, its @fetcher and its @readers; @dice decides all."""

    def __init__(self, world, fetcher, readers, dice, quota):
        self.world, self.fetcher, self.readers, self.dice = world, fetcher, readers, dice
        self.hung = 0
        self.disk_file = f"{world.store}/ballast"
        self.moved = []         # (where, from where) of folders that were exchanged
        self.helpers = []
        self.list = [self.mirror_misbehaves] * 8 + [self.mirror_behaves] * 3 + [
            self.reader_is_killed, self.reader_is_killed, self.fetcher_is_killed,
            self.fetcher_is_stopped, self.objects_vanish, self.store_is_collected,
            self.status_is_read]
        if not quota:           # cfs-seed knows nothing of the fetcher's
            self.list += [self.seed_beside]
        if world.own_disk:
            self.list += [self.disk_fills, self.disk_is_freed]
        if isinstance(fetcher, Objects):
            self.list += [self.objects_are_replaced, self.folder_is_exchanged,
                          self.folders_are_put_back]

    def one(self):
        return self.dice.choice(self.list)()

    def mirror_misbehaves(self):
        mirror = self.dice.choice(self.world.mirrors)
        return f"{mirror.url}: {'; '.join(mirror.misbehave(self.dice))}"

    def mirror_behaves(self):
        mirror = self.dice.choice(self.world.mirrors)
        mirror.rules()
        return f"{mirror.url}: behaves"

    def reader_is_killed(self):
        if not self.readers.kill_one(self.dice):
            self.hung += 1
        return "a reader is killed"

    def fetcher_is_killed(self):
        self.readers.fetcher_gone.value = 1
        self.fetcher.signal(signal.SIGKILL)
        time.sleep(self.dice.choice((0, 0.05, 0.5)))
        # An image comes from the first mirror that a mount names.
        self.world.mirrors[0].rules()
        self.disk_is_freed()
        self.folders_are_put_back()
        self.fetcher.again()
        self.readers.fetcher_gone.value = 0
        return "the fetcher is killed, and started again"

    def fetcher_is_stopped(self):
        seconds = self.dice.choice((0.1, 1, 3))
        self.fetcher.signal(signal.SIGSTOP)
        time.sleep(seconds)
        self.fetcher.signal(signal.SIGCONT)
        return f"the fetcher was stopped for {seconds} s"

    def disk_fills(self):
        if os.path.exists(self.disk_file):
            return "the disk is full already"
        free = os.statvfs(self.world.store)
        left = self.dice.choice((0, 100 << 10, 4 << 20))
        size = max(free.f_bavail * free.f_bsize - left, 4096)
        with open(self.disk_file, "wb") as f:
            try:
                os.posix_fallocate(f.fileno(), 0, size)
            except OSError:
                pass
        return f"the disk is full but for {left} bytes"

    def disk_is_freed(self):
        if os.path.exists(self.disk_file):
            os.unlink(self.disk_file)
        return "the disk has room"

    def local_objects(self, most):
        top = f"{self.world.store}/objects"
        found = []
        for name in self.world.objects:
            if os.path.lexists(f"{top}/{name}") and name != self.world.image:
                found.append(f"{top}/{name}")
        self.dice.shuffle(found)
        return found[:most]

    def objects_vanish(self):
        paths = self.local_objects(self.dice.choice((1, 10, 1000)))
        for path in paths:
            try:
                os.unlink(path)
            except OSError:
                pass
        return f"{len(paths)} objects vanish from the store"

    def objects_are_replaced(self):
        paths = self.local_objects(self.dice.choice((1, 5)))
        kind = self.dice.choice(("link", "folder", "fifo", "empty"))
        for path in paths:
            try:
                os.unlink(path)
                if kind == "link":
                    os.symlink("/etc/passwd", path)
                elif kind == "folder":
                    os.mkdir(path)
                elif kind == "fifo":
                    os.mkfifo(path)
                else:
                    open(path, "wb").close()
            except OSError:
                pass
        return f"{len(paths)} objects become a {kind}"

    def folder_is_exchanged(self):
        top = f"{self.world.store}/objects"
        # Not the image's: without its object nothing may be fetched.
        folders = [f for f in os.listdir(top) if len(f) == 2 and f != self.world.image[:2]]
        if not folders:
            return "no folder to exchange"
        path = f"{top}/{self.dice.choice(folders)}"
        aside = f"{self.world.work}/aside{len(self.moved)}"
        try:
            shutil.move(path, aside)
            os.symlink(aside, path)
        except OSError as err:
            return f"{path} could not be exchanged: {err}"
        self.moved.append((path, aside))
        return f"{path} is a symbolic link"

    def folders_are_put_back(self):
        for path, aside in self.moved:
            if os.path.islink(path):
                os.unlink(path)
            shutil.rmtree(aside, ignore_errors=True)
        n, self.moved = len(self.moved), []
        return f"{n} folders are removed"

    def store_is_collected(self):
        done = run("cfs-store", "gc", self.world.store, check=False)
        return f"cfs-store gc: status {done.returncode}"

    def seed_beside(self):
        mirrors = [f"--mirror={m.url}" for m in self.world.mirrors]
        self.helpers = [h for h in self.helpers if h.poll() is None]
        if len(self.helpers) < 2:
            self.helpers.append(subprocess.Popen(
                ["cfs-seed", f"--store={self.world.store}", *mirrors, "--deadline=10", "tree"],
                stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        return "cfs-seed fills the same store"

    def status_is_read(self):
        done = run("cfs-fetch", "status", self.fetcher.mnt, check=False)
        return f"cfs-fetch status: status {done.returncode}"

    def heal(self):
        """All is well again; returns how many programs beside the fetcher did not end."""
        for mirror in self.world.mirrors:
            mirror.rules()
        self.disk_is_freed()
        self.folders_are_put_back()
        self.fetcher.signal(signal.SIGCONT)
        for helper in self.helpers:
            try:
                helper.wait(60)
            except subprocess.TimeoutExpired:
                print("HUNG: cfs-seed --deadline=10", flush=True)
                self.hung += 1
                helper.kill()
                helper.wait()
            if helper.returncode < 0:
                print(f"CRASHED: cfs-seed: signal {-helper.returncode}", flush=True)
                self.hung += 1
