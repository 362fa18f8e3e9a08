"""How jobs are started and ended: their niceness, and the signals that end them."""

from __future__ import annotations

import os
import subprocess

import pytest
from cli_program import Prong

from eventually import eventually

FUNCTION = "import os\ndef niceness(text): return os.nice(0)\n"


def test_jobs_are_nicer_than_the_program(prong: Prong) -> None:
    own = os.nice(0)
    assert prong("run", "--nice", "7", "nice; : {}", ":::", "").output == f"{min(own + 7, 19)}\n"
    process = prong.start("run", "--nice", "7", "touch started; until [ -e go ]; do sleep 0.01; done; : {}", ":::", "")
    assert eventually((prong.folder / "started").exists)
    assert os.getpriority(os.PRIO_PROCESS, process.pid) == own
    (prong.folder / "go").touch()
    assert process.wait(timeout=50) == 0


def test_functions_are_nicer_than_the_program(prong: Prong) -> None:
    (prong.folder / "module.py").write_text(FUNCTION)
    assert prong("map", "--nice", "7", "module.py:niceness", ":::", "a").output == f"{min(os.nice(0) + 7, 19)}\n"


TRAPS = "trap 'echo HUP' HUP; trap 'echo INT' INT; trap 'echo TERM' TERM; touch ready; while :; do sleep 0.05; done"


def test_signals_that_end_a_job_are_those_of_gnu_parallel(prong: Prong) -> None:
    words = ["--timeout", "0.5", "--term-seq", "HUP,300,INT,300,TERM,300,KILL,25", f": {{}}; {TRAPS}", ":::", "a"]
    result = prong("run", *words)
    words[2] = "--termseq"
    environment = prong.environment | {"PARALLEL_SHELL": "/bin/sh"}
    command = ["parallel", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, cwd=prong.folder)
    assert result.output == done.stdout == "HUP\nINT\nTERM\n"
    assert "exceeded its wall-time limit of 500 ms" in result.error


def test_halt_sends_the_signals_too(prong: Prong) -> None:
    command = "case {} in 1) trap 'echo cleaned; exit' INT; touch ready; while :; do sleep 0.01; done;; esac; "
    command += "until [ -e ready ]; do sleep 0.01; done; false"
    result = prong("run", "-j2", "--term-seq", "INT,1h", "--halt", "now,fail=1", command, ":::", "1", "2", "3")
    assert result.status == 1
    assert result.error == (
        "prong: halt: 1 job failed; no more are started, 1 running is killed\n"
        "prong: ended early: 1 done, 1 of them failed, 1 killed, 1 not run\n"
    )
    assert eventually(lambda: not prong.survivors())


def test_a_second_request_does_not_wait_for_the_signals(prong: Prong) -> None:
    command = "trap 'touch signals' INT; touch ready; while :; do sleep 0.05; done; : {}"
    process = prong.start("run", "--term-seq", "INT,1h", command, ":::", "a")
    assert eventually((prong.folder / "ready").exists)
    process.terminate()
    assert eventually(lambda: (prong.folder / "signals").exists())
    process.terminate()
    assert process.wait(timeout=50) == 143


@pytest.mark.parametrize("words", [("--nice", "20"), ("--nice", "-1"), ("--term-seq", "TERM,KILL"), ("--nice", "x")])
def test_wrong_values_are_refused(prong: Prong, words: tuple[str, str]) -> None:
    result = prong("run", *words, "echo", ":::", "a")
    assert (result.status, result.output) == (255, "")
    assert f"'{words[1].split(',')[-1]}' is no" in result.error
