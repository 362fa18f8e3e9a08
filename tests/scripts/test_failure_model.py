"""docs/failure-model.md names a test for every promise: each of them exists."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMED = sorted(set(re.findall(r"`(\w+/\w+\.(?:py|cc))(?:::(\w+))?`", (ROOT / "docs/failure-model.md").read_text())))


def test_there_are_many() -> None:
    assert len(NAMED) > 50


@pytest.mark.parametrize(("file", "name"), NAMED)
def test_named_test_exists(file: str, name: str) -> None:
    (path,) = [folder / file for folder in (ROOT / "tests", ROOT / "src") if (folder / file).exists()]
    assert name in path.read_text()
