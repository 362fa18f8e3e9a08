"""Mistakes of somebody who comes from xargs or GNU parallel, or mistypes: each answer names what would be right."""

from __future__ import annotations

import os
import pty
import subprocess

import pytest
from cli_program import Prong

# What is written after `prong`, and what the answer has.
ANSWERS = {
    ("run", "-L1", "echo"): "unknown option '-L1'; each line is an input; -n N gives a job N of them",
    ("run", "-L", "1", "echo"): "-n N",
    ("run", "--max-lines=1", "echo"): "-n N",
    ("run", "-i", "echo", "{}"): "it is not needed: {} stands for the input",
    ("run", "-t", "echo"): "--dry-run",
    ("run", "-v", "echo"): "--dry-run",
    ("run", "-p", "echo"): "--dry-run",
    ("run", "-r", "echo"): "without inputs nothing is run",
    ("run", "-x", "echo"): "it is not needed",
    ("run", "-m", "echo"): "-X",
    ("run", "-q", "echo"): "it is not needed",
    ("run", "-u", "echo"): "--line-buffer",
    ("run", "--will-cite", "echo"): "it is not needed",
    ("run", "--eta", "echo"): "--progress",
    ("run", "--max-chars=100", "echo"): "-s SIZE",
    ("run", "--wd", "folder", "echo"): "--cwd FOLDER",
    ("run", "--workdir=folder", "echo"): "--cwd FOLDER",
    ("run", "--tagstring", "x", "echo"): "--tag",
    ("run", "--shuf", "echo"): "shuf FILE",
    ("run", "-S", "host", "echo"): "this machine",
    ("run", "--workers", "4", "echo"): "-j N",
    ("run", "--ordered", "echo"): "-k",
    ("run", "--version"): "prong --version",
    ("run", "--time-out", "4", "echo"): "did you mean --timeout?",
    ("run", "--job", "4", "echo"): "did you mean --jobs?",
    ("run", "--keep_order", "echo"): "did you mean --keep-order?",
    ("run", "--dry", "echo"): "did you mean --dry-run?",
    ("run", "--retry", "2", "echo"): "use --retries N",
    ("run", "--tiemout=4", "echo"): "did you mean --timeout?",
    ("run", "--nonsense", "echo"): "a command that begins with '-' goes after '--'",
    ("run", "--jobs=4x", "echo"): "write 1 or more (4), a share of the CPUs (50%), or how many more than these (+1)",
    ("run", "-P", "0", "echo"): "leave it out for one per CPU, or write how many",
    ("run", "-j"): "-j",
    ("run", "--timeout", "ten", "echo"): "write seconds (10, 1.5) or a number with ms, s, m, h or d (500ms, 2m)",
    ("run", "--timeout", "0", "echo"): "write seconds",
    ("run", "--memory", "lots", "echo"): "500M",
    ("run", "--retries", "-1", "echo"): "write 0 or more (3)",
    ("run", "-n", "0", "echo"): "write 1 or more (3)",
    ("run", "-d", "ab", "echo"): "write a character",
    ("run", "--halt", "1", "echo"): "now,fail=1",
    ("run", "--halt", "now,fail", "echo"): "now,fail=1",
    ("run", "--retry-on", "error", "echo"): "exit=75",
    ("run", "--progress=yes", "echo"): "always",
    ("run", "-I"): "TEXT missing",
    ("run", "echo", "::", "a", "b"): "inputs come after the word ':::'",
    ("run", "echo", ":::a"): "inputs come after the word ':::'",
    ("run", "echo", ":::::", "a"): "inputs come after the word ':::'",
    (
        "run",
        "echo",
        "::::",
        "a",
        "b",
    ): "cannot read inputs from 'a': No such file or directory (ENOENT); after '::::' come "
    "files, after ':::' inputs themselves",
    ("run", "echo", "::::"): "Names of files with inputs come after '::::'",
    ("run", "-a", "missing", "echo"): "cannot read inputs from 'missing': No such file or directory",
    ("run", "-a", "folder", "echo"): "cannot read inputs from 'folder': Is a directory",
    ("run", "--env", "NAME", "echo", ":::", "a"): "write NAME=value",
    ("run", "--joblog", "folder", "echo", ":::", "a"): "cannot write the job log 'folder': Is a directory",
    ("map",): "Write file.py:function or module:function",
    ("map", "words.py", ":::", "a"): "write file.py:function or module:function",
    ("map", "words.py:shout", "a"): "inputs come after ':::'",
    ("map", "missing.py:shout", ":::", "a"): "missing.py",
    ("gzip", "a.txt", "b.txt"): "a program is run by: prong run gzip ::: INPUT ...",
    ("gzip {}", ":::", "a"): "a program is run by: prong run",
    ("-j4", "gzip", ":::", "a"): "options follow a command, as in: prong run -j4",
    ("rnu", "echo"): "did you mean prong run?",
    ("help", "mpa"): "did you mean prong map?",
    ("nonsense",): "see prong --help",
    ("completion",): "Write bash, zsh or fish",
    ("completion", "tcsh"): "write bash, zsh or fish",
}


@pytest.mark.parametrize("arguments", ANSWERS, ids=" ".join)
def test_answer_names_what_is_right(prong: Prong, arguments: tuple[str, ...]) -> None:
    (prong.folder / "folder").mkdir()
    result = prong(*arguments)
    assert (result.status, result.output) == (255, "")
    assert result.error.startswith("prong: ")
    assert result.error.count("\n") == 1
    assert ANSWERS[arguments] in result.error


# Of one job: the run has begun.
COMPLAINTS = {
    ("run", "nosuch", ":::", "a"): "cannot run 'nosuch' (not found in PATH): No such file or directory",
    ("run", "./folder", ":::", "a"): "cannot run './folder'",
    ("run", "./unreadable", ":::", "a"): "cannot run './unreadable': Permission denied",
    ("run", "--cwd", "missing", "ls", ":::", "a"): "missing",
}


@pytest.mark.parametrize("arguments", COMPLAINTS, ids=" ".join)
def test_job_that_cannot_begin_says_why(prong: Prong, arguments: tuple[str, ...]) -> None:
    (prong.folder / "folder").mkdir()
    (prong.folder / "unreadable").write_text("#!/bin/sh\n")
    result = prong(*arguments)
    assert (result.status, result.output) == (1, "")
    assert COMPLAINTS[arguments] in result.error


def test_shell_syntax_without_quotes(prong: Prong) -> None:
    with (prong.folder / "{}.gz").open("wb") as file:
        process = prong.start("run", "gzip", "-c", "{}", ":::", "a", stdout=file)
    assert process.wait(timeout=50) == 255
    assert process.stderr is not None
    assert b"put that into quotes, as in prong run 'gzip -c {} > {}.gz'" in process.stderr.read()


def test_spellings_of_others_that_are_taken(prong: Prong) -> None:
    for spelling in (["-P", "4"], ["-P4"], ["--max-procs=4"], ["-j4"], ["--jobs", "4"]):
        assert prong("run", *spelling, "-k", "echo", ":::", "a", "b").output == "a\nb\n"


def test_inputs_that_are_awaited_from_a_terminal_are_asked_for(prong: Prong) -> None:
    ours, theirs = pty.openpty()
    process = prong.start("run", "echo", "a.txt", stdin=theirs, stderr=subprocess.PIPE)
    assert process.stderr is not None
    assert b"(on the command line they come after ':::')" in process.stderr.readline()
    os.write(ours, b"\x04")
    assert process.wait(timeout=50) == 0
    os.close(ours)
    os.close(theirs)
