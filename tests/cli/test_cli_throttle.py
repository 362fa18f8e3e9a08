"""Jobs that start only while the machine has room for them."""

from __future__ import annotations

import json
import signal
import subprocess

import pytest
from cli_program import Prong

from eventually import eventually


def waiting(prong: Prong, pid: int) -> str:
    result = prong("ctl", "--json", str(pid), "status")
    return str(json.loads(result.output)["waiting"]) if result.status == 0 else ""


def test_jobs_run_while_there_is_room(prong: Prong) -> None:
    result = prong("run", "-k", "--load", "100000", "--memfree", "1K", "echo", ":::", "a", "b", "c")
    assert (result.status, result.output, result.error) == (0, "a\nb\nc\n", "")


@pytest.mark.parametrize("words", [("--memfree", "1000T"), ("--load", "0.5")])
def test_no_job_starts_while_there_is_none(prong: Prong, words: tuple[str, str]) -> None:
    (prong.folder / "runtime").mkdir(mode=0o700)
    prong.environment["XDG_RUNTIME_DIR"] = str(prong.folder / "runtime")
    with subprocess.Popen(["sh", "-c", "while :; do :; done"]) as busy:
        process = prong.start("run", *words, "touch begun; :", ":::", "a", "b")
        text = "of memory are available, not" if words[0] == "--memfree" else "the load is"
        assert eventually(lambda: text in waiting(prong, process.pid))
        assert not (prong.folder / "begun").exists()
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=50) == 130
        busy.kill()


@pytest.mark.parametrize("words", [("--load", "0"), ("--load", "x"), ("--memfree", "much")])
def test_wrong_values_are_refused(prong: Prong, words: tuple[str, str]) -> None:
    result = prong("run", *words, "echo", ":::", "a")
    assert (result.status, result.output) == (255, "")
    assert f"{words[0]}: '{words[1]}' is not a " in result.error
