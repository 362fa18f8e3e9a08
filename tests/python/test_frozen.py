"""A program and its launcher are frozen for longer than an answer may take, as in a paused container."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

# A launcher that owes something is asked after two seconds whether it is alive, and killed five seconds later.
_ASKED = 3.5
_TOO_LONG = 6

_PROGRAM = """
import time
import prong

with prong.Pool(1, start="fork") as pool:
    job = pool.submit(time.sleep, 12)
    while pool.workers[0].state != "busy":
        time.sleep(0.01)
    print(pool.stats["launcher_pid"], flush=True)
    job.exception()
    print(job.outcome.name, flush=True)
"""


def test_a_launcher_is_not_killed_for_what_it_had_no_time_for() -> None:
    with subprocess.Popen([sys.executable, "-c", _PROGRAM], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        launcher = int(program.stdout.readline())
        os.kill(launcher, signal.SIGSTOP)
        time.sleep(_ASKED)
        program.send_signal(signal.SIGSTOP)
        time.sleep(_TOO_LONG)
        program.send_signal(signal.SIGCONT)
        time.sleep(0.5)
        os.kill(launcher, signal.SIGCONT)
        assert program.stdout.read() == "returned\n"
