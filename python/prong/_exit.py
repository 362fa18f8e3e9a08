"""The program's end: pools that were never closed are ended, so that they neither hang it nor outlive it.

This runs when the interpreter has waited for the program's threads, which may use pools to their end, and before all
exit handlers of the program, which may remove what jobs use. Later, a thread of the engine that asks for the GIL would
hang.
"""

from __future__ import annotations

import atexit
import threading
import weakref

from prong import _core

TYPE_CHECKING = False
if TYPE_CHECKING:
    from prong._engine import Engine

_engines: weakref.WeakSet[Engine] = weakref.WeakSet()
_finishing: set[Engine] = set()  #: nobody else holds them, and their jobs shall still be done
_exiting = False


def register(engine: Engine) -> None:
    """Has an engine ended at the end of the program."""
    _engines.add(engine)


def finish_in_background(engine: Engine) -> None:
    """Lets an engine that its owner dropped finish its jobs."""
    if not engine.belongs_here() or _exiting:
        return
    engine.close()
    if not engine.join(0.0):
        _finishing.add(engine)
        threading.Thread(target=_finish, args=(engine,), name="prong-finish", daemon=True).start()


def _finish(engine: Engine) -> None:
    engine.join()
    _finishing.discard(engine)


def exiting() -> bool:
    """True once the program is ending."""
    return _exiting


def end_all() -> None:
    """Ends everything that still runs."""
    global _exiting
    _exiting = True
    engines = [engine for engine in list(_engines) if engine.belongs_here()]
    for engine in engines:
        if engine.finish_at_exit:
            engine.close()
        else:
            engine.terminate()
    for engine in engines:
        engine.join()
    _core.end_idle_nursery()


# Exit handlers run last first, so this one is registered as late as can be: when the main thread has ended. The hook is
# what the standard library's executors use; it has no public twin.
try:
    threading._register_atexit(atexit.register, end_all)  # type: ignore[attr-defined]
except RuntimeError:  # it has ended already
    atexit.register(end_all)
