"""Tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

__all__ = ["markdown_table"]


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]], *, words: int = 1) -> str:
    """Format a table whose first columns are words and whose others are numbers.

    A bar in a cell would end it, and is written as Markdown wants it.

    Args:
        header: names of the columns.
        rows: cells in print.
        words: number of columns that are aligned to the left; the others go to the right.

    Returns:
        The lines, with a line break after the last.

    Raises:
        ValueError: if a row has another number of cells than the header.

    Example:
        >>> print(markdown_table(["cell", "Dice"], [["none", "0.81"]]), end="")
        | cell | Dice |
        | --- | ---: |
        | none | 0.81 |
    """
    rule = ["---"] * min(words, len(header)) + ["---:"] * (len(header) - words)
    lines = [_line(header), f"| {' | '.join(rule)} |"]
    for row in rows:
        if len(row) != len(header):
            raise ValueError(f"a row has {len(row)} cells, the header {len(header)}: {list(row)}.")
        lines.append(_line(row))
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
