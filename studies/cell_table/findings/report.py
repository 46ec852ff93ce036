"""First what is there to find, then who found it: a table's figures as text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from iac_components.common.pages.markdown_table import markdown_table
from studies.cell_table.findings.reliability import reliability
from studies.cell_table.rows.records import read_lines
from studies.cell_table.rows.table import CellTable, make_table
from studies.cell_table.settings import TableSettings

__all__ = ["report"]

SHOWN = 5
SPREAD = ("cells", "n", "mean Dice", "sd between cells", "sd between seeds", "ICC (95 %)")
CELLS = (
    *("configuration", "Dice", "seeds", "parameters", "1e6 multiply-adds"),
    "time against plain",
)
ANCHORS = ("none", "uniform-skip_connect-1")


def report(settings: TableSettings, kept: Path) -> str:
    """Describe a kept table, shift by shift, in Markdown.

    Args:
        settings: of the table.
        kept: its file.
    """
    records = list(read_lines(kept))
    lines = [f"# Cell table: {settings.name} ({len(records)} rows)"]
    for shift in settings.shifts:
        try:
            table = make_table(records, shift=shift)
        except ValueError as error:
            lines += ["", f"## {shift}", "", f"Nothing to report: {error}"]
            continue
        lines += [
            *("", f"## {shift}", ""),
            *(
                markdown_table(SPREAD, _spread(table)),
                markdown_table(CELLS, _cells(table)).rstrip(),
            ),
        ]
    return "\n".join(lines)


def _spread(table: CellTable) -> Iterator[Sequence[str]]:
    """Spread between cells and seeds, of all trained configurations and of kinds."""
    four = np.array([name.startswith("random-4") for name in table.names])
    groups = {
        "all with a cell": table.of_kinds("uniform", "random", "levels"),
        "random": table.of_kinds("random"),
        "random, 4 nodes": np.flatnonzero(four),
        "levels": table.of_kinds("levels"),
    }
    for name, rows in groups.items():
        if len(rows) < 3:
            continue
        r = reliability(table.scores[rows])
        yield (
            name,
            str(r.cells),
            f"{r.mean:.4f}",
            f"{100 * r.between_cells:.2f} points",
            f"{100 * r.between_seeds:.2f} points",
            f"{r.icc:.2f} ({r.icc_low:.2f} to {r.icc_high:.2f})",
        )


def _cells(table: CellTable) -> Iterator[Sequence[str]]:
    """Return the best and the worst configurations, and those that anchor the scale."""
    means = table.scores.mean(axis=1)
    order = np.argsort(-means, kind="stable")
    anchors = [row for row, name in enumerate(table.names) if name in ANCHORS]
    ends = {*order[:SHOWN].tolist(), *order[-SHOWN:].tolist(), *anchors}
    shown = sorted(ends, key=lambda row: -means[row])
    for row in shown:
        seeds = ", ".join(f"{value:.4f}" for value in table.scores[row])
        yield (
            table.names[row],
            f"{means[row]:.4f}",
            seeds,
            f"{table.parameters[row]:,}",
            f"{table.multiply_adds[row] / 1e6:.2f}",
            f"{table.slowdown[row]:.2f}",
        )
