"""start="fork": what workers inherit, and what they must not."""

from __future__ import annotations

import os
import random
import signal
import socket
import sys
import tempfile
import threading

import culprits
import pytest

import prong


@pytest.fixture
def fork(make_pool):
    return lambda *args, **options: make_pool(*args, start="fork", **options)


def test_closed_connection_ends_for_the_peer(fork):
    ours, theirs = socket.socketpair()
    pool = fork(1)
    pool.submit(culprits.double, 1).result()
    ours.close()
    theirs.settimeout(20)
    assert theirs.recv(1) == b""
    theirs.close()


def test_pipe_reports_its_end(fork):
    read, write = os.pipe()
    pool = fork(1)
    pool.submit(culprits.double, 1).result()
    os.close(write)
    with os.fdopen(read) as pipe:
        assert pipe.read() == ""


def test_inherit_fds(fork):
    ours, theirs = socket.socketpair()
    pool = fork(1, inherit_fds=[ours.fileno()])
    assert pool.submit(os.write, ours.fileno(), b"hello").result() == 5
    assert theirs.recv(10) == b"hello"
    ours.close()
    theirs.close()


def test_regular_files_stay(fork):
    with tempfile.TemporaryFile() as file:
        file.write(b"data")
        file.flush()
        assert fork(1).submit(os.pread, file.fileno(), 10, 0).result() == b"data"


def test_signal_handlers_are_not_inherited(fork):
    previous = signal.signal(signal.SIGUSR1, lambda *_: None)
    try:
        pool = fork(1)
        assert pool.submit(_handler_of, signal.SIGUSR1).result() == signal.SIG_DFL
        assert isinstance(pool.submit(culprits.die_by, signal.SIGUSR1).exception(), prong.WorkerCrashed)
    finally:
        signal.signal(signal.SIGUSR1, previous)


def _handler_of(number):
    handler = signal.getsignal(number)
    return handler if isinstance(handler, int) else repr(handler)


def test_tracing_is_not_inherited(fork):
    sys.setprofile(lambda *_: None)
    try:
        pool = fork(1)
    finally:
        sys.setprofile(None)
    assert pool.submit(sys.getprofile).result() is None


def test_recursion_headroom(fork):
    def deep(levels):
        return fork(1) if levels == 0 else deep(levels - 1)

    assert deep(700).submit(_recurse, 800).result() == 800


def _recurse(levels):
    return 0 if levels == 0 else 1 + _recurse(levels - 1)


def test_state_of_modules_is_inherited(fork):
    culprits.STATE.append("before")
    try:
        assert fork(1).submit(culprits.remembered).result() == ["before"]
    finally:
        culprits.STATE.clear()


def test_initializer_is_not_pickled(fork):
    lock = threading.Lock()
    pool = fork(2, culprits.remember, (lock,))
    assert pool.submit(_first_is_lock).result()


def _first_is_lock():
    return hasattr(culprits.STATE[0], "acquire")


@pytest.mark.parametrize("kind", ["fork", "fresh"])
def test_random_numbers_differ_between_workers(make_pool, kind):
    import numpy

    numpy.random.seed(1)
    random.seed(1)
    pool = make_pool(2, start=kind, preload=["numpy"])
    view = pool.options(fresh=True)
    assert len({view.submit(culprits.random_number).result() for _ in range(3)}) == 3
    assert len({view.submit(culprits.random_number, "numpy").result() for _ in range(3)}) == 3


def test_replacements_come_from_the_same_copy(fork):
    culprits.STATE.append("then")
    pool = fork(1)
    culprits.STATE.clear()
    pool.submit(culprits.exit_with, 1).exception()
    assert pool.submit(culprits.remembered).result() == ["then"]


def test_pool_made_while_threads_hold_locks(fork):
    lock, stop = threading.Lock(), threading.Event()

    def hold():
        while not stop.is_set():
            with lock:
                [object() for _ in range(100)]

    threads = [threading.Thread(target=hold) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        assert fork(2).map(culprits.double, range(10)) == list(range(0, 20, 2))
    finally:
        stop.set()
        for thread in threads:
            thread.join()
