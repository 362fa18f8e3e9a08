"""The parts of docs/performance.md that are written by bench/run."""

from pathlib import Path


def replace_between(page: Path, part: str, text: str) -> None:
    """Replaces what stands between the markers of a part."""
    begin, end = f"<!-- {part}: written by bench/run -->", f"<!-- end of {part} -->"
    before, found, rest = page.read_text().partition(begin)
    _, ended, after = rest.partition(end)
    if not (found and ended):
        raise ValueError(f"{page} has no part between {begin} and {end}")
    page.write_text(f"{before}{begin}\n{text}\n{end}{after}")
