"""Engine: a core pool with what it takes to send calls to it. Shared by a Pool, its views, its jobs and its maps."""

from __future__ import annotations

import functools
import os

from prong import _core, _exit
from prong._definitions import Definition, Definitions
from prong._exceptions import EncodingError, InitializerFailed, PoolClosed, PoolError, SystemRefused
from prong._job import Job  # not for types alone: what the first job needs is imported with the engine
from prong._outcome import outcome_from
from prong._pickling import PROTOCOL, Buffers, brief, cannot_pickle, dumps, encode, name_of, names_main
from prong._shapes import ARGUMENTS, ARGUMENTS_AND_KEYWORDS, BUNDLE, CALL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from typing import Any

_NO_FUNCTION = _core.Function(0, [])


class Engine:
    """Encodes calls and submits them. Any thread.

    ``core`` makes the core pool; before that, initializers are encoded by ``bundle``.
    """

    def __init__(self, definitions: Definitions) -> None:
        self.definitions = definitions
        self.core: _core.Pool = None  # type: ignore[assignment]
        self.on_worker_lost: Any = None  #: the program's, for a pool that tells of its losses
        self.finish_at_exit = False  #: whether the end of the program waits for its jobs
        self._pid = os.getpid()

    def start(self, core: _core.Pool) -> None:
        """The pool exists now."""
        self.core = core
        self.definitions.publish_with(core.define)
        _exit.register(self)

    # Single jobs.

    def submit(self, job_type: type[Job[Any]], options: Any, function: Any, args: tuple[Any, ...], kwargs: Any) -> Any:
        """Queues a call. What cannot be encoded gives a job that has failed already."""
        try:
            callee = self.definitions.function(function)
            if callee is not None and not kwargs:
                job = self.core.submit_record(job_type, self, options, callee, args)
                if job is not None:  # else something has to be pickled
                    return job
            shape, value = _layout(callee, function, args, kwargs)
            buffers = Buffers()
            data = self._plain(value, buffers)
            needs = None
            if data is None:
                data, needs = self._by_value(value, buffers, lambda: _blame(self, function, args, kwargs))
        except EncodingError as error:
            return job_type.failed(self, error)
        except PoolError as error:
            raise self.explain(error) from None
        return self._submit(job_type, options, callee or _NO_FUNCTION, shape, data, buffers or None, needs)

    def _submit(self, job_type: type[Job[Any]], options: Any, *encoded: Any) -> Any:
        try:
            return self.core.submit(job_type, self, options, *encoded)
        except PoolError as error:
            raise self.explain(error) from None

    def _plain(self, value: Any, buffers: Buffers) -> bytes | None:
        try:
            data = dumps(value, PROTOCOL, buffer_callback=buffers.add)
        except Exception:
            return None  # by value works for more, and says best what it does not work for
        return None if names_main(data) else data

    def _by_value(
        self, value: Any, buffers: Buffers, blame: Callable[[], EncodingError | None]
    ) -> tuple[bytes, list[_core.Told] | None]:
        buffers.clear()
        references: dict[int, Definition] = {}
        try:
            data = self.definitions.dump(value, references, buffers.add)
        except (EncodingError, SystemRefused):
            raise
        except Exception as error:
            raise blame() or cannot_pickle("the call", error) from error
        return data, self.definitions.tell(references.values()) if references else None

    # Many jobs.

    def callee(self, function: Any) -> _core.Function:
        """The token of a function that many jobs call. Raises EncodingError."""
        try:
            return self.definitions.callee(function)
        except (EncodingError, SystemRefused):
            raise
        except Exception as error:
            raise cannot_pickle(f"function {name_of(function)}", error) from error

    def _encode_one(self, item: Any, callee: str) -> Any:
        buffers = Buffers()
        try:
            data = dumps(item, PROTOCOL, buffer_callback=buffers.add)
        except Exception:
            return self._encode_item(item, callee)
        return self._encode_item(item, callee) if buffers or names_main(data) else data

    def _encode_item(self, item: Any, callee: str) -> Any:
        buffers = Buffers()
        needs = None
        data = self._plain(item, buffers)
        if data is None:
            try:
                what = f"an item ({brief(item)}) for {callee}"
                data, needs = self._by_value(item, buffers, lambda: None)
            except EncodingError as error:
                return cannot_pickle(what, error.__cause__ or error)
        return data, buffers or None, needs

    def takes_batches(self, options: Any) -> bool:
        """Whether jobs with these options can go to a worker many at a time."""
        return _core.takes_batches(self.core, options)

    def submit_items(
        self,
        options: Any,
        callee: _core.Function,
        shape: int,
        items: Iterable[Any],
        function: Any,
        most: int = 1,
        completions: _core.Completions | None = None,
    ) -> tuple[_core.Group, dict[int, Any]]:
        """Queues a call for each item, at most so many in one piece. Also says what could not be encoded."""
        failures: dict[int, Any] = {}
        encode = functools.partial(self._encode_one, callee=name_of(function))
        try:
            group = _core.submit_items(self.core, options, callee, shape, items, encode, failures, most, completions)
        except PoolError as error:
            raise self.explain(error) from None
        return group, failures

    def completions(self) -> _core.Completions:
        """Counts jobs that are done."""
        return _core.Completions(self.core)

    def stream(self, options: Any, callee: _core.Function, shape: int, function: Any, in_order: bool) -> _core.Stream:
        """Jobs of calls that are to come; taken in their order or as they are done."""
        encode = functools.partial(self._encode_one, callee=name_of(function))
        return _core.Stream(self.core, options, callee, shape, encode, in_order)

    def feeder(self, stream: _core.Stream) -> _core.Feeder:
        """What adds calls to a stream."""
        return _core.Feeder(stream)

    # Initializers and finalizers, before the pool exists.

    def bundle(self, function: Any, args: tuple[Any, ...]) -> _core.Sealed:
        """A call together with every definition that it needs."""
        references: dict[int, Definition] = {}
        beside = Buffers()
        try:
            call = self.definitions.dump((function, args, {}), references, beside.add)
        except (EncodingError, SystemRefused):
            raise
        except Exception as error:
            raise cannot_pickle(f"the call of {name_of(function)}", error) from error
        buffers = Buffers()
        parts = self.definitions.parts(references.values()), call, list(beside)
        data = dumps(parts, PROTOCOL, buffer_callback=buffers.add)
        return _core.seal(0, BUNDLE, data, buffers or None)

    # The pool's life.

    def explain(self, error: PoolError) -> PoolError:
        """The error of a pool that takes no jobs, as exactly as it is known."""
        failure = self.core.failure
        if failure:
            return (InitializerFailed if failure.startswith("the initializer ") else PoolError)(failure)
        if self.core.closed:
            return PoolClosed("the pool is closed: it takes no more jobs")
        return error

    def belongs_here(self) -> bool:
        """False in a child made by fork() after the pool was."""
        return self._pid == os.getpid()

    def cancel_queued(self) -> None:
        """Cancels the jobs that have not started (of an engine that was started with ``track_jobs``)."""
        self.core.cancel_queued()

    def close(self) -> None:
        self.core.close()

    def terminate(self) -> None:
        self.core.terminate()

    def join(self, seconds: float | None = None) -> bool:
        """Waits for the end of a pool that is closed; False if it did not come in time."""
        return self.core.join(seconds)

    def workers(self) -> list[tuple[int, int, str, int]]:
        """(id, pid, state, jobs done) of each worker."""
        return self.core.workers()

    def closed(self) -> bool:
        return self.core.closed

    def stats(self) -> dict[str, int]:
        return self.core.stats()

    def failure(self) -> str:
        """Why the pool failed, or "" while it works."""
        return self.core.failure

    def finalizer_outcomes(self) -> list[Any]:
        """Outcomes of the finalizers that have run."""
        return [outcome_from(parts) for parts, _ in self.core.finalizer_outcomes()]


def _layout(callee: Any, function: Any, args: tuple[Any, ...], kwargs: Any) -> tuple[int, Any]:
    if callee is None:
        return CALL, (function, args, kwargs)
    return (ARGUMENTS_AND_KEYWORDS, (args, kwargs)) if kwargs else (ARGUMENTS, args)


def _blame(engine: Engine, function: Any, args: tuple[Any, ...], kwargs: Any) -> EncodingError | None:
    """The error that names the part of a call that does not pickle."""
    name = name_of(function)
    parts = [(f"function {name}", function)]
    parts += [(f"argument {number} ({brief(value)}) of {name}", value) for number, value in enumerate(args, 1)]
    parts += [(f"argument {key!r} ({brief(value)}) of {name}", value) for key, value in kwargs.items()]
    for what, value in parts:
        try:
            encode(value, lambda part, callback: engine.definitions.dump(part, {}, callback))
        except Exception as error:
            return error if isinstance(error, EncodingError) else cannot_pickle(what, error)
    return None
