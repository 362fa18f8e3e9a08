"""prong map --init, --exit, and how its workers begin and end."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from cli_program import Prong

from eventually import eventually

MODULE = """
import asyncio, atexit, os, sys, time

ready = []
log = open(f"log.{os.getpid()}", "a")
os.unlink(log.name)

def note(text):
    with open("notes", "a") as file:
        file.write(f"{text} {os.getpid()}\\n")

def begin():
    ready.append("begun")
    note("begin")

def job(text):
    if text == "crash":
        os._exit(3)
    if text == "hang":
        open("started", "w").close()
        time.sleep(1000)
    note("job")
    return (ready or ["no"])[0] + " " + text

def end():
    note("end")

def bad():
    raise OSError("out of order")

def leave():
    sys.exit(3)

def crash():
    os.kill(os.getpid(), 9)

def hang():
    open("started", "w").close()
    time.sleep(1000)

def buffered(text):
    global file
    file = open(f"buffered.{text}", "w")
    file.write(text)

def at_exit(text):
    atexit.register(note, "exiting")

async def open_session():
    ready.append(asyncio.get_running_loop())

async def fetch(text):
    await asyncio.sleep(0)
    return f"{asyncio.get_running_loop() is ready[0]} {text}"
"""


@pytest.fixture(autouse=True)
def functions(prong: Prong) -> Path:
    file = prong.folder / "functions.py"
    file.write_text(MODULE)
    return file


def notes(prong: Prong) -> list[list[str]]:
    file = prong.folder / "notes"
    return [line.split() for line in file.read_text().splitlines()] if file.exists() else []


def events_of_each(prong: Prong) -> dict[str, list[str]]:
    events: dict[str, list[str]] = {}
    for event, pid in notes(prong):
        events.setdefault(pid, []).append(event)
    return events


def test_each_worker_begins_and_ends_once(prong: Prong) -> None:
    result = prong("map", "-j2", "--init", "begin", "--exit", "functions.py:end", "functions.py:job", stdin="x\n" * 20)
    assert (result.status, result.error) == (0, "")
    assert result.output == "begun x\n" * 20
    events = events_of_each(prong)
    assert len(events) == 2
    for each in events.values():
        assert (each[0], each[-1]) == ("begin", "end")
        assert set(each[1:-1]) <= {"job"}


def test_file_is_imported_once_for_all_of_its_functions(prong: Prong, functions: Path) -> None:
    functions.write_text(MODULE + "\nnote('import')\n")
    prong("map", "--init", "begin", "--exit", f"{functions}:end", "functions.py:job", ":::", "x")
    assert [event for event, _ in notes(prong)].count("import") == 1


def test_initializer_and_finalizer_of_other_modules(prong: Prong) -> None:
    (prong.folder / "other.py").write_text("import functions\ndef begin():\n    functions.ready.append('from other')\n")
    result = prong("map", "--init", "other:begin", "functions:job", ":::", "x")
    assert (result.status, result.output) == (0, "from other x\n")


BAD_BEGINNINGS = {
    "bad": "raised OSError: out of order",
    "leave": "raised SystemExit: 3",
    "crash": "killed by signal 9",
    "nothing": "has no attribute 'nothing'",
    "nowhere:begin": "cannot load nowhere:begin: ModuleNotFoundError",
}


@pytest.mark.parametrize("name", BAD_BEGINNINGS)
def test_initializer_that_fails_ends_everything_with_one_message(prong: Prong, name: str) -> None:
    result = prong("map", "-j2", "--init", name, "--exit", "end", "functions.py:job", stdin="x\n" * 100)
    assert (result.status, result.output) == (255, "")
    assert BAD_BEGINNINGS[name] in result.error
    assert result.error.count("prong: ") == 1
    assert notes(prong) == []


BAD_ENDS = {"bad": "raised OSError: out of order", "leave": "raised SystemExit: 3", "crash": "killed by signal 9"}


@pytest.mark.parametrize("name", BAD_ENDS)
def test_finalizer_that_fails_is_told_behind_all_results(prong: Prong, name: str) -> None:
    result = prong("map", "-j1", "-k", "--exit", name, "functions.py:job", ":::", "a", "b")
    assert (result.status, result.output) == (255, "no a\nno b\n")
    assert result.error.startswith("prong: the finalizer ")
    assert BAD_ENDS[name] in result.error
    assert "(in 1 of 1 workers)" in result.error
    if name == "bad":
        assert 'raise OSError("out of order")' in result.error


def test_unknown_finalizer_is_told_before_any_job(prong: Prong) -> None:
    result = prong("map", "--exit", "nothing", "functions.py:job", ":::", "a")
    assert (result.status, result.output) == (255, "")
    assert "cannot load functions.py:nothing: AttributeError" in result.error


def test_worker_that_dies_has_no_end_and_another_begins(prong: Prong) -> None:
    result = prong("map", "-j1", "-k", "--init", "begin", "--exit", "end", "functions.py:job", ":::", "a", "crash", "b")
    assert (result.status, result.output) == (1, "begun a\nbegun b\n")
    assert [event for event, _ in notes(prong)] == ["begin", "job", "begin", "job", "end"]


def test_after_one_ctrl_c_workers_end_in_order(prong: Prong) -> None:
    process = prong.start("map", "-j1", "--exit", "end", "functions.py:job", stdin=-1)
    assert process.stdin is not None
    process.stdin.write(b"x\n")
    process.stdin.flush()
    assert eventually(lambda: len(notes(prong)) == 1)
    process.send_signal(signal.SIGINT)
    process.communicate()
    assert process.returncode == 130
    assert [event for event, _ in notes(prong)] == ["job", "end"]


def test_signals_end_a_finalizer_that_hangs(prong: Prong) -> None:
    process = prong.start("map", "-j1", "--exit", "hang", "functions.py:job", ":::", "x")
    assert eventually(lambda: (prong.folder / "started").exists())
    process.send_signal(signal.SIGTERM)
    output, error = process.communicate()
    assert (process.returncode, output, error) == (143, b"no x\n", b"")


def test_jobs_that_are_killed_have_no_end(prong: Prong) -> None:
    process = prong.start("map", "-j1", "--exit", "end", "functions.py:job", ":::", "hang")
    assert eventually(lambda: (prong.folder / "started").exists())
    process.send_signal(signal.SIGTERM)
    process.communicate()
    assert process.returncode == 143
    assert notes(prong) == []


def test_what_workers_have_not_written_is_written_at_their_end(prong: Prong) -> None:
    prong("map", "-j1", "functions.py:buffered", ":::", "a")
    assert (prong.folder / "buffered.a").read_text() == "a"
    prong("map", "-j1", "functions.py:at_exit", ":::", "a")
    assert [event for event, _ in notes(prong)] == ["exiting"]


def test_asynchronous_functions_share_the_loop_of_their_worker(prong: Prong) -> None:
    result = prong("map", "-k", "-j2", "--init", "open_session", "functions.py:fetch", stdin="a\nb\n")
    assert (result.status, result.output, result.error) == (0, "True a\nTrue b\n", "")
