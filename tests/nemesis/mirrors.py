# SPDX-License-Identifier: GPL-2.0-or-later
"""Mirrors of tests/e2e/faultd.py that are told, again and again, to misbehave in another way."""
import os
import subprocess
import sys
import urllib.request

# What a mirror may do to a request; see faultd.py.
ACTIONS = ("close", "silent", "slow s=0.5", "slow s=3", "drip-head s=0.2", "drip-body bps=50",
           "drip-body bps=5000", "rate bps=100000", "rate bps=3000000", "rate bps=3000000",
           "trickle s=2", "trickle s=60", "trickle s=10 late=2",
           "rst-head", "rst-body", "short", "short-nolength", "long n=1",
           "long n=100000", "endless", "length v=-5", "length v=99999999999", "two-lengths",
           "flip", "flip at=0", "portal", "gzip", "bomb", "status code=404", "status code=403",
           "status code=429 retry=3600", "status code=500", "status code=503 retry=1",
           "status code=400", "status code=501", "redirect-loop", "redirect to=file:///etc/passwd",
           "header-line", "header-lines", "interim n=2000", "http09", "garbage", "nul", "no-range",
           "wrong-range", "no-satisfy")
PLACES = ("/objects/", "/objects/[0-7]", "/zst/", "/verity/", "/packs/", "/profiles/", "/mirror",
          "/images/", ".")


class Mirror:
    """One process of faultd.py over a store; stopped with close()."""

    def __init__(self, faultd, store, log, seed):
        self.process = subprocess.Popen(
            [sys.executable, faultd, "--store", store, "--seed", str(seed), "--log", log],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        self.url = f"http://127.0.0.1:{self.process.stdout.readline().strip()}"

    def rules(self, *rules):
        data = "\n".join(rules).encode() + b"\n"
        urllib.request.urlopen(f"{self.url}/-/rules", data=data, timeout=30).read()

    def misbehave(self, dice):
        """Up to three rules; returns them."""
        rules = [f"{dice.choice(PLACES)} {dice.choice(ACTIONS)} p={dice.choice((0.1, 0.5, 1))}"
                 for _ in range(dice.randint(1, 3))]
        self.rules(*rules)
        return rules

    def close(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


def start(number, store, work, seed):
    faultd = os.path.join(os.path.dirname(__file__), "..", "e2e", "faultd.py")
    return [Mirror(faultd, store, f"{work}/requests.{i}", seed + i) for i in range(number)]
