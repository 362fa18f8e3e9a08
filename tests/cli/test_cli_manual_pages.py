"""Manual pages, as an installation has them: without a warning of any formatter, and with all that the help has."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from cli_program import PROGRAM


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("share")
    subprocess.run([PROGRAM, "help", "--share", folder], check=True)
    return {page.stem: page for page in (folder / "man/man1").iterdir()}


def words(text: str) -> list[str]:
    return re.sub(r"\W+", " ", text).split()


def help_of(page: str) -> str:
    _, *command = page.split("-")
    return subprocess.run([PROGRAM, "help", *command], capture_output=True, text=True, check=True).stdout


def test_each_command_has_a_page(pages: dict[str, Path]) -> None:
    listed = help_of("prong").split("\nCommands:\n")[1].split("\n\n")[0].splitlines()
    commands = [line.split()[0] for line in listed if line[:3].strip()]
    assert sorted(pages) == sorted(["prong", *(f"prong-{name}" for name in commands if name != "help")])


def test_formatters_have_no_warnings(pages: dict[str, Path]) -> None:
    environment = os.environ | {"MANWIDTH": "80", "LC_ALL": "C.UTF-8"}
    for page in pages.values():
        man = ["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", "-Z", page]
        shown = subprocess.run(man, env=environment, capture_output=True, text=True, check=True)
        assert shown.stderr == ""
        lint = subprocess.run(
            ["mandoc", "-T", "lint", "-W", "warning", page], capture_output=True, text=True, check=False
        )
        # A page that is the same whenever it is made has no date.
        assert [line for line in lint.stdout.splitlines() if "missing date" not in line] == []


def test_pages_say_what_the_help_says(pages: dict[str, Path]) -> None:
    for name, page in pages.items():
        shown = subprocess.run(["mandoc", "-T", "ascii", "-O", "width=500", page], capture_output=True, check=True)
        text = re.sub(r".\x08", "", shown.stdout.decode())
        usage = help_of(name).split("Usage: ")[1]
        assert [word for word in words(usage) if word.lower() not in words(text.lower())] == []
        example = help_of(name).splitlines()[-1].strip()
        assert example in text
