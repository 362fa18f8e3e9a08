"""prong and GNU make share the number of jobs: as make's client, and as the one that offers a jobserver."""

from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

import pytest
from cli_program import PROGRAM, Prong

from eventually import eventually

# Notes how many run at the same time: each is a file while it runs, and counts the files when it begins. All wait for
# `go`: it is made when one has counted the number that is expected.
COUNTED = "touch running/$$; ls running | wc -l >> most; until [ -e go ]; do sleep 0.01; done; rm running/$$; echo done"


def most(folder: Path) -> int:
    counts = folder / "most"
    return max(map(int, counts.read_text().split()), default=0) if counts.exists() else 0


def start_make(prong: Prong, makefile: str, *words: str) -> subprocess.Popen[bytes]:
    (prong.folder / "running").mkdir()
    (prong.folder / "Makefile").write_text(makefile)
    (prong.folder / "count.sh").write_text(COUNTED)
    process = subprocess.Popen(
        ["make", *words],
        cwd=prong.folder,
        env=prong.environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    prong.processes.append(process)
    return process


RULE = f"all: a b\na b:\n\t+@'{PROGRAM}' run -j8 'sh count.sh; : {{}}' ::: 1 2 3 4\n"


def test_all_runs_of_a_make_share_its_jobs(prong: Prong) -> None:
    process = start_make(prong, RULE, "-j3")
    assert eventually(lambda: most(prong.folder) == 3)
    (prong.folder / "go").touch()
    output, error = process.communicate(timeout=50)
    assert (process.returncode, output, error) == (0, b"done\n" * 8, b"")
    assert most(prong.folder) == 3


def test_without_its_jobserver_make_is_told(prong: Prong) -> None:
    process = start_make(prong, f"all:\n\t@'{PROGRAM}' run -k echo ::: 1 2\n", "-j3")
    output, error = process.communicate(timeout=50)
    assert (process.returncode, output) == (0, b"1\n2\n")
    assert b"begin the line in the makefile with '+'" in error


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_tokens_come_back_from_a_killed_run(prong: Prong, number: signal.Signals) -> None:
    rule = f"'{PROGRAM}' run -j8 'touch begun-{{}}; sleep 1000' ::: 1 2 3"
    makefile = (
        f"all:\n\t+@{rule} & echo $$! > pid; wait; true\n\t+@'{PROGRAM}' run -j8 'sh count.sh; : {{}}' ::: 1 2 3 4\n"
    )
    process = start_make(prong, makefile, "-j3")
    assert eventually(lambda: all((prong.folder / f"begun-{each}").exists() for each in (1, 2, 3)))
    os.kill(int((prong.folder / "pid").read_text()), number)
    assert eventually(lambda: most(prong.folder) == 3), "as many as before"
    (prong.folder / "go").touch()
    output, _ = process.communicate(timeout=50)
    assert output == b"done\n" * 4
    assert process.returncode == 0


SUB = "all: 1 2 3 4\n1 2 3 4:\n\t@sh count.sh\n"


def test_jobs_that_are_makes_share_the_jobs_of_prong(prong: Prong) -> None:
    (prong.folder / "running").mkdir()
    (prong.folder / "Makefile").write_text(SUB)
    (prong.folder / "count.sh").write_text(COUNTED)
    process = prong.start("run", "-j3", "--jobserver", "make -s; : {}", ":::", "1", "2")
    assert eventually(lambda: most(prong.folder) == 3)
    (prong.folder / "go").touch()
    output, error = process.communicate(timeout=50)
    assert (process.returncode, output, error) == (0, b"done\n" * 8, b"")
    assert most(prong.folder) == 3


def test_a_make_under_prong_under_make_finds_the_jobserver(prong: Prong) -> None:
    makefile = f"all:\n\t+@'{PROGRAM}' run 'make -s -f sub; : {{}}' ::: 1\n"
    (prong.folder / "sub").write_text(SUB)
    process = start_make(prong, makefile, "-j3")
    assert eventually(lambda: most(prong.folder) == 3)
    (prong.folder / "go").touch()
    output, error = process.communicate(timeout=50)
    assert (process.returncode, output, error) == (0, b"done\n" * 4, b"")
    assert most(prong.folder) == 3


def test_a_fifo_is_a_jobserver_too(prong: Prong) -> None:
    fifo = prong.folder / "fifo"
    os.mkfifo(fifo)
    ends = os.open(fifo, os.O_RDWR)
    os.write(ends, b"+")
    (prong.folder / "running").mkdir()
    (prong.folder / "count.sh").write_text(COUNTED)
    prong.environment["MAKEFLAGS"] = f" -j2 --jobserver-auth=fifo:{fifo}"
    process = prong.start("run", "-j8", "sh count.sh; : {}", ":::", "1", "2", "3", "4")
    assert eventually(lambda: most(prong.folder) == 2)
    (prong.folder / "go").touch()
    assert process.communicate(timeout=50)[0] == b"done\n" * 4
    assert most(prong.folder) == 2
    os.set_blocking(ends, False)
    assert os.read(ends, 100) == b"+"
    os.close(ends)


def test_an_interrupt_gives_tokens_back_and_ends_in_order(prong: Prong) -> None:
    process = prong.start("run", "-j2", "--jobserver", "touch begun-{}; sleep 1000", ":::", "1", "2", "3")
    assert eventually((prong.folder / "begun-2").exists)
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=50) == 143
    assert eventually(lambda: not prong.survivors())
