"""--pipe: blocks of standard input as the standard inputs of jobs, beside GNU parallel."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from cli_program import PROGRAM, Prong

TEXTS = {
    "empty": b"",
    "lines": b"".join(b"line %d\n" % number for number in range(1000)),
    "no end": b"1\n2\n3",
    "one byte": b"x",
    "binary": bytes(range(256)) * 40,
    "fasta": b"".join(b">%d\nACGT\nGT\n" % number for number in range(50)),
}
WORDS = [
    ["--block", "100"],
    ["--block", "3"],
    ["-N", "7"],
    ["--block", "64", "--recend", ""],
    ["--block", "100", "--recstart", ">"],
    ["-N", "3", "--recend", r"\n", "--recstart", ">"],
]


def run_both(prong: Prong, text: bytes, *words: str) -> tuple[bytes, bytes]:
    outputs = []
    for program in ([PROGRAM, "run"], ["parallel"]):
        command = [*program, "-k", "--pipe", *words]
        environment = prong.environment | {"PARALLEL_SHELL": "/bin/sh"}
        done = subprocess.run(command, input=text, capture_output=True, check=False, env=environment, cwd=prong.folder)
        assert done.returncode == 0, done.stderr
        outputs.append(done.stdout)
    return outputs[0], outputs[1]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_no_byte_is_lost_or_moved(prong: Prong, text: str, words: list[str]) -> None:
    ours, theirs = run_both(prong, TEXTS[text], *words, "cat")
    assert ours == theirs == TEXTS[text]


@pytest.mark.parametrize("text", ["empty", "lines", "no end", "fasta"])
@pytest.mark.parametrize("words", [WORDS[0], WORDS[2], WORDS[3], WORDS[5]], ids=" ".join)
def test_blocks_are_those_of_gnu_parallel(prong: Prong, text: str, words: list[str]) -> None:
    ours, theirs = run_both(prong, TEXTS[text], *words, "wc", "-c")
    assert ours == theirs


def test_a_job_knows_its_number(prong: Prong) -> None:
    ours, theirs = run_both(prong, b"a\nb\n", "-N1", "echo {#}; cat")
    assert ours == theirs == b"1\na\n2\nb\n"


def test_a_block_may_be_left_unread(prong: Prong) -> None:
    output, _ = run_both(prong, TEXTS["lines"], "--block", "1K", "head -n1")
    assert output.startswith(b"line 0\nline ")


@pytest.mark.parametrize("size", [256 * 1024 - 1, 256 * 1024, 5_000_000])
def test_large_blocks(prong: Prong, size: int) -> None:
    text = b"x" * (size - 1) + b"\n"
    ours, _ = run_both(prong, text * 3, "--block", str(size), "wc -c")
    assert ours == b"%d\n" % size * 3


def test_a_block_is_there_again_for_a_retry(prong: Prong) -> None:
    command = "cat; [ -e tried ] || { touch tried; exit 1; }"
    text = "".join(f"{number}\n" for number in range(100_000))
    result = prong("run", "-k", "--pipe", "--retries", "1", command, stdin=text)
    assert (result.status, result.output) == (0, text)


def test_a_file_is_cut_too(prong: Prong) -> None:
    (prong.folder / "file").write_bytes(TEXTS["lines"])
    assert prong("run", "-k", "--pipe", "-a", "file", "--block", "100", "cat").output.encode() == TEXTS["lines"]


def test_endless_input_takes_little_memory(prong: Prong) -> None:
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as yes:
        process = prong.start("run", "-j2", "--pipe", "--block", "4M", "wc -c", stdin=yes.stdout)
        assert process.stdout is not None
        for _ in range(50):
            assert process.stdout.readline() == b"4194304\n"
        status = Path(f"/proc/{process.pid}/status").read_text()
        resident = int(next(line for line in status.splitlines() if line.startswith("VmHWM:")).split()[1])
        assert resident < 300_000
        process.terminate()
        assert process.wait(timeout=50) == 143
        yes.kill()


def test_a_reader_that_goes_away_ends_it(prong: Prong) -> None:
    script = f"yes | '{PROGRAM}' run --pipe --block 64K cat | head -c 5"
    done = subprocess.run(["sh", "-c", script], capture_output=True, check=False, env=prong.environment)
    assert (done.stdout, done.stderr) == (b"y\ny\ny", b"")


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--pipe",), "--pipe: which command is to read the blocks?"),
        (("--pipe", "cat", ":::", "a"), "have no meaning then"),
        (("--pipe", "-X", "cat"), "have no meaning then"),
        (("--block", "1M", "cat"), "--block requires --pipe"),
        (("--pipe", "--block", "0", "cat"), "--block: '0' is not a size"),
        (("--pipe", "--recend", r"\q", "cat"), r"--recend: '\q' is not one byte"),
    ],
)
def test_what_makes_no_sense_is_refused(prong: Prong, words: tuple[str, ...], complaint: str) -> None:
    result = prong("run", *words, stdin="a\n")
    assert (result.status, result.output) == (255, "")
    assert complaint in result.error


def test_a_function_has_no_standard_input(prong: Prong) -> None:
    result = prong("map", "--pipe", "os:getenv", stdin="a\n")
    assert result.status == 255
    assert "a function has no standard input of its own" in result.error


def test_a_killed_run_leaves_nothing(prong: Prong) -> None:
    reader, writer = os.pipe()
    process = prong.start("run", "--pipe", "-N1", "sleep 1000", stdin=reader)
    os.close(reader)
    os.write(writer, b"1\n2\n3\n")
    process.kill()
    process.wait()
    os.close(writer)
