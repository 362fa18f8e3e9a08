"""The program's end: nothing hangs it, and nothing outlives it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from eventually import eventually

PRELUDE = "import os, signal, sys, threading, time, prong\n"


@pytest.fixture
def program(tmp_path, start):
    """Runs a program text; gives the finished process. Afterwards nothing of it must be alive."""
    mark = f"PRONG_TEST_MARK={tmp_path}"

    def run(text: str, **options) -> subprocess.CompletedProcess:
        script = tmp_path / "program.py"
        script.write_text(PRELUDE + textwrap.dedent(text).replace("START", repr(start)))
        environment = {**os.environ, "PRONG_TEST_MARK": str(tmp_path)}
        return subprocess.run(
            [sys.executable, script], capture_output=True, text=True, env=environment, timeout=50, **options
        )

    yield run
    assert eventually(lambda: not marked(mark)), f"alive: {marked(mark)}"


def marked(mark: str) -> list[str]:
    """Processes that have the mark in their environment."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (entry / "environ").read_bytes():
                found.append((entry / "cmdline").read_text())
        except OSError:
            continue
    return found


def test_pool_that_was_never_closed(program):
    done = program("""
        pool = prong.Pool(2, start=START)
        print(pool.submit(pow, 2, 10).result())
        """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1024\n", "")


def test_running_jobs_do_not_hold_the_end_up(program):
    done = program("""
        pool = prong.Pool(2, start=START)
        jobs = [pool.submit(time.sleep, 1000) for _ in range(4)]
        jobs[0].add_done_callback(lambda job: None)
        """)
    assert (done.returncode, done.stderr) == (0, "")


def test_exception(program):
    done = program("""
        pool = prong.Pool(2, start=START)
        pool.submit(time.sleep, 1000)
        raise KeyError("the end")
        """)
    assert done.returncode == 1
    assert done.stderr.count("Traceback") == 1


def test_threads_use_a_pool_to_their_end(program):
    done = program("""
        pool = prong.Pool(2, start=START)

        def use():
            threading.main_thread().join()
            print(pool.map(abs, range(-3, 0)))
            print(list(pool.imap(abs, iter(range(-3, 0)))))
            print(prong.run(["echo", "command"]).stdout.strip())

        threading.Thread(target=use).start()
        """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "[3, 2, 1]\n[3, 2, 1]\ncommand\n", "")


def test_executor_is_finished_before_exit_handlers(program):
    done = program("""
        import atexit, pathlib
        from prong.futures import ProcessPoolExecutor
        atexit.register(lambda: print(pathlib.Path("done").exists()))
        os.chdir(os.path.dirname(os.path.abspath(__file__)))
        executor = ProcessPoolExecutor(1)
        executor.submit(lambda: (time.sleep(0.3), pathlib.Path("done").touch()))
        """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "True\n", "")


def test_first_import_by_a_thread_that_outlives_the_main_one():
    text = """
        import threading

        def late():
            threading.main_thread().join()
            import prong
            print(prong.Pool(1).submit(pow, 2, 10).result())

        threading.Thread(target=late).start()
        """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(text)], capture_output=True, text=True, timeout=50)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1024\n", "")


def test_iterator_whose_input_never_comes(program):
    done = program("""
        import queue
        inputs = queue.Queue()
        inputs.put(1)
        pool = prong.Pool(2, start=START)
        iterator = pool.imap(abs, iter(inputs.get, None))
        print(next(iterator))
        """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_iterator_whose_input_comes_while_the_interpreter_ends(program):
    done = program("""
        import time

        def ticks():
            yield 1
            while True:
                time.sleep(0.0005)
                yield 1

        pool = prong.Pool(2, start=START)
        iterator = pool.imap(abs, ticks())
        print(next(iterator))
        """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "1\n", "")


def test_nothing_is_left_when_the_interpreter_ends(program):
    done = program("""
        prong._core.warn_of_leaks(True)
        pool = prong.Pool(2, start=START)
        job = pool.submit(abs, -1)
        assert job.result() == 1
        assert list(pool.imap(abs, iter(range(-100, 0)))) == list(range(100, 0, -1))
        assert pool.map(abs, range(-100, 0)) == list(range(100, 0, -1))
        prong.share(bytes(100_000))
        """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize(
    "how", ["os._exit(7)", "os.kill(os.getpid(), signal.SIGKILL)", "os.abort()", "os.execv('/bin/true', ['true'])"]
)
def test_sudden_end(program, how):
    done = program(f"""
        pool = prong.Pool(2, start=START)
        jobs = [pool.submit(time.sleep, 1000) for _ in range(3)]
        pool.submit(pow, 2, 2)
        {how}
        """)
    assert done.returncode in (0, 7, -signal.SIGKILL, -signal.SIGABRT)  # 0: of what took its place


def test_ctrl_c_ends_a_wait_at_once(program):
    done = program("""
        pool = prong.Pool(2, start=START)
        job = pool.submit(time.sleep, 1000)
        threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        try:
            job.result()
        except KeyboardInterrupt:
            print("interrupted")
        """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


def test_ctrl_c_during_a_map(program):
    done = program("""
        pool = prong.Pool(2, start=START)
        threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
        try:
            pool.map(time.sleep, [1000] * 10)
        except KeyboardInterrupt:
            print("interrupted")
        """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "interrupted\n", "")


def test_signal_handlers_run_during_a_wait(program):
    done = program("""
        seen = []
        signal.signal(signal.SIGUSR1, lambda *_: seen.append("seen"))
        pool = prong.Pool(1, start=START)
        job = pool.submit(time.sleep, 1)
        threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGUSR1)).start()
        job.result()
        print(seen)
        """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "['seen']\n", "")


def test_programs_own_children_and_sigchld_are_untouched(program):
    done = program("""
        deaths = []
        signal.signal(signal.SIGCHLD, lambda *_: deaths.append(1))
        with prong.Pool(2, start="spawn") as pool:
            pool.submit(os._exit, 3).exception()
            pool.map(abs, range(10))
            try:
                print(os.waitpid(-1, os.WNOHANG))
            except ChildProcessError:
                print("no child")
        print(len(deaths))
        """)
    assert (done.returncode, done.stdout) == (0, "no child\n0\n")


def test_output_of_jobs_is_not_lost(program):
    done = program("""
        with prong.Pool(1, start=START) as pool:
            pool.submit(print, "from a job").result()
            pool.submit(os._exit, 0).exception()
        """)
    assert done.stdout == "from a job\n"


@pytest.mark.parametrize("start", ["fork"], indirect=True)
def test_fork_runs_no_handler_of_the_program_twice(program):
    done = program("""
        import atexit, tempfile
        atexit.register(print, "atexit")
        print("buffered", end=" ")
        with tempfile.TemporaryDirectory() as folder:
            try:
                with prong.Pool(2, start=START) as pool:
                    pool.submit(os._exit, 1).exception()
                    assert os.path.isdir(folder)
            finally:
                print("finally")
        """)
    assert (done.returncode, done.stdout, done.stderr) == (0, "buffered finally\natexit\n", "")
