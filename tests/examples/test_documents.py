"""Every block of code in the README and the guides runs, and prints what the page says.

A block that begins with a comment naming a file ("# words.py", "// main.cc") is written to that file, and not run. A
python block is run as a program; a `text` block after it is its output. In a console block, lines that begin with "$ "
are commands, the others their output. "..." in an output stands for anything. All of a page share one folder, in order.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
PAGES = [
    "README.md",
    "docs/python.md",
    "docs/command-line.md",
    "docs/queue.md",
    "docs/from-parallel.md",
    "docs/from-xargs.md",
]
LANGUAGES = {"python", "console", "text", "cpp", "cmake"}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"(?:#|//) ([\w.]+)\n")
LINK = re.compile(r"\]\(([^)#:]+)\)")


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    where: str

    @property
    def file(self) -> str:
        match = FILE_NAME.match(self.text)
        return match.group(1) if match else ""


def blocks_of(page: str) -> list[Block]:
    text = (TREE / page).read_text(encoding="utf-8")
    return [
        Block(match.group(1), match.group(2), f"{page}:{text.count(chr(10), 0, match.start()) + 1}")
        for match in BLOCK.finditer(text)
    ]


def check_output(printed: str, expected: str, where: str) -> None:
    pattern = ".*?".join(map(re.escape, expected.strip().split("...")))
    assert re.fullmatch(pattern, printed.strip(), re.DOTALL), f"{where}: expected\n{expected}\nprinted\n{printed}"


class Reader:
    """Runs blocks in one folder."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        programs = TREE / "python" / "prong" / "_bin"
        self.folder = folder
        self.environment = {
            **environment,
            "PATH": f"{programs}:{Path(sys.executable).parent}:{environment['PATH']}",
            "XDG_STATE_HOME": str(folder / ".state"),
            "XDG_RUNTIME_DIR": str(folder / ".runtime"),
        }
        (folder / ".runtime").mkdir()

    def run(self, command: list[str], where: str) -> str:
        result = subprocess.run(
            command, cwd=self.folder, env=self.environment, capture_output=True, text=True, check=False
        )
        assert result.returncode == 0, f"{where} ended with {result.returncode}:\n{result.stdout}\n{result.stderr}"
        return result.stdout

    def write(self, block: Block) -> None:
        (self.folder / block.file).write_text(block.text, encoding="utf-8")

    def run_console(self, block: Block) -> None:
        for step in re.split(r"^\$ ", block.text, flags=re.MULTILINE)[1:]:
            command, _, expected = step.partition("\n")
            printed = self.run(["bash", "-c", command], f"{block.where}: {command}")
            check_output(printed, expected, f"{block.where}: {command}")


@pytest.mark.parametrize("page", PAGES)
def test_blocks_of_code_do_what_the_page_says(page: str, tmp_path: Path, family) -> None:
    reader = Reader(tmp_path, family.environment)
    printed = None
    for block in blocks_of(page):
        assert block.language in LANGUAGES, f"{block.where}: not tested"
        if block.language == "text":
            assert printed is not None, f"{block.where}: output of nothing"
            check_output(printed, block.text, block.where)
            printed = None
        elif block.file:
            reader.write(block)
        elif block.language == "python":
            printed = reader.run([sys.executable, "-c", block.text], block.where)
        elif block.language == "console":
            reader.run_console(block)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_cpp_block_of_the_readme_builds_with_the_installed_package_and_runs(tmp_path: Path, family) -> None:
    reader = Reader(tmp_path, family.environment)
    for block in blocks_of("README.md"):
        if block.file.endswith((".cc", ".txt")):
            reader.write(block)
    main = next(block for block in blocks_of("README.md") if block.file == "main.cc")
    prefix = tmp_path / "prefix"
    reader.run(["cmake", "--install", str(TREE / "build"), "--prefix", str(prefix)], "cmake --install")
    reader.run(["cmake", "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={prefix}"], "cmake")
    reader.run(["cmake", "--build", "build"], "cmake --build")
    expected = re.findall(r"// prints: (.*)$", main.text, re.MULTILINE)
    check_output(reader.run(["build/tour"], main.where), "\n".join(expected), main.where)


def pages_of_the_project() -> list[str]:
    pages = [*TREE.glob("*.md"), *TREE.glob("docs/**/*.md")]
    return sorted(str(page.relative_to(TREE)) for page in pages)


@pytest.mark.parametrize("page", pages_of_the_project())
def test_links_lead_somewhere(page: str) -> None:
    text = BLOCK.sub("", (TREE / page).read_text(encoding="utf-8"))
    missing = [link for link in LINK.findall(text) if not ((TREE / page).parent / link).exists()]
    assert missing == []
