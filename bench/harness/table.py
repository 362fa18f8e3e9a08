"""A table that prints as aligned text and as Markdown."""

from dataclasses import dataclass, field


@dataclass
class Table:
    title: str
    headers: list[str]
    left: int = 2  # so many columns hold text; the others hold figures
    rows: list[list[str]] = field(default_factory=list)

    def as_text(self) -> str:
        columns = list(zip(self.headers, *self.rows, strict=True))
        widths = [max(map(len, column)) for column in columns]
        lines = [self._text_line(row, widths) for row in [self.headers, *self.rows]]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join([self.title, *lines])

    def _text_line(self, row: list[str], widths: list[int]) -> str:
        cells = [
            cell.ljust(width) if column < self.left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        return "  ".join(cells).rstrip()

    def as_markdown(self) -> str:
        rule = ["---" if column < self.left else "---:" for column in range(len(self.headers))]
        lines = [f"| {' | '.join(row)} |" for row in [self.headers, rule, *self.rows]]
        return "\n".join([f"### {self.title}", "", *lines])
