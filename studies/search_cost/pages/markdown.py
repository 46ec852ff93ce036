"""Names of modes and arms in print, and tables in Markdown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from studies.search_cost.searches.retraining import BACKBONE, PLAIN

__all__ = ["TITLES", "markdown_table"]

TITLES = {
    "reference": "reference (plain search)",
    "full": "full length",
    "pruned": "pruned",
    "early_stop": "early stop",
    "random": "random",
    PLAIN: "no cell",
    BACKBONE: "backbone, not trained on",
}
"""Modes and arms as they are called in print."""


def markdown_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table whose columns after the first are aligned to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"
