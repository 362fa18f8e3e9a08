"""Completion, by the shells themselves: each line, with a tab after it, becomes the line beside it."""

from __future__ import annotations

import os
import pty
import select
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_program import PROGRAM

SAME_IN_ALL_SHELLS = {
    "prong ru": "prong run",
    "prong help ma": "prong help map",
    "prong completion fi": "prong completion fish",
    "prong run --keep": "prong run --keep-order",
    "prong run -k --time": "prong run -k --timeout",
    "prong run -j4 -j 4 --tim": "prong run -j4 -j 4 --timeout",
    "prong run -a inp": "prong run -a inputs.txt",
    "prong run --joblog inp": "prong run --joblog inputs.txt",
    "prong run --arg-file=inp": "prong run --arg-file=inputs.txt",
    "prong run --cwd fol": "prong run --cwd folder/",
    "prong run --progress=al": "prong run --progress=always",
    "prong run unusual-c": "prong run unusual-command",
    "prong run -k -j 2 unusual-c": "prong run -k -j 2 unusual-command",
    "prong run -- unusual-c": "prong run -- unusual-command",
    "prong run --progress unusual-c": "prong run --progress unusual-command",
    "prong run unusual-command inp": "prong run unusual-command inputs.txt",
    "prong run unusual-command ::: inp": "prong run unusual-command ::: inputs.txt",
    "prong run unusual-command {} :::: inp": "prong run unusual-command {} :::: inputs.txt",
    "prong run unusual-command --keep": "prong run unusual-command --keep",  # that is an option of the command
    "prong map -k wor": "prong map -k words.py",
    "prong map words.py:f ::: inp": "prong map words.py:f ::: inputs.txt",
    "prong map --sqli": "prong map --sqlite",
}
DEADLINE_S = 40


@pytest.fixture(scope="module")
def share(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("share")
    subprocess.run([PROGRAM, "help", "--share", folder], check=True)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("folder")
    (folder / "folder").mkdir()
    (folder / "inputs.txt").touch()
    (folder / "words.py").touch()
    (folder / "bin").mkdir()
    command = folder / "bin" / "unusual-command"
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    return folder


def environment_in(folder: Path) -> dict[str, str]:
    return {
        "HOME": str(folder),
        "PATH": f"{folder / 'bin'}:{PROGRAM.parent}:{os.environ['PATH']}",
        "TERM": "dumb",
        "LC_ALL": "C.UTF-8",
    }


class Terminal:
    """A shell that believes that somebody types."""

    END = "(end)"

    def __init__(self, command: list[str], folder: Path) -> None:
        self.process, self.descriptor = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.execvpe(command[0], command, environment_in(folder))
        self.command("show() { printf '(%s)' \"$*\"; printf '(%s)\\n' end; }")

    def command(self, line: str) -> str:
        return self.type(f"{line}; show\n")

    def completed(self, line: str) -> str:
        """The line that a tab after `line` makes of it."""
        return self.type(f"{line}\t\x01show \n").rpartition("(")[2].removesuffix(")").rstrip()

    def type(self, keys: str) -> str:
        os.write(self.descriptor, keys.encode())
        shown = b""
        deadline = time.monotonic() + DEADLINE_S
        while self.END.encode() not in shown:
            assert select.select([self.descriptor], [], [], deadline - time.monotonic())[0], shown.decode()
            shown += os.read(self.descriptor, 4096)
        return shown.decode().split(self.END)[0]

    def close(self) -> None:
        os.close(self.descriptor)
        os.waitpid(self.process, 0)


def check_all(terminal: Terminal) -> None:
    wrong = {
        line: made for line in SAME_IN_ALL_SHELLS if (made := terminal.completed(line)) != SAME_IN_ALL_SHELLS[line]
    }
    assert wrong == {}


@pytest.fixture
def bash(folder: Path) -> Iterator[Terminal]:
    terminal = Terminal(["bash", "--norc", "--noprofile", "-i"], folder)
    yield terminal
    terminal.close()


def test_bash(bash: Terminal) -> None:
    bash.command("source <(prong completion bash)")
    check_all(bash)


def test_bash_with_what_other_commands_bring(bash: Terminal, share: Path) -> None:
    bash.command(f"BASH_COMPLETION_USER_DIR={share / 'bash-completion'}; . /usr/share/bash-completion/bash_completion")
    check_all(bash)
    bash.command("complete -W 'only-this' unusual-command")
    assert bash.completed("prong run -k unusual-command on") == "prong run -k unusual-command only-this"


def test_zsh(folder: Path, share: Path) -> None:
    zsh = Terminal(["zsh", "-f", "-i"], folder)
    zsh.command(
        f"fpath=({share / 'zsh/site-functions'} $fpath); autoload -Uz compinit; compinit -u -D; "
        "unsetopt auto_remove_slash"
    )
    check_all(zsh)
    zsh.close()


@pytest.mark.parametrize("line", SAME_IN_ALL_SHELLS)
def test_fish(folder: Path, share: Path, line: str) -> None:
    script = share / "fish/vendor_completions.d/prong.fish"
    ask = ["fish", "--no-config", "-c", f"source {script}; complete --do-complete '{line}'"]
    done = subprocess.run(ask, cwd=folder, env=environment_in(folder), capture_output=True, text=True, check=True)
    assert done.stderr == ""
    candidates = [candidate.split("\t")[0] for candidate in done.stdout.splitlines()]
    expected = SAME_IN_ALL_SHELLS[line]
    assert candidates == ([] if expected == line else [expected.split()[-1]])
