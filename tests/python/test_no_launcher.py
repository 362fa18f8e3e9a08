"""A launcher that does not come up: the program is told by the constructor, and nothing of the attempt is left."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

# Orders are on their way when it turns out that nobody will carry them out.
_PROGRAM = """
import os
import sys

import prong

def open_files():
    return len(os.listdir("/proc/self/fd"))

def children():
    with open(f"/proc/self/task/{os.getpid()}/children") as file:
        return file.read().split()

for attempt in range(20):
    try:
        prong.Pool(2, start=sys.argv[1])
    except prong.PoolError as error:
        print(error)
    if attempt == 0:
        files = open_files()
assert open_files() <= files, (files, open_files())
for _ in range(1000):
    if not children():
        break
    import time
    time.sleep(0.01)
assert not children(), children()
os.environ["PRONG_LAUNCHER"] = ""
with prong.Pool(2, start=sys.argv[1]) as pool:
    print(pool.map(abs, [-1, 2]))
"""


@pytest.mark.parametrize("start", ["fork", "fresh", "spawn"])
def test_it_ends_at_once(start: str) -> None:
    environment = {**os.environ, "PRONG_LAUNCHER": "/bin/true"}
    command = [sys.executable, "-c", _PROGRAM, start]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == ["the launcher ended as soon as it was started"] * 20 + ["[1, 2]"]
    assert done.stderr == ""
