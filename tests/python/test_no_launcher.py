"""A launcher that does not come up: the constructor says so, and nothing is left."""

from __future__ import annotations

import pytest

import prong


def test_it_ends_at_once(start: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PRONG_LAUNCHER", "/bin/true")
    for _ in range(20):
        with pytest.raises(prong.PoolError, match="the launcher ended as soon as it was started"):
            prong.Pool(2, start=start)
    monkeypatch.undo()
    with prong.Pool(2, start=start) as pool:
        assert pool.map(abs, [-1, 2]) == [1, 2]
