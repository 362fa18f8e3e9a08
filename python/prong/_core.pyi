"""Prong's engine. Private: use the names in prong."""

from collections.abc import Sequence
import types


from typing import Any, NoReturn

__version__: str

def warn_of_leaks(wanted: bool) -> None:
    """Whether to print at exit what was never freed."""

class Buffer:
    """Bytes of a payload, writable, without a copy."""

    def __buffer__(self, flags: int, /) -> memoryview: ...

def seal_buffer(pickle: bytes, buffers: object | None) -> Buffer:
    """A Buffer with a pickle and its out-of-band buffers, in one piece."""

def open_buffer(buffer: Buffer) -> tuple[Any, list[memoryview] | None]:
    """The pickle and the buffers (or None) of what seal_buffer() has made."""

def hold(buffer: object, may_copy: bool) -> Buffer | None:
    """
    A Buffer with its bytes in a segment: itself, or a copy that is made once; None if that is not worth it.
    """

def identity_of(buffer: object) -> int:
    """Equal for Buffers of the same memory, while one of them lives."""

def buffer_of(bytes: bytes) -> Buffer:
    """A Buffer with a copy of these bytes."""

class Job:
    """A handle on one piece of work given to a pool."""

    def done(self) -> bool:
        """True once the job is done, in whatever way."""

    def _phase(self) -> int:
        """0: queued, 1: dispatched, 2: done."""

    def _wait(self, seconds: float | None, /) -> bool:
        """Waits until the job is done; False: not in time."""

    def _returned(self) -> Any:
        """The value alone, or its pickle and buffers; None."""

    def _raised(self) -> Any:
        """The pickle and buffers of the exception, or None."""

    def _outcome(self) -> tuple[Any, ...]:
        """The outcome as a tuple."""

    def _describe(self) -> str:
        """The outcome as a line of text."""

    def _attempts(self) -> list[tuple[Any, ...]]:
        """
        (number, pid, started ns, ended ns, outcome, CPU ns, peak bytes) of each attempt.
        """

    def _outputs(self) -> tuple[Any, ...]:
        """A command's standard output and error."""

    def _times(self) -> tuple[int, int]:
        """When submitted and finished, in monotonic ns."""

    _quarantined: types.MethodDescriptorType = ...

    def _watch(self) -> bool:
        """Have _notify called when done; False: done already."""

    def _cancel(self) -> bool:
        """Cancels a job that has not started."""

    def _kill(self) -> bool:
        """Cancels a job, also a running one."""

    @property
    def id(self) -> int: ...

    @property
    def _context(self) -> Any: ...

class RetryPolicy:
    """When and how often a failed attempt is followed by another."""

    def __init__(self, *, retries: int, causes: Sequence[bool], exceptions: Sequence[str], exit_codes: Sequence[int], signals: Sequence[int], quarantine_after: int, backoff: float, max_backoff: float, jitter: float) -> None:
        """
        causes: whether an exception, exit, signal, time-out, lost worker is tried again. Durations in seconds.
        """

class JobOptions:
    """Options of a job, checked once and shared by many jobs."""

    def __init__(self, *, timeout: float, cpu_time: float, memory: int, queue_time: float, output: int, retry: RetryPolicy, priority: int, key: str, fresh: bool, kill_leftovers: bool) -> None:
        """Durations in seconds, memory and output in bytes; 0 is no limit."""

    @property
    def retries(self) -> int: ...

    @property
    def on_exception(self) -> bool: ...

    @property
    def exceptions(self) -> list[str]: ...

def usable_cpus() -> int:
    """CPUs this process may really use: affinity and cgroup quota."""

class Told:
    """
    A definition that workers are told. They forget it when nobody has this, and no job.
    """

class Function:
    """A function that workers know under a token."""

    def __init__(self, token: int, needs: list[Told]) -> None: ...

    @property
    def token(self) -> int: ...

class Sealed:
    """An encoded call or command."""

def seal(token: int, shape: int, pickle: bytes, buffers: object | None) -> Sealed: ...

def limit_shared_memory(bytes: int, wait: float, spill: str | None) -> None:
    """0 bytes: half of what there is."""

