"""start="fork": what makes a forked copy of the program fit to be a template. Runs in that copy alone.

The copy must never return into the program's frames: their ``finally`` blocks would run twice. The bindings see to it.
"""

from __future__ import annotations

import atexit
import os
import stat
import sys
import threading
from _signal import SIG_DFL, getsignal, set_wakeup_fd, signal, valid_signals  # type: ignore[import-not-found]
from _socket import socketpair

from prong import _inherited
from prong._worker import serve_template, set_exits_are_raised

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import NoReturn

    from prong._start import StartOptions


def run_template(control_fd: int, inherited: _inherited.Inherited, options: StartOptions) -> NoReturn:
    """Cuts what ties the copy to the program, then forks workers until the launcher is gone."""
    _inherited.ours = inherited
    _drop_exit_handlers()
    _reset_signals()
    _reset_tracing()
    _keep_recursion_headroom()
    _replace_descriptors({0, 1, 2, control_fd, *options.inherit_fds})
    set_exits_are_raised(options.exits_are_raised)
    serve_template(control_fd)


def _drop_exit_handlers() -> None:
    atexit._clear()
    exit_handlers = getattr(threading, "_threading_atexits", None)
    if exit_handlers is not None:
        exit_handlers.clear()


def _reset_signals() -> None:
    """The program's handlers are not the workers'; asyncio's would write to the program's event loop."""
    set_wakeup_fd(-1)
    for number in valid_signals():
        if callable(getsignal(number)):
            signal(number, SIG_DFL)


def _reset_tracing() -> None:
    sys.settrace(None)
    sys.setprofile(None)
    threading.settrace(None)
    threading.setprofile(None)


def _keep_recursion_headroom() -> None:
    """Jobs begin at the depth at which the pool was made: that depth shall not count."""
    depth = 0
    frame = sys._getframe()
    while frame is not None:
        depth += 1
        frame = frame.f_back  # type: ignore[assignment]
    sys.setrecursionlimit(sys.getrecursionlimit() + depth)


def _replace_descriptors(keep: set[int]) -> None:
    """Puts a dead socket in the place of every socket, pipe and event descriptor.

    Else a connection that the program closes would stay open here, and a pipe would never report its end. Regular files
    stay as they are.
    """
    ours, theirs = socketpair()
    theirs.close()
    for number in map(int, os.listdir("/proc/self/fd")):  # noqa: PTH208 (pathlib takes long to import)
        if number not in keep and number != ours.fileno() and _ties_to_program(number):
            os.dup2(ours.fileno(), number, inheritable=os.get_inheritable(number))
    ours.close()


def _ties_to_program(number: int) -> bool:
    try:
        mode = os.fstat(number).st_mode
        if stat.S_ISSOCK(mode) or stat.S_ISFIFO(mode):
            return True
        target = os.readlink(f"/proc/self/fd/{number}")  # noqa: PTH115
    except OSError:
        return False
    return target.startswith("anon_inode:") and ("eventfd" in target or "eventpoll" in target)
