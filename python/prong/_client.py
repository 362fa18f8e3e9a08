"""Client: gives jobs to a queue that stays (``prong serve``), which runs them also when this program has ended."""

from __future__ import annotations

import base64
import json
import os
import re
import secrets
import socket
import stat
import struct
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from prong._exceptions import (
    JobCancelled,
    JobError,
    JobLost,
    JobTimeout,
    ProngError,
    RemoteError,
    RemoteTraceback,
    UsageError,
    WorkerCrashed,
)
from prong._pickling import brief, cannot_pickle, loads, name_of
from prong._queue_worker import pickled

T = TypeVar("T")
Command = str | os.PathLike[str] | Sequence[str | bytes | os.PathLike[str]]

_PATIENCE = 10.0  #: seconds that a server may take to come after one that was killed
_PATIENCE_FOR_NEW = 2.0  #: for a server that has just been started
_PAUSE = 0.05
_MOST_AT_ONCE = 1000
_MOST_BYTES_AT_ONCE = 16 << 20
_LONGEST_REQUEST = 256 << 20  #: the server hears out no longer one
_NAME = re.compile(r"[A-Za-z0-9_@+][A-Za-z0-9._@+-]{0,63}")

#: What ``options()`` takes, as the queue calls it.
_SETTINGS = {
    "timeout": "timeout",
    "cpu_time": "cpu-limit",
    "memory": "memory",
    "output": "output-limit",
    "retries": "retries",
    "backoff": "backoff",
    "retry_on": "retry-on",
}


class QueueError(ProngError):
    """Nobody serves the queue, or it refuses what it is asked: the text says which, and what to do."""


@dataclass(frozen=True)
class QueueStatus:
    """How far a queue is. ``state``: "serving", "paused", "draining" or "stopping"; the others are numbers of jobs.

    ``trouble``: why no jobs are started or taken, as when the disk is full; None: they are.
    """

    state: str
    workers: int
    queued: int
    running: int
    done: int
    failed: int
    trouble: str | None = None


@dataclass(frozen=True)
class QueuedResult:
    """What a command came to: ``returncode`` (None if it has none: see ``detail``), and what it wrote, as bytes.

    ``stdout`` and ``stderr`` are cut at what the queue keeps (``prong serve --keep``): ``stdout_bytes`` and
    ``stderr_bytes`` tell how much there was.
    """

    returncode: int | None
    detail: str
    stdout: bytes
    stderr: bytes
    stdout_bytes: int
    stderr_bytes: int


