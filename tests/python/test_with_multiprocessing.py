"""Programs that use multiprocessing beside a pool: what a worker's jobs must have for it."""

from __future__ import annotations

import multiprocessing
import multiprocessing.managers
import sys
from typing import Any

import pytest

import prong


def key() -> bytes:
    import multiprocessing.process

    return bytes(multiprocessing.process.current_process().authkey)


def how_it_was_loaded() -> tuple[str, bool, bool]:
    import multiprocessing.process as module

    spec = module.__spec__
    assert spec is not None
    left = [finder for finder in sys.meta_path if "prong" in type(finder).__module__]
    return type(spec.loader).__name__, module.__loader__ is spec.loader, not left


def put(shared: Any, name: str) -> None:
    shared[name] = len(name)


@pytest.mark.parametrize("start", ["fresh", "spawn", "fork"])
def test_workers_have_the_key_of_the_program(start: str) -> None:
    with prong.Pool(1, start=start) as pool:
        assert pool.submit(key).result() == bytes(multiprocessing.current_process().authkey)


def test_workers_can_use_what_a_manager_shares() -> None:
    with multiprocessing.get_context("fork").Manager() as manager, prong.Pool(2) as pool:
        shared = manager.dict()
        pool.starmap(put, [(shared, "a"), (shared, "bb")])
        assert dict(shared) == {"a": 1, "bb": 2}


def test_workers_import_multiprocessing_when_a_job_does_and_as_anybody() -> None:
    with prong.Pool(1) as pool:
        # Lambdas: to find a function of this module a worker would import it, and so multiprocessing.
        imported = pool.submit(lambda: "multiprocessing.process" in sys.modules)
        assert not imported.result(), "it takes as long as to start an interpreter"
        assert pool.submit(how_it_was_loaded).result() == ("SourceFileLoader", True, True)
