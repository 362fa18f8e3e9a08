"""Every question, in the order of the table."""

from .array import Array
from .base import Work
from .commands import Commands, CommandsOutput
from .many_jobs import MapBatches, MapEach, Submit
from .round_trip import RoundTrip
from .start import Start

ALL: list[Work] = [
    RoundTrip(),
    Submit(),
    MapEach(),
    MapBatches(),
    Array(),
    Start(),
    Commands(),
    CommandsOutput(),
]

BY_NAME = {work.name: work for work in ALL}
