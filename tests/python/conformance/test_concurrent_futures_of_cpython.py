"""CPython's own tests of process pools, run on prong.futures.ProcessPoolExecutor.

They come with the Debian package libpython3.11-testsuite. The classes are taken as they are; their ``executor_type`` is
ours, in programs that they start too. Tests that look at private attributes of the standard class are skipped, and one
that shows a difference, each with its reason.
"""

from __future__ import annotations

import re
import unittest
from unittest import mock

import pytest

import prong.futures

standard = pytest.importorskip(
    "test.test_concurrent_futures", reason="needs libpython3.11-testsuite of the same Python", exc_type=ImportError
)

SKIPPED = {
    "test_killed_child": "takes a process from executor._processes; and a killed worker breaks its future alone",
    "test_processes_terminate": "counts executor._processes",
    "test_context_manager_shutdown": "takes the processes from executor._processes",
    "test_shutdown_deadlock_pickle": "joins executor._executor_manager_thread",
    # Not a private attribute: a difference. The standard counts jobs as running that no worker has seen yet.
    "test_cancel_futures": "wants a job to run that no worker has begun; ours cancels all that have not started",
    "test_del_shutdown": "joins executor._executor_manager_thread and _call_queue",
    "test_shutdown_no_wait": "joins executor._executor_manager_thread and _call_queue",
    "test_saturation": "counts executor._processes",
    "test_idle_process_reuse_one": "counts executor._processes",
    "test_idle_process_reuse_multiple": "counts executor._processes",
    "test_max_tasks_per_child": "counts executor._processes",
    "test_max_tasks_per_child_defaults_to_spawn_context": "reads executor._mp_context",
    "test_traceback": "compares with the private class concurrent.futures.process._RemoteTraceback",
}
FAILING_INITIALIZER = "reads executor._broken"
MIXINS = (standard.ProcessPoolForkMixin, standard.ProcessPoolForkserverMixin, standard.ProcessPoolSpawnMixin)
IMPORT = re.compile(r"from concurrent\.futures import (\w+)")


def run_with_ours(*arguments, **options):
    """assert_python_ok for a program that imports the executor."""
    changed = [IMPORT.sub(r"from prong.futures import \1", argument) for argument in arguments]
    return ORIGINAL_RUN(*changed, **options)


ORIGINAL_RUN = standard.assert_python_ok


def skip(reason):
    """A test that is skipped."""

    def test(self):
        self.skipTest(reason)

    return test


def adapt(original):
    """The test class on our executor."""
    members = {name: skip(reason) for name, reason in SKIPPED.items() if hasattr(original, name)}
    if issubclass(original, standard.FailingInitializerMixin):
        members["test_initializer"] = skip(FAILING_INITIALIZER)
        members["setUp"] = lambda self: None
        members["tearDown"] = lambda self: None
    members["executor_type"] = prong.futures.ProcessPoolExecutor
    return type(original.__name__, (original,), members)


@pytest.fixture(autouse=True)
def nothing_left():
    """Not checked here: multiprocessing's own fork server and resource tracker stay."""


@pytest.fixture(autouse=True)
def programs_import_ours():
    """Programs that tests start, and the name in the module, use our executor."""
    with (
        mock.patch.object(standard, "assert_python_ok", run_with_ours),
        mock.patch.object(standard.futures, "ProcessPoolExecutor", prong.futures.ProcessPoolExecutor),
    ):
        yield


def process_pool_tests():
    """All test classes of the standard's module that test process pools."""
    for name, value in vars(standard).items():
        if isinstance(value, type) and issubclass(value, unittest.TestCase) and issubclass(value, MIXINS):
            yield name, adapt(value)


globals().update(process_pool_tests())
