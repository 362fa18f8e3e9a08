"""Help, version, and what wrong usage is answered with. The help and what its examples show are golden files."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from cli_program import PROGRAM, ROOT, Prong

from eventually import eventually

GOLDEN = Path(__file__).parent / "golden"


def test_version(prong: Prong) -> None:
    header = (ROOT / "include/prong/version.h").read_text()
    version = re.search(r'PRONG_VERSION "(.*)"', header)
    assert version is not None
    assert prong("--version").output == f"prong {version[1]}\n"


def page(*arguments: str) -> str:
    return subprocess.run([PROGRAM, *arguments], capture_output=True, text=True, check=True).stdout


def section(text: str, title: str) -> list[str]:
    return text.split(f"\n{title}:\n")[1].split("\n\n")[0].split("\n")


COMMANDS = [line.split()[0] for line in section(page("--help"), "Commands") if line[2] != " "]
PAGES = [["--help"], *([name, "--help"] for name in COMMANDS if name != "help")]


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "help"])
def test_help_of_commands(prong: Prong, name: str) -> None:
    expected = (GOLDEN / f"help_{name}.txt").read_text()
    for arguments in ([name, "--help"], [name, "-h"], ["help", name]):
        result = prong(*arguments)
        assert (result.status, result.output, result.error) == (0, expected, "")


def test_help(prong: Prong) -> None:
    expected = (GOLDEN / "help.txt").read_text()
    for arguments in (["--help"], ["-h"], ["help"]):
        assert prong(*arguments).output == expected


@pytest.mark.parametrize("arguments", PAGES, ids=" ".join)
def test_help_fits_a_terminal_and_has_every_option_under_a_subject(arguments: list[str]) -> None:
    text = page(*arguments)
    assert [line for line in text.split("\n") if len(line) > 80] == []
    assert arguments == ["--help"] or "\nOptions:\n" not in text, "an option names no group where it is added"


# In the manner of a console: "$ " and a command, then what it shows; "..." stands for anything.
TRANSCRIPTS = dict(
    step.split("\n", 1) for step in re.split(r"^\$ ", (GOLDEN / "examples.txt").read_text(), flags=re.MULTILINE)[1:]
)
EXAMPLES = {line.strip() for arguments in PAGES for line in section(page(*arguments), "Examples") if line[:4] == "    "}


@pytest.fixture
def folder_of_examples(prong: Prong) -> Path:
    """With files, a journal, a run that goes on, and a queue that has done two jobs."""
    for name in ("words.py", "job.sh", "list.txt", "b.txt", "table.csv", "old.log", "new.log", "a picture.jpeg"):
        shutil.copy(Path(__file__).parent / "examples" / name.replace(" ", "_"), prong.folder / name)
    prong.environment["XDG_STATE_HOME"] = str(prong.folder / ".state")
    assert prong("run", "-k", "--name", "nightly", "echo out {}; test {} = a", ":::", "a", "b").status == 1
    (prong.folder / ".runtime").mkdir(mode=0o700)
    prong.environment["XDG_RUNTIME_DIR"] = str(prong.folder / ".runtime")
    prong.start("run", "-j1", "touch {}; sleep 1000", ":::", ".begun")
    assert eventually((prong.folder / ".begun").exists)
    prong.start("serve", "--name", "q", "-j2")
    assert eventually(lambda: prong("status", "q").status == 0)
    for command in ("true", "false"):
        prong("submit", "q", command)
    prong("wait", "q", "1", "2")
    return prong.folder


@pytest.mark.parametrize("command", sorted(EXAMPLES | TRANSCRIPTS.keys()))
def test_examples_of_the_help_do_what_they_say(prong: Prong, folder_of_examples: Path, command: str) -> None:
    assert command in EXAMPLES, "in golden/examples.txt, and in no help"
    assert command in TRANSCRIPTS, "what this example shows is not in golden/examples.txt"
    environment = prong.environment | {"PATH": f"{PROGRAM.parent}:{prong.environment['PATH']}"}
    done = subprocess.run(
        ["bash", "-c", command], cwd=folder_of_examples, env=environment, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, "")
    pattern = ".*?".join(map(re.escape, TRANSCRIPTS[command].split("...")))
    assert re.fullmatch(pattern, done.stdout, re.DOTALL), done.stdout
    if command.startswith("prong serve"):
        assert eventually(lambda: prong("drain", "nights").status == 0)


WRONG = {
    ("nonsense",): "prong: there is no command 'nonsense'; see prong --help",
    ("help", "nonsense"): "prong: there is no command 'nonsense'; see prong --help",
    ("run", "--nonsense", "echo"): "prong: run: unknown option '--nonsense'; a command that begins with '-' goes "
    "after '--'; see prong run --help",
    (
        "run",
        "-j",
        "0",
        "echo",
    ): "prong: run: -j: '0' would be no job at a time; leave it out for one per CPU, or write how "
    "many; see prong run --help",
    ("run", "-j", "4x", "echo"): "prong: run: -j: '4x' is not a number of workers: write 1 or more (4), a "
    "share of the CPUs (50%), or how many more than these (+1); see prong run --help",
    ("run", "--timeout", "soon", "echo"): "prong: run: --timeout: 'soon' is not a duration: write seconds (10, 1.5) or "
    "a number with ms, s, m, h or d (500ms, 2m); see prong run --help",
    ("run", "-a", "/nonexistent", "echo"): "prong: cannot read inputs from '/nonexistent': No such file or directory "
    "(ENOENT)",
    ("run", "echo", ":::+", "a"): "prong: run: ':::+' links its inputs with those before it, and there are none; write "
    "':::' first; see prong run --help",
    ("run", "--joblog", "/nonexistent/log", "echo", ":::", "a"): "prong: cannot write the job log "
    "'/nonexistent/log': No such file or directory (ENOENT)",
    (
        "run",
        "--bar=sometimes",
        "echo",
        ":::",
        "a",
    ): "prong: run: --bar: 'sometimes' does not say when to show it: write auto, always or never; see prong run --help",
    ("log", "j", "--run", "x"): "prong: log: --run: 'x' is not a number: write 1 or more (3); see prong log --help",
    (
        "log",
        "j",
        "--slower",
        "x",
    ): "prong: log: --slower: 'x' is not a duration: write seconds (10, 1.5) or a number with "
    "ms, s, m, h or d (500ms, 2m); see prong log --help",
    ("submit", "q", "--priority", "x", "ls"): "prong: submit: --priority: 'x' is not a priority: write a whole number "
    "(2, -1) between -1000000000 and 1000000000; see prong submit --help",
    ("status", "q", "0"): "prong: status: '0' is not a number: write 1 or more (3); see prong status --help",
    ("log",): "prong: log: which journal? Write its FILE, or the NAME of runs or of a queue; see prong log --help",
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
