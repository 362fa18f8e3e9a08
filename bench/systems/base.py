"""What the benchmark asks of a system; each adapter says how that system does it best."""

import importlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib import metadata
from typing import Any, ClassVar

WORKERS = 2

Function = Callable[[Any], Any]


class System:
    """One way of running jobs in two processes.

    An adapter defines the methods that its system can do and leaves out the others; `cannot` gives the reason for what
    is left out. The works look for these methods:

    call(function, argument)          one job, and its result
    submit_all(function, arguments)   one job each by the system's `submit`, then all results, in order
    map_each(function, arguments)     the system's `map`, every item a job of its own
    map_batches(function, arguments)  the system's `map`, items batched as the system likes best
    run_jobs(function, arguments)     jobs of some milliseconds, in the way that wastes least; results in order
    submit_only(function, arguments)  one job each by `submit`; gives what results_of() takes
    results_of(handle)                the results of these jobs, in order
    imap_unordered(function, items)   an iterator over results in any order, while the items are read
    large_results(function, items)    an iterator over large results, in any order
    send_array(function, array)       as `call`, for one large NumPy array
    same_array(function, array, n)    n jobs with the same large array, and their results
    first_result(function, argument)  opens the pool and runs one job
    program                           source that opens a pool, calls done() with what jobs.same gives for 42, and
                                      closes it; `start` is filled in, and `imports` came before it
    start_program                     the same for a system where `start` means something else than `program`
    commands(command, inputs, output) runs `command input` for each line of a file, output to another
    start_command()                   the program's shortest run, from its start to its end
    trace(function, argument)         one job, and when it was where
    submit_in_cpp(n)                  seconds for n no-op jobs in a C++ program
    """

    name: ClassVar[str]
    module: ClassVar[str | None] = None
    distribution: ClassVar[str | None] = None

    # Source that imports what `program` uses.
    imports: ClassVar[str] = ""
    # Ways of starting workers that the start-up work tells apart; the first is used for everything else.
    starts: ClassVar[Sequence[str]] = ("",)
    # Ways of using it that a work tells apart, by work: a row of the table each.
    ways: ClassVar[dict[str, Sequence[str]]] = {}
    # What its pool is started with, and how that pool is used, by work: the table shows both.
    options: ClassVar[str] = ""
    details: ClassVar[dict[str, str]] = {}
    # Reasons for what it cannot do, by work.
    cannot: ClassVar[dict[str, str]] = {}
    # How many times fewer jobs a slow system runs, by work, or by work and way.
    fewer: ClassVar[dict[str, int]] = {}
    # Not a rival but a bound: what the machine itself needs for the same thing.
    is_limit: ClassVar[bool] = False
    # Whether large arrays travel in memory that both sides map (files, a shared object store), not as bytes.
    maps_arrays: ClassVar[bool] = False
    # Whether large arrays that travel as bytes are pickled.
    pickles_arrays: ClassVar[bool] = True

    def __init__(self, start: str = "", way: str = "", workers: int = WORKERS) -> None:
        self.start = start or self.starts[0]
        self.way = way
        self.workers = workers
        self.library: Any = None
        self.pool: Any = None

    def load(self) -> None:
        """Imports the library. No measurement includes it."""
        if self.module:
            self.library = importlib.import_module(self.module)

    def version(self) -> str:
        return metadata.version(self.distribution) if self.distribution else ""

    def open(self) -> None:
        """Starts the pool."""

    def close(self) -> None:
        """Ends it, and everything that it started."""

    def another(self, workers: int | None = None) -> "System":
        """A second one, with a pool of its own."""
        twin = type(self)(self.start, self.way, workers or self.workers)
        twin.load()
        return twin


class FunctionRunner(System):
    """Whatever can run one function at a time in another process."""

    def call(self, function: Function, argument: Any) -> Any:
        raise NotImplementedError

    def send_array(self, function: Function, array: Any) -> Any:
        return self.call(function, array)

    def first_result(self, function: Function, argument: Any) -> Any:
        self.open()
        return self.call(function, argument)


class Executor(FunctionRunner):
    """Whatever has the interface of `concurrent.futures.Executor`."""

    def close(self) -> None:
        self.pool.shutdown()

    def call(self, function: Function, argument: Any) -> Any:
        return self.pool.submit(function, argument).result()

    def submit_only(self, function: Function, arguments: Iterable[Any]) -> list[Any]:
        return [self.pool.submit(function, argument) for argument in arguments]

    def results_of(self, handle: list[Any]) -> list[Any]:
        return [future.result() for future in handle]

    def submit_all(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return self.results_of(self.submit_only(function, arguments))

    def same_array(self, function: Function, array: Any, count: int) -> list[Any]:
        return self.submit_all(function, [array] * count)

    def large_results(self, function: Function, items: Iterable[Any]) -> Iterator[Any]:
        return self.pool.map(function, items, chunksize=1)

    def map_each(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return list(self.pool.map(function, arguments, chunksize=1))

    run_jobs = map_each

    def map_batches(self, function: Function, arguments: Sequence[Any]) -> list[Any]:
        return list(self.pool.map(function, arguments, chunksize=batch_by_hand(arguments)))


READS_ALL_FIRST = "its map reads the whole input first, and gives results in order"
BATCHED_BY_HAND = "no automatic batches: chunksize=items/8 by hand"


def batch_by_hand(arguments: Sequence[Any]) -> int:
    """Four batches for each worker, which is what `multiprocessing.Pool.map` makes by itself."""
    return -(-len(arguments) // (4 * WORKERS))
