"""Searches against the table, as Markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from iac_components.common.pages.markdown_table import markdown_table
from studies.cell_table.rows.table import CellTable
from studies.found.comparison import Comparison, compare
from studies.found.records import Found, read_found

__all__ = ["report"]

HEADER = (
    *("rule", "searches", "Dice of the found cells", "random, equal cost", "regret (points)"),
    *("within 0.3", "p", "parameters", "multiply-adds", "extra ms", "network's time"),
    *("agreement", "decided", "epochs", "seconds"),
)


def report(raw: Path, table: CellTable, *, dataset: str, shift: str) -> str:
    """Describe what each rule found on a task.

    Args:
        raw: records of ``fill_found``.
        table: of the task.
        dataset: its name.
        shift: its scanner.
    """
    by_rule: dict[str, list[Found]] = defaultdict(list)
    for record in read_found(raw, dataset=dataset, shift=shift):
        by_rule[str(record["rule"])].append(record)
    rows = (_row(rule, compare(records, table)) for rule, records in by_rule.items())
    return markdown_table(HEADER, rows).rstrip()


def _row(rule: str, found: Comparison) -> Sequence[str]:
    points = 100 * found.regret
    searches = len(found.dice)
    return (
        rule,
        str(searches),
        f"{found.dice.mean():.4f} ({found.dice.min():.4f} to {found.dice.max():.4f})",
        f"{found.random:.4f}",
        f"{points.mean():+.2f} ({np.min(points):+.2f} to {np.max(points):+.2f})",
        f"{found.within} of {searches}",
        f"{found.p_value:.3f}",
        f"{found.parameters:.2f}",
        f"{found.multiply_adds:.2f}",
        f"{found.extra_milliseconds:.2f}",
        f"{found.slowdown:.2f}",
        f"{found.agreement:.2f}",
        f"{found.decided} of {searches}",
        f"{found.epochs:.0f}",
        f"{found.seconds:.0f}",
    )
