"""The documents for those who come from other programs: each row of their tables is run with both, in one folder each.

A table whose head is "| | OTHER | Prong |" has command lines that print the same and end with the same status. One that
begins with "| After the program |" has what follows the names of the programs, and the lines that each of them prints.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from test_documents import TREE, blocks_of

PAGES = {
    "docs/from-parallel.md": ("GNU parallel", "parallel -k", "prong run -k"),
    "docs/from-xargs.md": ("xargs", "xargs", "prong run -k"),
}
CODE = re.compile(r"`([^`]*)`")


def tables(page: str) -> list[list[list[str]]]:
    """Rows of cells."""
    text = (TREE / page).read_text(encoding="utf-8")
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [[[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for line in b.splitlines()] for b in blocks]


def code_in(cell: str) -> list[str]:
    return [code.replace("\\|", "|") for code in CODE.findall(cell)]


def rows_of(page: str, head: str) -> list[list[str]]:
    return [row for table in tables(page) if table[0][: head.count(",") + 1] == head.split(",") for row in table[2:]]


SAME = [
    pytest.param(page, code_in(row[1])[0], code_in(row[2])[0], id=code_in(row[2])[0])
    for page, (other, _, _) in PAGES.items()
    for row in rows_of(page, f",{other},Prong")
]
DIFFERENT = [
    pytest.param(page, code_in(row[0])[0], code_in(row[1]), code_in(row[2]), id=f"{page}: {code_in(row[0])[0]}")
    for page in PAGES
    for row in rows_of(page, "After the program")
]


class Folder:
    """What the page says that its rows run in."""

    def __init__(self, folder: Path, page: str) -> None:
        self.folder = folder
        (folder / ".parallel").mkdir(parents=True)
        (folder / ".parallel" / "will-cite").touch()
        setup = next(block for block in blocks_of(page) if block.language == "console")
        for line in setup.text.splitlines():
            assert self.run(line.removeprefix("$ ")).returncode == 0

    def run(self, command: str) -> subprocess.CompletedProcess[str]:
        programs = f"{TREE / 'python' / 'prong' / '_bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        environment = {"PATH": programs, "HOME": str(self.folder), "SHELL": "/bin/bash", "LC_ALL": "C.UTF-8"}
        return subprocess.run(
            ["bash", "-c", command],
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )


def test_there_are_rows() -> None:
    assert len(SAME) > 60
    assert len(DIFFERENT) > 8


@pytest.mark.parametrize(("page", "theirs", "ours"), SAME)
def test_rows_print_the_same_with_both(tmp_path: Path, page: str, theirs: str, ours: str) -> None:
    expected = Folder(tmp_path / "theirs", page).run(theirs)
    found = Folder(tmp_path / "ours", page).run(ours)
    assert (found.stdout, found.returncode) == (expected.stdout, expected.returncode), expected.stderr + found.stderr


@pytest.mark.parametrize(("page", "arguments", "theirs", "ours"), DIFFERENT)
def test_rows_that_differ(tmp_path: Path, page: str, arguments: str, theirs: list[str], ours: list[str]) -> None:
    _, other, prong = PAGES[page]
    for name, program, expected in (("theirs", other, theirs), ("ours", prong, ours)):
        command = arguments.replace("PROGRAM", program) if "PROGRAM" in arguments else f"{program} {arguments}"
        assert Folder(tmp_path / name, page).run(command).stdout.splitlines() == expected
