"""Outputs do not make the program grow, however large they are and however long they are held back."""

from __future__ import annotations

import hashlib
import subprocess
import sys

import pytest
from cli_program import PROGRAM, Prong

SIZE = 20_000_000
JOBS = 20
MOST_GROWN = 60_000_000


# A small program measures: the peak of a process counts what the one that forked it had then.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL, check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
"""


def peak_of_run(prong: Prong, *arguments: str) -> int:
    """The most memory that the program had, in bytes. What it shows is thrown away."""
    command = [sys.executable, "-S", "-c", MEASURE, str(PROGRAM), "run", *arguments]
    done = subprocess.run(
        command, cwd=prong.folder, env=prong.environment, stdin=subprocess.DEVNULL, capture_output=True, check=True
    )
    return int(done.stdout)


@pytest.mark.parametrize("options", [[], ["-k"], ["--tag"], ["--json"], ["--line-buffer"], ["--results", "out"]])
def test_large_outputs_take_no_memory(prong: Prong, options: list[str]) -> None:
    command = f"head -c {SIZE} /dev/zero; : {{}}"
    inputs = [str(number) for number in range(JOBS)]
    assert peak_of_run(prong, *options, command, ":::", *inputs) < MOST_GROWN


def test_what_is_held_back_takes_no_memory(prong: Prong) -> None:
    others = f"head -c {SIZE} /dev/zero; echo x >> done"
    first = f"until [ -e done ] && [ $(wc -l < done) = {JOBS} ]; do sleep 0.05; done"
    command = f"if [ {{}} = 0 ]; then {first}; else {others}; fi"
    inputs = [str(number) for number in range(JOBS + 1)]
    for options in ([], ["--line-buffer"]):
        assert peak_of_run(prong, "-k", "-j2", *options, command, ":::", *inputs) < MOST_GROWN, options
        (prong.folder / "done").unlink()


def test_what_was_held_back_comes_whole(prong: Prong) -> None:
    command = "until [ {} != 1 ] || [ -e go ]; do sleep 0.01; done; yes {} | head -c 3000000; [ {} != 20 ] || touch go"
    process = prong.start("run", "-k", "-j2", command, ":::", *map(str, range(1, 21)))
    output, error = process.communicate(timeout=50)
    expected = b"".join((f"{number}\n" * 3_000_000).encode()[:3_000_000] for number in range(1, 21))
    assert (process.returncode, error, len(output)) == (0, b"", len(expected))
    assert hashlib.sha256(output).digest() == hashlib.sha256(expected).digest()


def test_a_folder_for_temporary_files_that_does_not_exist_is_told_when_it_is_needed(prong: Prong) -> None:
    prong.environment["TMPDIR"] = "/nonexistent"
    assert prong("run", "echo", ":::", "a").output == "a\n"
    command = "[ {} != 1 ] || sleep 1000; head -c 30000000 /dev/zero"
    result = prong("run", "-k", "-j2", command, ":::", "1", "2")
    assert result.status == 255
    assert result.error == (
        "prong: cannot make a temporary file in '/nonexistent': No such file or directory (ENOENT)\n"
    )
