"""Help, version, and what wrong usage is answered with. The help is a golden file."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from cli_program import ROOT, Prong

GOLDEN = Path(__file__).parent / "golden"


def test_version(prong: Prong) -> None:
    header = (ROOT / "include/prong/version.h").read_text()
    version = re.search(r'PRONG_VERSION "(.*)"', header)
    assert version is not None
    assert prong("--version").output == f"prong {version[1]}\n"


@pytest.mark.parametrize("name", ["run", "map", "log", "ctl"])
def test_help_of_commands(prong: Prong, name: str) -> None:
    expected = (GOLDEN / f"help_{name}.txt").read_text()
    for arguments in ([name, "--help"], [name, "-h"], ["help", name]):
        result = prong(*arguments)
        assert (result.status, result.output, result.error) == (0, expected, "")


def test_help(prong: Prong) -> None:
    expected = (GOLDEN / "help.txt").read_text()
    for arguments in (["--help"], ["-h"], ["help"]):
        assert prong(*arguments).output == expected


WRONG = {
    ("nonsense",): "prong: there is no command 'nonsense'; see prong --help",
    ("help", "nonsense"): "prong: there is no command 'nonsense'; see prong --help",
    ("run", "--nonsense", "echo"): "prong: run: unknown option '--nonsense'; a command that begins with '-' goes "
    "after '--'; see prong run --help",
    ("run", "-j", "0", "echo"): "prong: run: -j,--jobs: '0' is not a number of workers: write 1 or more (4), a "
    "share of the CPUs (50%), or how many more than these (+1); see prong run --help",
    ("run", "--timeout", "soon", "echo"): "prong: run: --timeout: 'soon' is not a duration: write seconds (10, 1.5) or "
    "a number with ms, s, m, h or d (500ms, 2m); see prong run --help",
    ("run", "-a", "/nonexistent", "echo"): "prong: cannot read inputs from '/nonexistent': No such file or directory "
    "(ENOENT)",
    ("run", "echo", ":::+", "a"): "prong: run: ':::+' links its inputs with those before it, and there are none; write "
    "':::' first; see prong run --help",
    ("run", "--joblog", "/nonexistent/log", "echo", ":::", "a"): "prong: cannot write the job log "
    "'/nonexistent/log': No such file or directory (ENOENT)",
    ("map",): "prong: map: which function is to be called? Write file.py:function or module:function; see prong map "
    "--help",
    ("map", "name", ":::", "a"): "prong: map: 'name' does not name a function; write file.py:function or "
    "module:function; see prong map --help",
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_usage_is_told(prong: Prong, arguments: tuple[str, ...]) -> None:
    result = prong(*arguments)
    assert (result.status, result.output, result.error) == (255, "", WRONG[arguments] + "\n")


def test_no_command_shows_the_help(prong: Prong) -> None:
    result = prong()
    assert (result.status, result.output) == (255, (GOLDEN / "help.txt").read_text())
