"""Gains over held-out patients: bounds that few patients allow.

Pure functions on arrays. Three things make a naive interval too narrow here:

- Few patients: bounds are Student's, with as many degrees of freedom as patients less one. Two
  patients say next to nothing of their spread, so there it is taken to be at least 0.15 Dice (our
  choice), and the variance of their mean is raised as in the corrected resampled t-test (Nadeau and
  Bengio, Machine Learning 52, 2003). From three patients on that correction, which is for folds
  that share training cases, is left out: in simulated sites without a gain Student's bound is wrong
  no more often than it says, and with the correction it kept networks that lost 0.2 Dice.
- Gains may be skewed: most patients gain a little, and one in ten, who may not be among the few,
  loses much. No bound from the data can know of that patient. So a lower bound is no higher than
  the mean would be with one more patient, who loses 0.3 Dice (our choice): small gains need many
  patients.
- Several candidates are tried and the best is looked at: the error is split evenly among them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from iac_components.search.audits.audit import (
    Effects,
    choose,
    comparisons_among,
    judge,
    measure_effects,
)

__all__ = [
    "UNSEEN_LOSS",
    "Choice",
    "choose_candidate",
    "held_out_effects",
    "held_out_folds",
    "lower_bounds",
    "plain_effects",
]

FloatArray = npt.NDArray[np.float64]

MOST_FOLDS = 5
LEAST_SPREAD_OF_TWO = 0.15
WIDENING_OF_TWO = math.sqrt(3)
"""One tested case for one that was trained with: 1/2 + 1, in units of 1/2."""
UNSEEN_LOSS = 0.3
"""Dice that a patient who is not among the few may lose."""


def held_out_folds(patients: Sequence[str], *, most: int = MOST_FOLDS) -> list[list[str]]:
    """Divide patients into folds to be held out in turn: one each for few, ``most`` for more.

    Raises:
        ValueError: if there are fewer than two.
    """
    names = sorted(set(patients))
    if len(names) < 2:
        raise ValueError(
            f"cases of {len(names)} patient(s) given: at least two are needed, since each is "
            "judged by an adapter that has not seen it. Label another patient."
        )
    count = min(len(names), most)
    return [names[start::count] for start in range(count)]


def held_out_effects(gains: FloatArray, *, level: float) -> Effects:
    """Summarise gains (K, P) of K candidates in P held-out patients.

    Args:
        gains: Dice with a candidate minus Dice of the released network.
        level: error of each one-sided bound.
    """
    effects = plain_effects(gains, level=level)
    if effects.patients > 2:
        return effects
    return Effects(
        effects.mean,
        effects.standard_error * WIDENING_OF_TWO,
        effects.mean - WIDENING_OF_TWO * (effects.mean - effects.low),
        effects.mean + WIDENING_OF_TWO * (effects.high - effects.mean),
        effects.patients,
    )


def lower_bounds(gains: FloatArray, *, level: float) -> FloatArray:
    """Return lower bounds (K,) of the mean gains by which candidates are accepted.

    Args:
        gains: (K, P) as for :func:`held_out_effects`.
        level: error of each bound.
    """
    effects = held_out_effects(gains, level=level)
    with_one_more = (gains.sum(axis=1) - UNSEEN_LOSS) / (gains.shape[1] + 1)
    bounds: FloatArray = np.minimum(effects.low, with_one_more)
    return bounds


def plain_effects(gains: FloatArray, *, level: float) -> Effects:
    """Summarise gains (K, P) in patients whom no training has seen."""
    effects = measure_effects(gains, level=level)
    if gains.shape[1] != 2:
        return effects
    floor = LEAST_SPREAD_OF_TWO / math.sqrt(2)
    error = np.maximum(effects.standard_error, floor)
    reach = NormalDist().inv_cdf(1 - level) * error
    return Effects(effects.mean, error, effects.mean - reach, effects.mean + reach, 2)


@dataclass(frozen=True)
class Choice:
    """The candidate to use.

    Attributes:
        index: of the candidate; None keeps the released network.
        reason: ``evidence``, ``cost``, ``undecided`` (the best so far), or for None ``no gain``.
    """

    index: int | None
    reason: str


def choose_candidate(
    gains: FloatArray,
    allowed: npt.NDArray[np.bool_],
    costs: FloatArray,
    *,
    tolerance: float,
    alpha: float,
) -> Choice:
    """Return the cheapest of the allowed candidates that are equal to the best.

    Args:
        gains: (K, P) as for :func:`held_out_effects`.
        allowed: (K,) candidates whose gain is proved and that do no harm elsewhere.
        costs: (K,) of inference, any unit.
        tolerance: Dice within which candidates are equal.
        alpha: error of all comparisons together.
    """
    if not allowed.any():
        return Choice(None, "no gain")
    level = alpha / max(1, comparisons_among(int(allowed.sum())))
    judgement = judge(gains, alive=allowed, tolerance=tolerance, level=level)
    found = choose(judgement, costs, alive=allowed)
    return Choice(found.index, found.reason)
