"""Race between parts, which deletes those that are worse than the best beyond its bound.

Differs from :class:`JensenShannonStability` in its evidence: the loss increase of the architecture
half's patients when a part is dropped, instead of the movement of the architecture weights.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iac_components.search.audits.audit import Confidence, Judgement, Verdict, choose, judge
from iac_components.search.stability_pruning.stability import (
    BoolArray,
    Decision,
    FloatArray,
    History,
)

__all__ = ["AuditRacing", "MeasureGains", "race"]

MeasureGains = Callable[[BoolArray], FloatArray]
"""Maps the living entries (G, O) to their gains (G, O, P) in P patients, NaN where not measured."""


@dataclass(frozen=True)
class AuditRacing:
    """Delete parts that are worse than the best of their group; of equals keep one.

    The look at epoch t is the t-th after the warm-up, so the criterion keeps no state and a resumed
    search decides as an uninterrupted one.

    Attributes:
        measure: gives the gains of the living entries.
        costs: (O,) of the entries, for the choice among equals; the same in every group.
        confidence: of all deletions together, over all groups and looks.
        tolerance: loss that does not matter.
        warmup_epochs: epochs at the start without a look: the cells must have opened first.
        least: entries that a group keeps; 2 for the inputs of a node.
        at_once: entries that a group loses at a look, at most. Two that do the same hide each
            other, since neither is missed while the other is there; one by one, the second shows.
        forbidden: column that cannot be the last of its group, ``none``; -1 if there is no such.
            Where it would win, the group does not matter, and the cheapest of its equals stays.

    Raises:
        ValueError: if a number is out of range; the message names it.
    """

    measure: MeasureGains
    costs: FloatArray
    confidence: Confidence
    tolerance: float = 0.003
    warmup_epochs: int = 3
    least: int = 1
    at_once: int = 1
    forbidden: int = -1

    def __post_init__(self) -> None:
        for name, value, least in (
            ("tolerance", self.tolerance, 0),
            ("warmup_epochs", self.warmup_epochs, 0),
            ("least", self.least, 1),
            ("at_once", self.at_once, 1),
        ):
            if not value >= least:
                raise ValueError(f"{name} must be at least {least}, got {value}.")

    def decide(self, history: History) -> Decision:
        """Return which groups lose entries after the newest epoch, and what they keep."""
        epochs, groups = history.probabilities.shape[:2]
        look = epochs - self.warmup_epochs
        nothing = Decision(np.zeros(groups, dtype=bool), np.full(groups, np.nan))
        planned = self.confidence.looks
        if look < 1 or (planned is not None and look > planned):
            return nothing
        if not (history.alive.sum(axis=1) > self.least).any():
            return nothing
        gains = self.measure(history.alive)
        level = self.confidence.level(look)
        keep = np.stack(
            [self._kept(gains[row], history.alive[row], level=level) for row in range(groups)]
        )
        return Decision((keep != history.alive).any(axis=1), nothing.divergence, keep)

    def _kept(self, gains: FloatArray, alive: BoolArray, *, level: float) -> BoolArray:
        """Mark the entries (O,) of a group with gains (O, P) that stay."""
        if alive.sum() <= self.least:
            return alive
        keep, judgement = race(
            gains,
            alive,
            costs=self.costs,
            tolerance=self.tolerance,
            level=level,
            least=self.least,
            forbidden=self.forbidden,
        )
        return keep if judgement.best < 0 else self._gradual(keep, judgement, alive)

    def _gradual(self, keep: BoolArray, judgement: Judgement, alive: BoolArray) -> BoolArray:
        """Limit the removals to the allowed number: furthest behind, then dearest of equals."""
        going = np.flatnonzero(alive & ~keep)
        rank = np.lexsort(
            (-self.costs[going], -judgement.behind.mean[going] * judgement.worse[going])
        )
        result = alive.copy()
        result[going[rank[: self.at_once]]] = False
        return result


def race(
    gains: FloatArray,
    alive: BoolArray,
    *,
    costs: FloatArray,
    tolerance: float,
    level: float,
    least: int = 1,
    forbidden: int = -1,
) -> tuple[BoolArray, Judgement]:
    """Judge a group, and return the rest of it if all removable parts are removed.

    Args:
        gains: (O, P) of its entries in P patients.
        alive: (O,) the entries that compete.
        costs: (O,) for the choice among equals.
        tolerance: loss that does not matter.
        level: error of each bound.
        least: entries that stay.
        forbidden: column that cannot be the last; -1 if there is no such.

    Returns:
        (O,) what stays, and where each entry stands.
    """
    judgement = judge(gains, alive=alive, tolerance=tolerance, level=level)
    if judgement.best < 0:
        return alive, judgement
    passing = alive.copy()
    if forbidden >= 0:
        passing[forbidden] = False
    keep = np.zeros_like(alive)
    if (judgement.verdicts[alive] == Verdict.UNDECIDED).any():
        keep = alive & ~judgement.worse
    elif (judgement.verdicts[passing] == Verdict.EQUAL).any():
        keep[choose(judgement, costs, alive=passing).index] = True
    for column in _by_effect(judgement, passing):
        if (keep & passing).any() and keep.sum() >= least:
            break
        keep[column] = True
    return keep, judgement


def _by_effect(judgement: Judgement, alive: BoolArray) -> npt.NDArray[np.intp]:
    """Living columns, the best first."""
    columns = np.flatnonzero(alive)
    behind = np.where(np.isfinite(judgement.behind.mean), judgement.behind.mean, np.inf)
    ranked: npt.NDArray[np.intp] = columns[np.argsort(behind[columns], kind="stable")]
    return ranked
