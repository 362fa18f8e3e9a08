"""What a worker's world is like."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import culprits
import pytest


def test_path_arguments_and_folder_are_the_programs(pool):
    assert pool.submit(lambda: sys.path).result() == sys.path
    assert pool.submit(lambda: sys.argv).result() == sys.argv
    assert pool.submit(Path.cwd).result() == Path.cwd()


def test_flags_are_the_programs(pool):
    assert pool.submit(lambda: (tuple(sys.flags), sys.warnoptions)).result() == (tuple(sys.flags), sys.warnoptions)


def test_environment_has_no_private_variables(pool):
    names = pool.submit(lambda: {name for name in os.environ if name.startswith("PRONG_")}).result()
    assert names <= {"PRONG_WORKER", "PRONG_SHARE"}


def test_what_a_job_starts_has_the_default_interrupt(pool):
    def start_and_interrupt():
        child = subprocess.Popen(["sleep", "1000"])
        child.send_signal(signal.SIGINT)
        return child.wait()

    assert pool.submit(start_and_interrupt).result() == -signal.SIGINT


def test_interrupt_does_not_end_a_worker(pool):
    def interrupt_self():
        os.kill(os.getpid(), signal.SIGINT)
        return "alive"

    assert pool.submit(interrupt_self).result() == "alive"


def test_standard_input_is_empty(pool):
    assert pool.submit(lambda: os.read(0, 10)).result() == b""


def test_subprocesses_report_their_exit_code(pool):
    assert pool.submit(subprocess.call, ["sh", "-c", "exit 5"]).result() == 5


def test_job_that_forks_cannot_answer_twice(pool):
    def fork_and_return():
        if os.fork() == 0:
            return "child"
        os.wait()
        return "parent"

    assert pool.submit(fork_and_return).result() == "parent"
    assert pool.map(culprits.double, range(5)) == [0, 2, 4, 6, 8]


def test_threads_left_by_jobs_run_on(make_pool):
    pool = make_pool(1)
    pool.submit(_start_counting).result()
    before = pool.submit(_count).result()
    pool.submit(_wait_for_count, before + 3).result()


def _start_counting():
    import threading
    import time

    def count():
        while True:
            culprits.STATE.append(1)
            time.sleep(0.001)

    threading.Thread(target=count, daemon=True).start()


def _count():
    return len(culprits.STATE)


def _wait_for_count(count):
    import time

    while len(culprits.STATE) < count:
        time.sleep(0.001)


def test_preload(make_pool):
    assert make_pool(1, preload=["tabnanny"]).submit(lambda: "tabnanny" in sys.modules).result()


def test_preload_takes_one_name_too(make_pool):
    assert make_pool(1, preload="tabnanny").submit(lambda: "tabnanny" in sys.modules).result()
    with pytest.raises(TypeError, match="preload"):
        make_pool(1, preload=[sys])


def test_paths_among_arguments_and_folders(start, make_pool, monkeypatch):
    monkeypatch.setattr(sys, "argv", [*sys.argv, Path("input"), b"bytes", 7])
    monkeypatch.syspath_prepend(Path("/nowhere"))
    sys.path[0] = Path("/nowhere")
    argv, path = make_pool(1, start=start).submit(lambda: (sys.argv, sys.path)).result(timeout=20)
    assert list(map(str, argv[-3:])) == ["input", "b'bytes'" if start == "fork" else "bytes", "7"]
    assert str(path[0]) == "/nowhere"


@pytest.mark.parametrize(("count", "kept"), [(30_000, 30_000), (1_000_000, 90_000)])
def test_many_arguments(start, make_pool, monkeypatch, count, kept):
    monkeypatch.setattr(sys, "argv", ["program", *map(str, range(10_000, 10_000 + count))])
    found = make_pool(1, start=start).submit(lambda: sys.argv).result(timeout=20)
    assert len(found) > kept
    assert found == sys.argv[: len(found)]


@pytest.mark.parametrize("start", ["fresh", "fork", "spawn"])
def test_relative_import_in_a_module_that_is_run(start, tmp_path):
    package = tmp_path / "package"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "helpers.py").write_text("def double(n):\n    return 2 * n\n")
    (package / "main.py").write_text(_RELATIVE.replace("START", repr(start)))
    command = [sys.executable, "-m", "package.main"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=50, cwd=tmp_path)
    assert (done.stdout, done.stderr) == ("8\n", "")


_RELATIVE = """
import prong

def work(n):
    from .helpers import double
    return double(n)

with prong.Pool(1, start=START) as pool:
    print(pool.submit(work, 4).result())
"""


@pytest.mark.parametrize("name", ["atexit_ran"])
def test_exit_handlers_of_a_worker_run(start, tmp_path, name):
    import prong

    path = tmp_path / name
    with prong.Pool(1, start=start) as pool:
        pool.submit(_register, str(path)).result()
    assert path.exists()


def _register(path):
    import atexit

    atexit.register(culprits.append_line, path, "ran")
