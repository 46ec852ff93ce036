"""Tables of the page of results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import cast

import numpy as np
from numpy.typing import NDArray

from iac_components.common.pages.markdown_table import markdown_table
from iac_components.evaluation import CaseRecord
from iac_components.evaluation.comparing.compare import compare_runs
from studies.cell_table.rows.table import CellTable
from studies.found.comparison import compare
from studies.found.records import Found

__all__ = ["CHEAPEST", "NONE", "cells_table", "found_table", "gain", "row_of", "weights_table"]

NONE = "none"
CHEAPEST = "uniform-skip_connect-1"

_NODES = (1, 2, 3, 4)

Scores = Mapping[str, object]
"""Mean of a score over patients, with its interval."""


def row_of(table: CellTable, name: str) -> NDArray[np.intp]:
    """Return the row of a configuration, as an array of one.

    Raises:
        ValueError: if the table lacks it.
    """
    if name not in table.names:
        raise ValueError(f"the table has no complete configuration '{name}'.")
    return np.array([table.names.index(name)])


def cells_table(tables: Mapping[str, CellTable]) -> str:
    """Dice and cost of kinds of cells, a kind a row, with two columns for each scanner.

    Args:
        tables: of each scanner, by its name.
    """
    groups = {shift: dict(_groups(table)) for shift, table in tables.items()}
    header = ["cells"]
    for shift in tables:
        header += [f"{shift}: Dice (least to most), cells", "time"]
    kinds = dict.fromkeys(kind for found in groups.values() for kind in found)
    rows = []
    for kind in kinds:
        row = [kind]
        for shift, table in tables.items():
            row += _cell(table, groups[shift].get(kind, np.array([], dtype=np.intp)))
        rows.append(row)
    return markdown_table(header, rows)


def _groups(table: CellTable) -> Iterator[tuple[str, NDArray[np.intp]]]:
    """Rows by the kind of cell, as it is called in print."""
    yield "no cell", row_of(table, NONE)
    yield "identities, one node", row_of(table, CHEAPEST)
    for nodes in _NODES:
        named = [name.startswith(f"random-{nodes}-") for name in table.names]
        yield f"random, {nodes} node{'s' * (nodes > 1)}", np.flatnonzero(named)
    yield "one node at some levels only", table.of_kinds("levels")


def _cell(table: CellTable, rows: NDArray[np.intp]) -> Sequence[str]:
    if not len(rows):
        return "", ""
    dice = table.scores[rows].mean(axis=1)
    text = f"{dice.mean():.3f}"
    if len(rows) > 1:
        text += f" ({dice.min():.3f} to {dice.max():.3f}), {len(rows)}"
    return text, f"{table.slowdown[rows].mean():.2f}"


def found_table(records: Mapping[str, Sequence[Found]], table: CellTable) -> str:
    """Return what each rule's searches found, against the table's random cells of equal cost.

    Args:
        records: by rule.
        table: of the same task.
    """
    header = [
        "rule",
        "searches",
        "Dice",
        "random of equal cost",
        "p",
        "best of these, less it, points",
    ]
    header += ["operations, of a random cell's", "network's time", "decided", "s a search"]
    rows = []
    for rule, searches in records.items():
        found = compare(searches, table)
        rows.append(
            (
                rule,
                str(len(found.dice)),
                f"{found.dice.mean():.3f}",
                f"{found.random:.3f}",
                "" if np.isnan(found.p_value) else f"{found.p_value:.2f}",
                f"{100 * found.regret.mean():+.2f}",
                f"{found.multiply_adds:.2f}",
                f"{found.slowdown:.2f}",
                str(found.decided),
                f"{found.seconds:.0f}",
            )
        )
    return markdown_table(header, rows)


def weights_table(tests: Mapping[str, Mapping[str, Mapping[str, Scores]]]) -> str:
    """Dice of each class, mean Dice and mean HD95 of shipped networks, a network a row.

    Args:
        tests: summaries of their evaluations, by metric, as ``metrics.json`` holds them.
    """
    first = next(iter(tests.values()))
    classes = tuple(cast(Mapping[str, Scores], first["dice"]["classes"]))
    header = ("network", *classes, "mean Dice x 100", "HD95, mm")
    rows = []
    for network, test in tests.items():
        of_classes = cast(Mapping[str, Scores], test["dice"]["classes"])
        dice = [*(of_classes[name] for name in classes), test["dice"]["mean"]]
        cells = [_interval(scores, 100) for scores in dice]
        rows.append((network, *cells, _interval(test["hd95"]["mean"], 1)))
    return markdown_table(header, rows, words=len(header))


def gain(run: Sequence[CaseRecord], reference: Sequence[CaseRecord]) -> str:
    """Mean difference in Dice points over patients, with its interval and p-value.

    Args:
        run: scores of a network.
        reference: of another, on the same cases.
    """
    rows = compare_runs({"reference": reference, "run": run}, metrics=("dice",)).rows
    paired = next(row.paired for row in rows if row.class_name is None)
    if paired is None:
        raise ValueError("a paired comparison needs two patients.")
    ends = f"{100 * paired.lower:+.2f} to {100 * paired.upper:+.2f}"
    return f"{100 * paired.mean_difference:+.2f} points ({ends}, p = {paired.p_value:.1g})"


def _interval(scores: Scores, scale: float) -> str:
    low, high = cast(Sequence[float], scores["interval_95"])
    return f"{scale * cast(float, scores['mean']):.2f} [{scale * low:.2f}, {scale * high:.2f}]"
