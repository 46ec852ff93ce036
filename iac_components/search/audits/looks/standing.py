"""Standings of parts: needed, needless, worse than another or equal to it."""

from __future__ import annotations

from enum import IntEnum

import numpy as np
import numpy.typing as npt

from iac_components.search.audits.audit import Effects, FloatArray, Judgement, Verdict, judge
from iac_components.search.stability_pruning.stability import BoolArray

__all__ = ["Standing", "against_each_other", "against_nothing", "surplus"]

IntArray = npt.NDArray[np.int64]


class Standing(IntEnum):
    """Comparison of a part with nothing or with the best of its group."""

    UNDECIDED = 0
    NEEDED = 1
    NEEDLESS = 2
    WORSE = 3
    EQUAL = 4


def against_nothing(effects: Effects, *, tolerance: float) -> IntArray:
    """Compare parts with nothing.

    NEEDLESS: dropping it costs no more than the tolerance, for sure (one-sided, so that a part that
    harms is needless too). NEEDED: dropping it costs something for sure, perhaps more than that.

    Args:
        effects: of K parts.
        tolerance: in units of the loss.

    Returns:
        (K,) of :class:`Standing`.
    """
    standings = np.full(len(effects.mean), int(Standing.UNDECIDED), dtype=np.int64)
    standings[effects.low > 0] = Standing.NEEDED
    standings[effects.high <= tolerance] = Standing.NEEDLESS
    return standings


def against_each_other(judgement: Judgement) -> IntArray:
    """Translate the verdicts of a race, of which one part is kept."""
    words = {
        Verdict.UNDECIDED: Standing.UNDECIDED,
        Verdict.WORSE: Standing.WORSE,
        Verdict.EQUAL: Standing.EQUAL,
    }
    return np.array([words[Verdict(verdict)] for verdict in judgement.verdicts], dtype=np.int64)


def surplus(
    gains: FloatArray, *, most: int, tolerance: float, level: float
) -> tuple[IntArray, BoolArray]:
    """Find what is worse than the last that a group has room for, or no better.

    Args:
        gains: (K, P) of parts in P patients.
        most: room of the group.
        tolerance: in units of the loss.
        level: error of each bound.

    Returns:
        (K,) standings against the last that fits, and (K,) which parts need not stay.
    """
    sound: BoolArray = np.asarray(np.isfinite(gains).all(axis=1))
    means = np.where(sound, np.where(sound[:, None], gains, 0.0).mean(axis=1), -np.inf)
    ranked = np.argsort(-means, kind="stable")
    competing = np.zeros(len(gains), dtype=bool)
    competing[ranked[most - 1 :]] = True
    judgement = judge(gains, alive=competing, tolerance=tolerance, level=level)
    standings = against_each_other(judgement)
    going = competing.copy()
    going[standings == Standing.UNDECIDED] = False
    if judgement.best >= 0:
        going[judgement.best] = False
    return standings, going
