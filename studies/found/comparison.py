"""Found cells against the table's random ones: regret, cost, chance."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import cast

import numpy as np
from numpy.typing import NDArray

from studies.cell_table.findings.replay import replay_choice
from studies.cell_table.rows.table import CellTable
from studies.found.records import Found, mean_dice

__all__ = ["Comparison", "compare", "equal_cost", "overlap"]

RANDOM_CELLS = 20
"""As many as a search must stand against."""

TOLERANCE = 0.003
"""Dice that does not matter: 0.3 points."""


@dataclass(frozen=True)
class Comparison:
    """Results of a rule's searches on one task.

    Attributes:
        dice: (n,) of each search's cell, mean over patients and two trainings.
        regret: (n,) Dice of the best random cell of equal cost less the found one's.
        random: mean Dice of those random cells.
        p_value: found against random of equal cost, one-sided permutation over cells.
        parameters: mean of the found cells over the mean of all random ones.
        multiply_adds: as ``parameters``.
        extra_milliseconds: of the cells, as ``parameters``.
        slowdown: mean time of the network with the found cells over the plain one's.
        agreement: mean share of kept edges with their operation that two searches have in common.
        decided: searches that call themselves decided.
        seconds: mean processor time of a search.
        epochs: mean length.
    """

    dice: NDArray[np.float64]
    regret: NDArray[np.float64]
    random: float
    p_value: float
    parameters: float
    multiply_adds: float
    extra_milliseconds: float
    slowdown: float
    agreement: float
    decided: int
    seconds: float
    epochs: float

    @property
    def within(self) -> int:
        """Searches whose regret is within the tolerance."""
        return int((self.regret <= TOLERANCE).sum())


def equal_cost(table: CellTable, multiply_adds: float) -> NDArray[np.intp]:
    """Return the rows of the random cells nearest in cost, twenty at most."""
    rows = table.of_kinds("random")
    distance = np.abs(np.log(table.multiply_adds[rows]) - np.log(max(multiply_adds, 1.0)))
    chosen: NDArray[np.intp] = rows[np.argsort(distance, kind="stable")[:RANDOM_CELLS]]
    return chosen


def compare(records: Sequence[Found], table: CellTable) -> Comparison:
    """Hold a rule's searches against the table of their task.

    Args:
        records: of one rule, a search each.
        table: of the same data set and shift.
    """
    dice = np.array([mean_dice(record) for record in records])
    costs = [_costs(record) for record in records]
    scores = table.scores.mean(axis=1)
    rivals = [equal_cost(table, cost["multiply_adds"]) for cost in costs]
    best = np.array([scores[rows].max() for rows in rivals])
    level = equal_cost(table, float(np.mean([cost["multiply_adds"] for cost in costs])))
    random = table.of_kinds("random")
    plain = table.milliseconds / table.slowdown
    extra = (table.milliseconds - plain)[random].mean()
    own = np.mean([cost["milliseconds"] - cost["plain_milliseconds"] for cost in costs])
    return Comparison(
        dice=dice,
        regret=best - dice,
        random=float(scores[level].mean()),
        p_value=replay_choice(dice, scores[level]) if len(dice) > 1 else float("nan"),
        parameters=float(
            np.mean([cost["parameters"] for cost in costs]) / table.parameters[random].mean()
        ),
        multiply_adds=float(
            np.mean([cost["multiply_adds"] for cost in costs]) / table.multiply_adds[random].mean()
        ),
        extra_milliseconds=float(own / extra),
        slowdown=float(
            np.mean([cost["milliseconds"] / cost["plain_milliseconds"] for cost in costs])
        ),
        agreement=overlap([kept_edges(record) for record in records]),
        decided=sum(record["kind"] == "searched" for record in records),
        seconds=float(np.mean([float(str(record["search_seconds"])) for record in records])),
        epochs=float(np.mean([float(str(record["epochs"])) for record in records])),
    )


def kept_edges(record: Found) -> frozenset[tuple[object, ...]]:
    """Return the edges of a found cell, each with its operation."""
    nodes = cast(dict[str, list[dict[str, object]]], record["genotype"])["nodes"]
    return frozenset(
        (node["level"], node["node"], edge["input"], edge["operation"])
        for node in nodes
        for edge in cast(list[dict[str, str]], node["edges"])
    )


def overlap(cells: Sequence[frozenset[tuple[object, ...]]]) -> float:
    """Mean Jaccard index of all pairs of cells; two without edges agree; NaN for one cell."""
    pairs = [
        len(first & second) / len(first | second) if first | second else 1.0
        for first, second in combinations(cells, 2)
    ]
    return float(np.mean(pairs)) if pairs else float("nan")


def _costs(record: Found) -> dict[str, float]:
    trained = cast(list[dict[str, dict[str, float]]], record["trained"])
    keys = ("parameters", "multiply_adds", "milliseconds", "plain_milliseconds")
    return {key: float(np.mean([run["costs"][key] for run in trained])) for key in keys}