class Client:
    """A queue of this user, by its name. Any thread, one at a time.

    >>> queue = prong.Client("q")                         # doctest: +SKIP
    >>> job = queue.submit(pow, 2, 10)                    # doctest: +SKIP
    >>> job.result()                                      # doctest: +SKIP
    1024
    >>> queue.job(7).result()                             # doctest: +SKIP

    A function runs in workers that have this program's interpreter, ``sys.path``, folder and environment. What is in
    ``__main__`` goes along by value. The job is in the queue for good when ``submit`` returns: it survives this
    program, and the server. If the server is killed meanwhile, its successor is waited for, for 10 s; who waits when it
    is ended in order is told so at once. Raises :class:`QueueError`.
    """

    def __init__(self, queue: str) -> None:
        if not _NAME.fullmatch(queue):
            text = "which has up to 64 letters, digits and ._@+-, and begins with none of .-"
            raise UsageError(f"{queue!r} is no name of a queue, {text}")
        self.queue = queue
        self._settings: dict[str, Any] = {}
        self._connection = _Connection(queue)

    def options(self, *, priority: int | None = None, if_lost: str | None = None, **settings: Any) -> Client:
        """This queue with other options for what is submitted, beside those that it has.

        ``timeout``, ``cpu_time`` (seconds), ``memory``, ``output`` (bytes): limits of each attempt, with all that it
        starts; ``retries``: how often a failed job is run again, first after ``backoff`` seconds, if it failed by
        ``retry_on`` ("exit=75,signal,exception=ValueError,timeout,lost"; default: any); ``priority``: higher runs
        first; ``if_lost``: what becomes of a job that runs when the server ends: "fail" or "retry" (default: as the
        server says). None: none.
        """
        unknown = settings.keys() - _SETTINGS.keys()
        if unknown:
            raise TypeError(f"unknown option {sorted(unknown)[0]!r}; there are {', '.join(_SETTINGS)}")
        given = {_SETTINGS[name]: _setting(value) for name, value in settings.items() if value is not None}
        other = Client(self.queue)
        other._connection = self._connection
        other._settings = {**self._settings, "settings": {**self._settings.get("settings", {}), **given}}
        if priority is not None:
            other._settings["priority"] = priority
        if if_lost is not None:
            other._settings["if_lost"] = if_lost
        return other

    def submit(self, function: Callable[..., T], /, *args: Any, **kwargs: Any) -> QueuedJob[T]:
        """Queues a call. Raises :class:`prong.EncodingError` if it cannot be pickled."""
        return self._submit([self._call(function, args, kwargs)], _python_surroundings())[0]

    def map(self, function: Callable[..., T], *iterables: Iterable[Any]) -> list[QueuedJob[T]]:
        """Queues a call for each item (of several iterables: for each row), many in one step."""
        surroundings = _python_surroundings()
        calls = [self._call(function, args, {}) for args in zip(*iterables, strict=False)]
        jobs: list[QueuedJob[T]] = []
        for portion in _portions(calls):
            jobs += self._submit(portion, surroundings)
        return jobs

    def submit_command(
        self,
        command: Command,
        *,
        cwd: str | os.PathLike[str] | None = None,
        env: Mapping[str, str] | None = None,
        shell: bool = False,
    ) -> QueuedJob[QueuedResult]:
        """Queues a command line: as of :func:`prong.run`. ``cwd``: folder, ``env``: the whole environment."""
        from prong._run import words_of

        words = [os.fsencode(word) for word in words_of(command, shell)]
        text = " ".join(map(os.fsdecode, words))
        job = {"kind": "command", "arguments": list(map(_json_of, words)), "description": _json_of(os.fsencode(text))}
        return self._submit([job], _surroundings(cwd, os.environ if env is None else env))[0]

    def job(self, number: int) -> QueuedJob[Any]:
        """A job by its number, whoever has submitted it."""
        return QueuedJob(self, number)

    def status(self) -> QueueStatus:
        """How far the queue is."""
        answer = self._ask({"command": "status"})
        return QueueStatus(**{name: answer[name] for name in QueueStatus.__dataclass_fields__})

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until nothing is queued or runs; False: not within ``timeout`` seconds."""
        return self._wait(None, timeout)

    def cancel_all(self) -> list[int]:
        """Cancels what is queued, and kills what runs; their numbers."""
        return list(self._ask({"command": "cancel", "all": True})["jobs"])

    def retry_failed(self) -> list[int]:
        """Queues again what has failed or was cancelled; their numbers."""
        return list(self._ask({"command": "retry", "all": True})["jobs"])

    def pause(self) -> None:
        """No job starts; those that run go on. It stays so if the server ends."""
        self._ask({"command": "pause"})

    def resume(self) -> None:
        """Jobs start again."""
        self._ask({"command": "resume"})

    def drain(self) -> None:
        """The queue takes no more jobs, and its server ends when all are done; returns then."""
        self._ask({"command": "drain"})

    def clean(self, *, older: Any = None, done: bool = False) -> int:
        """Lets the queue forget jobs that have ended, if ``done`` only those that succeeded; tells how many.

        ``older``: only those that ended so many seconds ago, or longer. No number is given a second time.
        """
        request: dict[str, Any] = {"command": "clean", "done": done}
        if older:
            request["older"] = _setting(older)
        forgotten = self._ask(request)
        return int(forgotten["done"] + forgotten["failed"])

    def _call(self, function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
        try:
            data = pickled((function, args, kwargs))
        except Exception as error:
            raise cannot_pickle(f"the call of {name_of(function)}, or one of its arguments", error) from error
        words = [*map(_short, args), *(f"{name}={_short(value)}" for name, value in kwargs.items())]
        description = f"{name_of(function)}({', '.join(words)})"
        return {"kind": "python", "call": base64.b64encode(data).decode(), "description": description}

    def _submit(self, jobs: list[dict[str, Any]], surroundings: dict[str, Any]) -> list[QueuedJob[Any]]:
        for job in jobs:
            job.update(self._settings, ticket=secrets.token_hex(16))
        answer = self._ask({"command": "submit", "surroundings": surroundings, "jobs": jobs})
        return [QueuedJob(self, number) for number in answer["jobs"]]

    def _ask(self, request: dict[str, Any], timeout: float | None = None) -> dict[str, Any]:
        return self._connection.ask(request, timeout)

    def _wait(self, jobs: list[int] | None, timeout: float | None) -> bool:
        request: dict[str, Any] = {"command": "wait"}
        if jobs is not None:
            request["jobs"] = jobs
        try:
            self._ask(request, timeout)
        except TimeoutError:
            return False
        return True


class QueuedJob(Generic[T]):
    """A job of a queue. Its ``number`` is all that has to be kept to come back to it."""

    def __init__(self, client: Client, number: int) -> None:
        self._client = client
        self.number = number

    def __repr__(self) -> str:
        return f"<QueuedJob {self.number} of {self._client.queue!r}>"

    @property
    def state(self) -> str:
        """ "queued", "running", "done" (it succeeded) or "failed"."""
        return str(self._report()["state"])

    def done(self) -> bool:
        """True when it has ended, well or not."""
        return self.state in ("done", "failed")

    def wait(self, timeout: float | None = None) -> bool:
        """Waits for its end; False: not within ``timeout`` seconds."""
        if timeout is not None and timeout <= 0:
            return self.done()
        return self._client._wait([self.number], timeout)

    def result(self, timeout: float | None = None) -> T:
        """What the function returned; of a command a :class:`QueuedResult`, also if it failed.

        Raises what the function raised, or a :class:`prong.JobError` that says what happened; :class:`TimeoutError`
        after ``timeout`` seconds.
        """
        report: dict[str, Any] = {"outcome": None}
        while report["outcome"] is None:  # else somebody has it run again
            if not self.wait(timeout):
                raise TimeoutError(f"job {self.number} of queue {self._client.queue!r} has not ended in {timeout} s")
            report = self._report(outputs=True)
        output = base64.b64decode(report["output"])
        if report["outcome"] == "returned":
            value: T = loads(output)
            return value
        if report["kind"] == "command" and report["outcome"] in ("exited", "signalled"):
            return _command_result(report, output)  # type: ignore[return-value]
        raise _error_of(report, output)

    def cancel(self) -> bool:
        """Cancels it; if it runs, it is killed. False: it had ended before."""
        return bool(self._client._ask({"command": "cancel", "jobs": [self.number]})["jobs"])

    def retry(self) -> bool:
        """Queues it again, if it has failed. False: it has not."""
        return bool(self._client._ask({"command": "retry", "jobs": [self.number]})["jobs"])

    def _report(self, outputs: bool = False) -> dict[str, Any]:
        request = {"command": "status", "jobs": [self.number], "outputs": outputs}
        report: dict[str, Any] = self._client._ask(request)["jobs"][0]
        if report["state"] == "unknown":
            raise QueueError(f"the queue {self._client.queue!r} has no job {self.number}")
        return report


def _portions(calls: list[dict[str, Any]]) -> Iterator[list[dict[str, Any]]]:
    """What is submitted in one request each."""
    portion: list[dict[str, Any]] = []
    size = 0
    for call in calls:
        portion.append(call)
        size += len(call["call"])
        if len(portion) >= _MOST_AT_ONCE or size >= _MOST_BYTES_AT_ONCE:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


class _Connection:
    """One socket to the server, made again when that has ended."""

    def __init__(self, queue: str) -> None:
        self._queue = queue
        self._socket: socket.socket | None = None
        self._owner = 0  #: the process that has made it: the answers of one must not reach another

    def __del__(self) -> None:
        self._close()

    def ask(self, request: dict[str, Any], timeout: float | None) -> dict[str, Any]:
        line = json.dumps(request, ensure_ascii=True).encode() + b"\n"
        if len(line) > _LONGEST_REQUEST:
            raise QueueError(
                f"a request of {len(line)} bytes is longer than the queue {self._queue!r} takes "
                f"({_LONGEST_REQUEST >> 20} MiB): give the job a file to read instead"
            )
        end = None if timeout is None else time.monotonic() + timeout
        gone_since: float | None = None
        while True:
            try:
                self._connect()
                gone_since = None
                answer = json.loads(self._exchange(line, end))
            except (FileNotFoundError, ConnectionRefusedError, ConnectionResetError, BrokenPipeError) as error:
                self._close()
                is_killed = isinstance(error, ConnectionRefusedError)  # it has left its socket, else it is removed
                gone_since = gone_since or time.monotonic()
                if time.monotonic() - gone_since >= (_PATIENCE if is_killed else _PATIENCE_FOR_NEW):
                    raise QueueError(self._nobody_there(is_killed)) from None
                _rest(end)
                time.sleep(_PAUSE)
                continue
            except BaseException:
                self._close()  # else the answer would be taken for that of the next request
                raise
            if "error" in answer:
                raise QueueError(f"queue {self._queue!r}: {answer['error']}")
            found: dict[str, Any] = answer
            return found

    def _nobody_there(self, is_killed: bool) -> str:
        name = self._queue
        what = f"the server of queue {name!r} was killed, and no other has come for {_PATIENCE:g} s"
        if not is_killed:
            what = f"nobody serves the queue {name!r} on '{_control_folder()}/{name}.queue'"
        return f"{what}; start it: prong serve --name {name}"

    def _connect(self) -> None:
        if self._socket is None or self._owner != os.getpid():
            self._socket, self._owner = _connected(self._queue), os.getpid()

    def _exchange(self, line: bytes, end: float | None) -> bytes:
        assert self._socket is not None
        self._socket.settimeout(_rest(end))
        self._socket.sendall(line)
        pieces: list[bytes] = []
        while not pieces or not pieces[-1].endswith(b"\n"):
            self._socket.settimeout(_rest(end))
            pieces.append(self._socket.recv(1 << 16))
            if not pieces[-1]:
                raise ConnectionResetError
        return b"".join(pieces)

    def _close(self) -> None:
        had, self._socket = self._socket, None
        if had is not None:
            had.close()


def _rest(end: float | None) -> float | None:
    if end is None:
        return None
    rest = end - time.monotonic()
    if rest <= 0:
        raise TimeoutError
    return rest


def _connected(queue: str) -> socket.socket:
    made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        folder = os.open(_control_folder(), os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            made.connect(f"/proc/self/fd/{folder}/{queue}.queue")  # the path itself may be too long
        finally:
            os.close(folder)
        _, user, _ = struct.unpack("3i", made.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
        if user not in (0, os.geteuid()):  # its results are pickles
            raise QueueError(f"the queue {queue!r} is served by another user ({user}), who is not asked")
    except BaseException:
        made.close()
        raise
    return made


def _control_folder() -> str:
    """As of ``control_folder`` in src/cli/control_socket.h."""
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    has_runtime = runtime.startswith("/") and Path(runtime).exists()
    folder = f"{runtime}/prong" if has_runtime else f"/tmp/prong-{os.geteuid()}"
    found = os.lstat(folder)
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
        raise QueueError(f"{folder!r} is not a folder that you alone can enter; remove it, or set XDG_RUNTIME_DIR")
    return folder


def _setting(value: Any) -> str:
    if hasattr(value, "total_seconds"):
        value = value.total_seconds()
    return f"{value:.9f}" if isinstance(value, float) else str(value)


def _surroundings(folder: str | os.PathLike[str] | None, environment: Mapping[str, str]) -> dict[str, Any]:
    variables = [os.fsencode(f"{name}={value}") for name, value in environment.items()]
    path = os.fsencode(Path.cwd() if folder is None else Path(folder).absolute())
    return {"folder": _json_of(path), "environment": list(map(_json_of, variables))}


def _python_surroundings() -> dict[str, Any]:
    if not sys.executable:
        raise UsageError("sys.executable does not say which Python is to run the function")
    code = f"import sys; sys.path[:] = {sys.path!r}; from prong._queue_worker import main; main()"
    program = [_json_of(os.fsencode(word)) for word in (sys.executable, "-c", code)]
    return {**_surroundings(None, os.environ), "program": program}


def _json_of(data: bytes) -> str | dict[str, str]:
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _short(value: Any) -> str:
    try:
        text = repr(value)
    except Exception:
        text = brief(value)
    text = text.encode("utf-8", "backslashreplace").decode()
    return text if len(text) <= 40 else text[:37] + "..."


def _text_of(value: Any) -> str:
    return value if isinstance(value, str) else base64.b64decode(value["base64"]).decode("utf-8", "replace")


def _command_result(report: dict[str, Any], output: bytes) -> QueuedResult:
    code = report["code"]
    return QueuedResult(
        returncode=code if report["outcome"] == "exited" else -code,
        detail=_text_of(report["detail"]),
        stdout=output,
        stderr=base64.b64decode(report["error_output"]),
        stdout_bytes=report["output_bytes"],
        stderr_bytes=report["error_output_bytes"],
    )


def _error_of(report: dict[str, Any], output: bytes) -> BaseException:
    detail = _text_of(report["detail"])
    match report["outcome"]:
        case "raised":
            return _raised(detail, output)
        case "timed_out":
            return JobTimeout(f"the job {detail}")
        case "cancelled":
            return JobCancelled(f"the job was {detail}")
        case "exited" | "signalled":
            error = WorkerCrashed(f"the job {detail}")
            error.exit_code = report["code"] if report["outcome"] == "exited" else None
            error.signal = report["code"] if report["outcome"] == "signalled" else None
            return error
        case "lost":
            return JobLost(detail)
    return JobError(detail)


def _raised(detail: str, output: bytes) -> BaseException:
    try:
        error, trace = loads(output)
    except Exception:
        return RemoteError(detail)
    error.__cause__ = RemoteTraceback(trace)
    return error
