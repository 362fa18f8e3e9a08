"""Every block of code in the README runs, and prints what the README says.

A block that begins with a comment naming a file ("# hashes.py", "// main.cc") is written to that file, and not run. A
python block is run as a program; a `text` block after it is its output. In a console block, lines that begin with "$ "
are commands, the others their output. "..." in an output stands for anything. All share one folder, in order.
"""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

TREE = Path(__file__).parents[2]
LANGUAGES = {"python", "console", "text", "cpp", "cmake"}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_NAME = re.compile(r"(?:#|//) ([\w.]+)\n")


@dataclass(frozen=True)
class Block:
    language: str
    text: str
    line: int

    @property
    def file(self) -> str:
        match = FILE_NAME.match(self.text)
        return match.group(1) if match else ""


def blocks() -> list[Block]:
    readme = (TREE / "README.md").read_text(encoding="utf-8")
    return [Block(m.group(1), m.group(2), readme.count("\n", 0, m.start()) + 1) for m in BLOCK.finditer(readme)]


def check_output(printed: str, expected: str, where: str) -> None:
    pattern = ".*?".join(map(re.escape, expected.strip().split("...")))
    assert re.fullmatch(pattern, printed.strip(), re.DOTALL), f"{where}: expected\n{expected}\nprinted\n{printed}"


class Reader:
    """Runs blocks in one folder."""

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        bin_folder = TREE / "python" / "prong" / "_bin"
        self.folder = folder
        self.environment = {**environment, "PATH": f"{bin_folder}:{Path(sys.executable).parent}:{environment['PATH']}"}

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
            printed = self.run(["bash", "-c", command.partition("  #")[0]], f"README.md:{block.line}: {command}")
            check_output(printed, expected, f"README.md:{block.line}: {command}")


def test_every_block_is_of_a_kind_that_is_tested() -> None:
    assert {block.language for block in blocks()} <= LANGUAGES


def test_python_and_console_blocks_do_what_the_readme_says(tmp_path: Path, family) -> None:
    reader = Reader(tmp_path, family.environment)
    printed = None
    for block in blocks():
        where = f"README.md:{block.line}"
        if block.language == "text":
            assert printed is not None, f"{where}: output of nothing"
            check_output(printed, block.text, where)
            printed = None
        elif block.file:
            reader.write(block)
        elif block.language == "python":
            printed = reader.run([sys.executable, "-c", block.text], where)
        elif block.language == "console":
            reader.run_console(block)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_cpp_block_builds_with_the_installed_package_and_runs(tmp_path: Path, family) -> None:
    reader = Reader(tmp_path, family.environment)
    for block in blocks():
        if block.file.endswith((".cc", ".txt")):
            reader.write(block)
    prefix = tmp_path / "prefix"
    reader.run(["cmake", "--install", str(TREE / "build"), "--prefix", str(prefix)], "cmake --install")
    reader.run(["cmake", "-S", ".", "-B", "build", f"-DCMAKE_PREFIX_PATH={prefix}"], "cmake")
    reader.run(["cmake", "--build", "build"], "cmake --build")
    main = next(block for block in blocks() if block.file.endswith(".cc"))
    expected = re.findall(r"// prints: (.*)$", main.text, re.MULTILINE)
    check_output(reader.run(["build/tour"], main.file), "\n".join(expected), main.file)