class Pool:
    """The engine's pool: bytes in, outcomes out."""

    def __init__(self, *, workers: int, start: str, arguments: Sequence[str], environment: Sequence[str], nursery_arguments: Sequence[str], nursery_environment: Sequence[str], max_jobs_per_worker: int, max_worker_memory: int, max_worker_age: float, idle_timeout: float, min_workers: int, budget: float, stall: float, start_timeout: float, on_worker_lost: object | None, start_early: bool, grace: float, initializer: object | None, finalizer: object | None, initializer_timeout: float, finalizer_timeout: float, fork_template: object | None, track_jobs: bool) -> None:
        """Durations in seconds, memory in bytes; 0 is no limit."""

    def define(self, token: int, pickle: bytes, buffers: object | None) -> Told:
        """What workers are told before jobs that need it."""

    def submit(self, type: type[Any], context: object, options: object, function: Function, shape: int, pickle: bytes, buffers: object | None, needs: object | None) -> Any: ...

    def submit_record(self, type: object, context: object, options: object, function: Function, arguments: tuple[object, ...]) -> object:
        """As submit(), for arguments that need no pickle; None if one does."""

    def submit_sealed(self, type: type[Any], context: object, options: object, sealed: Sealed) -> Any: ...

    def cancel_queued(self) -> None:
        """Cancels what has not started."""

    def close(self) -> None: ...

    def terminate(self) -> None: ...

    def join(self, seconds: float | None) -> bool:
        """Waits until the pool has ended; False: not in time."""

    @property
    def closed(self) -> bool: ...

    @property
    def failure(self) -> str: ...

    def stats(self) -> dict[str, int]: ...

    def workers(self) -> list[tuple[int, int, str, int]]:
        """(id, pid, state, jobs done) of each worker."""

    def finalizer_outcomes(self) -> list[tuple[Any, ...]]: ...

class Completions:
    """Jobs that are done, to be counted."""

    def __init__(self, pool: Pool) -> None: ...

    def count(self, seconds: float | None) -> int:
        """Waits for some; says how many. 0 when the time is up."""

class Group:
    """Calls in the order in which they were submitted."""

    def __len__(self) -> int: ...

    def job(self, type: type[Any], context: object, index: int) -> Any: ...

    def wait(self, seconds: float | None) -> bool:
        """Waits until all are done; False: not in time."""

    def done(self) -> bool: ...

    def cancel(self) -> int:
        """Cancels what has not started; says how many."""

    def results(self, loads: object, finish: object) -> list[Any]: ...

def takes_batches(pool: Pool, options: object) -> bool:
    """Whether jobs with these options can be batches."""

def submit_items(pool: Pool, options: object, function: Function, shape: int, items: object, encode: object, failures: dict[int, object], most: int, completions: Completions | None) -> Group:
    """Submits a call for each item, in batches of at most so many."""

class Stream:
    """The jobs of a map whose input is read while its results are taken."""

    def __init__(self, pool: Pool, options: object, function: Function, shape: int, encode: object, in_order: bool) -> None: ...

    def take(self, most: int, append: object, loads: object, type: type[Any], context: object, seconds: float | None) -> Any:
        """
        Appends values of jobs that are done, and says how many. Else: the next job, or the error that kept it from being made. None: not in time.
        """

    def close(self) -> None:
        """Takes no more, and cancels what has not started."""

class Feeder:
    """Reads the input of a stream, which it does not own."""

    def __init__(self, stream: Stream) -> None: ...

    def add(self, item: object, most: int) -> bool:
        """
        Adds an item, which is submitted at once, or soon if items come quickly. False if no more shall be read before somebody was asked: who reads is wanted, so many are pending, or nobody wants any.
        """

    def feed(self, iterator: object, most: int) -> bool:
        """
        Adds at most so many items of an iterator that waits for nothing, many together. False if there are no more.
        """

    def submit(self) -> None:
        """
        Submits what was added; raises what kept it from being submitted before.
        """

    def interrupt(self, wanted: bool) -> None:
        """Whether who reads is wanted."""

    def settle(self) -> None:
        """The results that were given are used."""

    def available(self) -> bool:
        """
        Whether there are, or will be, results of what was added. If there are none, raises what kept jobs from being submitted.
        """

    def pending(self) -> int:
        """Items that were added and whose results are not used yet."""

    def result_bytes(self) -> float:
        """Mean of the last results that were taken."""

def seal_command(*, arguments: Sequence[bytes], directory: bytes, environment: Sequence[bytes] | None, input: bytes | None, output: str, error_output: str) -> Sealed: ...

def role_from_environment() -> str:
    """
    'worker', 'template', 'nursery' or '': what this process was started for.
    """

def in_worker() -> bool:
    """True in a worker process, and in what its jobs fork."""

def serve_worker(runner: object) -> NoReturn:
    """Runs jobs until told to end. Never returns."""

def serve_template(make_runner: object, control_fd: int = -1) -> NoReturn:
    """Forks workers until the launcher is gone. Never returns."""

def serve_nursery(run_template: object) -> None:
    """Branches off pools until the program is gone. Never returns."""

def prepare_nursery(arguments: Sequence[str], environment: Sequence[str]) -> None:
    """Starts the nursery for pools that name this one, unless it is there."""

def end_idle_nursery() -> None:
    """Ends the nursery if no open pool uses it."""
