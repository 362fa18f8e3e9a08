"""Progress: how many jobs are done, on standard error; by tqdm when it is installed, else as a plain line."""

from __future__ import annotations

import sys
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_LEAST_SECONDS_BETWEEN_LINES = 0.1


class Progress:
    """Counts finished jobs. ``total`` None: not known."""

    def __init__(self, total: int | None = None, label: str = "jobs") -> None:
        self._total = total
        self._label = label
        self._bar: Any = None
        self._closed = False

    def __enter__(self) -> Progress:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def expect(self, total: int) -> None:
        """Says how many there will be."""
        self._total = total

    def advance(self, count: int) -> None:
        """That many more are done."""
        if self._closed or count == 0:
            return
        if self._bar is None:
            self._bar = _make_bar(self._total, self._label)
        self._bar.update(count)

    def close(self) -> None:
        """Shows the last figures."""
        if not self._closed and self._bar is not None:
            self._bar.close()
        self._closed = True


class PlainBar:
    """One line that is written again and again."""

    def __init__(self, total: int | None, label: str) -> None:
        self._total = total
        self._label = label
        self._count = 0
        self._began = time.monotonic()
        self._shown = 0.0

    def update(self, count: int) -> None:
        self._count += count
        now = time.monotonic()
        if now - self._shown >= _LEAST_SECONDS_BETWEEN_LINES:
            self._shown = now
            self._show("")

    def close(self) -> None:
        self._show("\n")

    def _show(self, end: str) -> None:
        elapsed = max(time.monotonic() - self._began, 1e-9)
        of = "" if self._total is None else f"/{self._total}"
        text = f"\r{self._count}{of} {self._label}, {self._count / elapsed:.1f}/s, {elapsed:.1f} s"
        print(f"{text:<60}", end=end, file=sys.stderr, flush=True)


def _make_bar(total: int | None, label: str) -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return PlainBar(total, label)
    return tqdm(total=total, desc=label, unit="job")


def progress_for(wanted: bool | str, items: Any) -> Progress | None:
    """The progress that a map-like was asked for: True, or a text to show beside it."""
    if wanted is False or wanted is None:
        return None
    if not isinstance(wanted, (bool, str)):
        raise TypeError(f"progress must be True, False or a text, not {wanted!r}")
    total = len(items) if hasattr(items, "__len__") else None
    return Progress(total, wanted if isinstance(wanted, str) else "jobs")
