"""Runs that are looked at, paused, resized and ended from outside, while they go on."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
from pathlib import Path

import pytest
from cli_program import Prong

from eventually import eventually

WAIT = "touch started-{}; until [ -e go-{} ] || [ -e go ]; do sleep 0.01; done; echo {}"


class Run:
    """A run of jobs that wait for their files, in a runtime folder of its own."""

    def __init__(self, prong: Prong, *words: str) -> None:
        self.prong = prong
        (prong.folder / "runtime").mkdir(mode=0o700, exist_ok=True)
        prong.environment["XDG_RUNTIME_DIR"] = str(prong.folder / "runtime")
        self.process = prong.start("run", *words)
        assert eventually(lambda: self.started(1))

    def started(self, *numbers: int) -> bool:
        return all((self.prong.folder / f"started-{number}").exists() for number in numbers)

    def let(self, *numbers: int) -> None:
        for number in numbers:
            (self.prong.folder / f"go-{number}").touch()

    def let_all(self) -> None:
        (self.prong.folder / "go").touch()

    def ctl(self, *words: str) -> tuple[int, str, str]:
        result = self.prong("ctl", str(self.process.pid), *words)
        return result.status, result.output, result.error

    def status(self) -> dict[str, object]:
        status, output, error = self.ctl("--json", "status")
        assert (status, error) == (0, "")
        found: dict[str, object] = json.loads(output)
        return found

    def end(self) -> tuple[int, str]:
        output, _ = self.process.communicate(timeout=50)
        return self.process.returncode, output.decode()


def numbers(last: int) -> list[str]:
    return [":::", *map(str, range(1, last + 1))]


def test_status(prong: Prong) -> None:
    run = Run(prong, "-j2", "-k", WAIT, *numbers(4))
    assert eventually(lambda: run.started(1, 2))
    found = run.status()
    assert {name: found[name] for name in ("pid", "state", "jobs", "running", "done", "failed", "total")} == {
        "pid": run.process.pid,
        "state": "running",
        "jobs": 2,
        "running": 2,
        "done": 0,
        "failed": 0,
        "total": 4,
    }
    assert prong("ctl").output == f"{run.process.pid}: 0/4 done, 0 failed, 2 of 2 running\n"
    run.let_all()
    assert run.end() == (0, "1\n2\n3\n4\n")
    assert list((prong.folder / "runtime/prong").iterdir()) == []


def test_more_jobs_at_a_time(prong: Prong) -> None:
    run = Run(prong, "-j1", WAIT, *numbers(4))
    assert run.ctl("jobs", "3") == (0, "", "")
    assert eventually(lambda: run.started(2, 3))
    assert run.status()["running"] == 3
    run.let_all()
    assert run.end()[0] == 0


@pytest.mark.parametrize("words", [(), ("--delay", "1us")])
def test_fewer_jobs_at_a_time(prong: Prong, words: tuple[str, ...]) -> None:
    run = Run(prong, "-j3", *words, WAIT, *numbers(6))
    assert eventually(lambda: run.started(2, 3))
    assert run.ctl("jobs", "1") == (0, "", "")
    run.let(1, 2)
    assert eventually(lambda: run.status()["done"] == 2)
    assert run.status()["running"] == 1
    assert not run.started(4)
    run.let(3)
    assert eventually(lambda: run.started(4))
    assert run.status()["running"] == 1
    run.let_all()
    assert run.end()[0] == 0


@pytest.mark.parametrize("words", [(), ("--delay", "1us"), ("--halt", "soon,fail=1")])
def test_pause_and_resume(prong: Prong, words: tuple[str, ...]) -> None:
    run = Run(prong, "-j1", "-k", *words, WAIT, *numbers(3))
    assert run.ctl("pause") == (0, "", "")
    run.let_all()
    assert eventually(lambda: run.status()["done"] == 1)
    assert run.status()["state"] == "paused"
    assert not run.started(2)
    assert run.ctl("resume") == (0, "", "")
    assert run.end() == (0, "1\n2\n3\n")


def test_stop_lets_running_jobs_end(prong: Prong) -> None:
    run = Run(prong, "-j1", WAIT, *numbers(3))
    assert run.ctl("stop") == (0, "", "")
    assert run.status()["state"] == "stopping"
    run.let_all()
    assert run.end() == (130, "1\n")


def test_a_paused_run_can_be_stopped(prong: Prong) -> None:
    run = Run(prong, "-j1", WAIT, *numbers(3))
    run.ctl("pause")
    run.ctl("stop")
    run.let_all()
    assert run.end() == (130, "1\n")


def test_kill_ends_all(prong: Prong) -> None:
    run = Run(prong, "-j1", "sleep 1000 & touch started-{}; wait", *numbers(3))
    assert run.ctl("kill") == (0, "", "")
    assert run.end() == (143, "")
    assert eventually(lambda: not prong.survivors())


def test_runs_that_were_killed_are_cleaned_up(prong: Prong) -> None:
    run = Run(prong, "-j1", WAIT, *numbers(3))
    run.process.kill()
    run.process.wait()
    left = prong.folder / f"runtime/prong/{run.process.pid}.sock"
    assert left.is_socket()
    assert run.ctl("status") == (1, "", f"prong: ctl {run.process.pid}: no run of yours has this PID\n")
    assert prong("ctl").error == "prong: ctl: no run of yours goes on\n"
    assert not left.exists()


def test_all_runs(prong: Prong) -> None:
    runs = [Run(prong, "-j1", WAIT, *numbers(1)), Run(prong, "-j1", WAIT, ":::", "2")]
    assert eventually(lambda: runs[1].started(2))
    assert prong("ctl", "--all", "stop").status == 0
    for run in runs:
        run.let_all()
    assert [run.end() for run in runs] == [(130, "1\n"), (130, "2\n")]
    assert prong("ctl", "--all", "stop").status == 1


def test_the_folder_and_the_socket_are_private(prong: Prong) -> None:
    run = Run(prong, "-j1", WAIT, *numbers(1))
    folder = prong.folder / "runtime/prong"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    run.let_all()
    assert run.end()[0] == 0


def test_a_folder_of_others_is_not_used(prong: Prong) -> None:
    (prong.folder / "runtime").mkdir(mode=0o700)
    (prong.folder / "runtime/prong").mkdir()
    (prong.folder / "runtime/prong").chmod(0o777)
    prong.environment["XDG_RUNTIME_DIR"] = str(prong.folder / "runtime")
    assert prong("run", "echo", ":::", "a").output == "a\n"
    assert list((prong.folder / "runtime/prong").iterdir()) == []
    assert "is not a folder that you alone can enter" in prong("ctl").error


def test_nonsense_on_the_socket_is_answered(prong: Prong) -> None:
    run = Run(prong, "-j1", WAIT, *numbers(1))
    for request in (b"\0\n", b"[]\n", b'{"command":7}\n', b'{"command":"jobs","jobs":-1}\n', b'{"command":"jobs"}\n'):
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(prong.folder / f"runtime/prong/{run.process.pid}.sock"))
            connection.sendall(request)
            assert "error" in json.loads(connection.makefile().readline())
    run.let_all()
    assert run.end() == (0, "1\n")


@pytest.mark.parametrize("words", [("stop",), ("1", "jobs"), ("1", "jobs", "0"), ("1", "halt"), ("1", "--all", "stop")])
def test_wrong_words_are_refused(prong: Prong, words: tuple[str, ...]) -> None:
    result = prong("ctl", *words)
    assert (result.status, result.output) == (255, "")
    assert result.error.endswith("; see prong ctl --help\n")


def test_a_run_without_a_place_for_its_socket_works(prong: Prong) -> None:
    prong.environment["XDG_RUNTIME_DIR"] = "/proc"
    assert prong("run", "echo", ":::", "a").output == "a\n"


def test_functions_can_be_paused(prong: Prong) -> None:
    (prong.folder / "waits.py").write_text(
        "import os, time\n"
        "def wait(text):\n"
        "    open(f'started-{text}', 'w').close()\n"
        "    while not os.path.exists('go'):\n"
        "        time.sleep(0.01)\n"
        "    return text\n"
    )
    (prong.folder / "runtime").mkdir(mode=0o700)
    prong.environment["XDG_RUNTIME_DIR"] = str(prong.folder / "runtime")
    process = prong.start("map", "-j1", "waits.py:wait", *numbers(3))
    assert eventually((prong.folder / "started-1").exists)
    assert prong("ctl", str(process.pid), "pause").status == 0
    (prong.folder / "go").touch()
    assert process.stdout is not None
    assert process.stdout.readline() == b"1\n"
    assert json.loads(prong("ctl", "--json", str(process.pid), "status").output)["state"] == "paused"
    assert prong("ctl", str(process.pid), "resume").status == 0
    assert process.communicate(timeout=50)[0] == b"2\n3\n"


def test_an_interrupted_run_leaves_no_socket(prong: Prong) -> None:
    run = Run(prong, "-j1", WAIT, *numbers(3))
    run.process.send_signal(signal.SIGTERM)
    run.end()
    assert list((prong.folder / "runtime/prong").iterdir()) == []


def test_another_user_is_not_heard(prong: Prong) -> None:
    run = Run(prong, "-j1", WAIT, *numbers(1))
    for folder in (prong.folder, *prong.folder.parents, prong.folder / "runtime", prong.folder / "runtime/prong"):
        if folder.stat().st_uid == os.getuid() and folder != Path("/"):
            folder.chmod(folder.stat().st_mode | 0o755)
    path = prong.folder / f"runtime/prong/{run.process.pid}.sock"
    path.chmod(0o777)
    script = (
        f"import socket; s = socket.socket(socket.AF_UNIX); s.connect({str(path)!r}); "
        's.sendall(b\'{"command":"kill"}\\n\'); print(s.recv(100))'
    )
    if os.getuid() == 0:
        command = ["setpriv", "--reuid", "65534", "--clear-groups", "/usr/bin/python3", "-c", script]
        done = subprocess.run(command, capture_output=True, check=False)
        refused = b"ConnectionResetError" in done.stderr or b"BrokenPipeError" in done.stderr
        assert done.stdout == b"b''\n" or refused, done.stderr
    run.let_all()
    assert run.end() == (0, "1\n")
