import itertools
import time
from statistics import median

import jobs

from .base import Measurement, WarmWork, expect, meet_in_two_processes, show_microseconds

# The moments of a round trip, in the order in which they follow from each other. submit() returns at a time of its own:
# the worker may have answered before.
MOMENTS = ("called", "queued", "taken", "entered", "left", "ended", "seen", "returned")
STEPS = {
    "encode, queue": ("called", "queued"),
    "to the worker": ("queued", "taken"),
    "decode": ("taken", "entered"),
    "call": ("entered", "left"),
    "encode": ("left", "ended"),
    "to the caller": ("ended", "seen"),
    "decode, return": ("seen", "returned"),
    "submit() takes": ("called", "submitted"),
}


class Steps(WarmWork):
    """Where does the time of one round trip go? By the clocks of the caller, the engine and the job."""

    name = "steps"
    title = "One round trip by steps"
    needs = "trace"
    jobs = 2_000
    quick_jobs = 200
    has_ratios = False
    show = staticmethod(show_microseconds)
    notes = dict.fromkeys(STEPS, show_microseconds)

    def warm_up(self, system, size):
        meet_in_two_processes(system)
        self.measure_warm(system, 200)

    def measure_warm(self, system, size):
        argument, pause = {
            "plain value": (1, 0),
            "pickled value": ([1], 0),
            "after a pause of 5 ms": (1, 0.005),
        }[system.way]
        traces = [trace(system, argument, pause) for _ in range(size // 10 if pause else size)]
        notes = {step: median(seen[end] - seen[begin] for seen in traces) for step, (begin, end) in STEPS.items()}
        return Measurement(median(seen["returned"] - seen["called"] for seen in traces), notes)


def trace(system, argument, pause):
    """When each moment was. The engine takes some of its times before it looks, so that they may be a little early."""
    time.sleep(pause)
    answer, seen = system.trace(jobs.tell_times, argument)
    expect(answer[0] == argument, "wrong result")
    _, seen["entered"], seen["left"] = answer
    return seen | dict(zip(MOMENTS, itertools.accumulate((seen[moment] for moment in MOMENTS), max), strict=True))
