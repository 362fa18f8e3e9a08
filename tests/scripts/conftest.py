"""Trees in miniature, for the scripts that check the rules of the project."""

import subprocess
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).resolve().parents[2] / "scripts"


class Tree:
    """A folder that stands for the project; `check` runs one of the project's scripts on it."""

    def __init__(self, top):
        self.top = top

    def write(self, path, text):
        file = self.top / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def check(self, script):
        """Return the complaints of a script, one string per line; none means that it was content."""
        done = subprocess.run([SCRIPTS / script, self.top], capture_output=True, text=True, check=False)
        assert (done.returncode == 0) == (done.stderr == ""), done
        return done.stderr.splitlines()


@pytest.fixture
def tree(tmp_path):
    return Tree(tmp_path)
