"""Every question, in the order of the table."""

from .array import Array, ArrayIn, ArrayOut
from .base import Work
from .command_start import CommandStart
from .commands import Commands, CommandsOutput
from .costs import Costs
from .cpp import Cpp
from .cpu_use import CpuUse
from .idle import Idle
from .large_results import LargeResults
from .lazy_map import LazyMap
from .many_jobs import MapBatches, MapEach, Submit
from .more_workers import MoreWorkers
from .queued_jobs import QueuedJobs
from .round_trip import RoundTrip
from .same_array import SameArray
from .scaling import Scaling
from .start import Program, Start, StartAfter, StartBeside
from .steps import Steps

ALL: list[Work] = [
    RoundTrip(),
    Submit(),
    MapEach(),
    MapBatches(),
    LazyMap(),
    Cpp(),
    Array(),
    ArrayIn(),
    ArrayOut(),
    SameArray(),
    LargeResults(),
    Program(),
    Start(),
    StartBeside(),
    StartAfter(),
    QueuedJobs(),
    Commands(),
    CommandsOutput(),
    CommandStart(),
    CpuUse(),
    MoreWorkers(),
    Idle(),
    Steps(),
    Costs(),
    Scaling(),
]

BY_NAME = {work.name: work for work in ALL}
