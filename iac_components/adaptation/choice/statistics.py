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
  the mean would be with one more patient, who loses 0.25 Dice: small gains need many patients.
  (Our choice: the least of four tried by which at most 5 % of sites of up to ten patients are
  changed where one in twenty loses 0.3 Dice, all others gain a little, and nothing is gained on
  average.)
- Several candidates are tried and the best is looked at: the error is split evenly among them.

Each candidate is judged at several strengths (see ``fitting.strength``), from the weakest on: a
stronger one only counts once all weaker ones gain, so that looking at many costs no error (a fixed
sequence of tests). A fifth of the error is kept for the strongest, for what halfway does not gain
yet (the fallback procedure of Wiens, Pharmaceutical Statistics 2, 2003). What two patients are
taken to spread, and what the unseen one loses, goes with the strength.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from iac_components.search.audits.audit import (
    Effects,
    Verdict,
    comparisons_among,
    judge,
    measure_effects,
)

__all__ = [
    "UNSEEN_LOSS",
    "Choice",
    "Proof",
    "best_proof",
    "by_patient",
    "choose_candidate",
    "held_out_effects",
    "held_out_folds",
    "lower_bounds",
    "plain_effects",
    "prove_gains",
]

FloatArray = npt.NDArray[np.float64]

MOST_FOLDS = 5
LEAST_SPREAD_OF_TWO = 0.15
WIDENING_OF_TWO = math.sqrt(3)
"""One tested case for one that was trained with: 1/2 + 1, in units of 1/2."""
UNSEEN_LOSS = 0.25
"""Dice that a patient who is not among the few may lose, at full strength."""
SHARE_OF_FULL = 0.2
"""Of a candidate's error, kept for the strongest."""


def by_patient(values: Mapping[str, float], patients: Mapping[str, str]) -> list[float]:
    """Average the values of each patient's cases; patients sorted."""
    found: dict[str, list[float]] = {}
    for case, value in values.items():
        found.setdefault(patients[case], []).append(value)
    return [sum(found[patient]) / len(found[patient]) for patient in sorted(found)]


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


def held_out_effects(gains: FloatArray, *, level: float, strength: float = 1.0) -> Effects:
    """Summarise gains (K, P) of K candidates in P held-out patients.

    Args:
        gains: Dice with a candidate minus Dice of the released network.
        level: error of each one-sided bound.
        strength: of the candidates.
    """
    effects = plain_effects(gains, level=level, strength=strength)
    if effects.patients > 2:
        return effects
    return Effects(
        effects.mean,
        effects.standard_error * WIDENING_OF_TWO,
        effects.mean - WIDENING_OF_TWO * (effects.mean - effects.low),
        effects.mean + WIDENING_OF_TWO * (effects.high - effects.mean),
        effects.patients,
    )


def lower_bounds(gains: FloatArray, *, level: float, strength: float = 1.0) -> FloatArray:
    """Return lower bounds (K,) of the mean gains by which candidates are accepted.

    Args:
        gains: (K, P) as for :func:`held_out_effects`.
        level: error of each bound.
        strength: of the candidates.
    """
    effects = held_out_effects(gains, level=level, strength=strength)
    with_one_more = (gains.sum(axis=1) - UNSEEN_LOSS * strength) / (gains.shape[1] + 1)
    bounds: FloatArray = np.minimum(effects.low, with_one_more)
    return bounds


@dataclass(frozen=True)
class Proof:
    """Gain of a candidate at one of its strengths, and whether it is proved.

    Attributes:
        index: of the strength.
        gain: mean.
        low: lower bound.
        high: upper bound.
        gains: True if the lower bound is above the least gain.
    """

    index: int
    gain: float
    low: float
    high: float
    gains: bool


def prove_gains(
    gains: FloatArray, strengths: Sequence[float], *, level: float, least_gain: float = 0.0
) -> list[Proof]:
    """Find the strengths at which a candidate gains.

    Args:
        gains: (S, P) at S strengths in P held-out patients.
        strengths: (S,) rising.
        level: error of all of them together.
        least_gain: Dice that lower bounds must exceed.
    """
    proofs: list[Proof] = []
    lowest = math.inf
    for index, strength in enumerate(strengths):
        strongest = index == len(strengths) - 1
        if not strongest:
            error = level * (1 - SHARE_OF_FULL)
        else:
            error = level if lowest > least_gain else level * SHARE_OF_FULL
        row = gains[index : index + 1]
        low = float(lower_bounds(row, level=error, strength=strength)[0])
        if not strongest:
            low = lowest = min(lowest, low)
        effects = held_out_effects(row, level=error, strength=strength)
        mean, high = float(effects.mean[0]), float(effects.high[0])
        proofs.append(Proof(index, mean, low, high, low > least_gain))
    return proofs


def best_proof(proofs: Sequence[Proof]) -> Proof:
    """Return that of the largest mean gain among those that gain, or else of the largest bound."""
    proved = [proof for proof in proofs if proof.gains]
    if proved:
        return max(proved, key=lambda proof: proof.gain)
    return max(proofs, key=lambda proof: proof.low)


def plain_effects(gains: FloatArray, *, level: float, strength: float = 1.0) -> Effects:
    """Summarise gains (K, P) in patients whom no training has seen."""
    effects = measure_effects(gains, level=level)
    if gains.shape[1] != 2:
        return effects
    floor = LEAST_SPREAD_OF_TWO * strength / math.sqrt(2)
    error = np.maximum(effects.standard_error, floor)
    reach = NormalDist().inv_cdf(1 - level) * error
    return Effects(effects.mean, error, effects.mean - reach, effects.mean + reach, 2)


@dataclass(frozen=True)
class Choice:
    """The candidate to use.

    Attributes:
        index: of the candidate; None keeps the released network.
        reason: ``evidence`` that the others are worse, ``cost`` among equals, ``undecided`` (the
            best so far) or ``close`` (to the best so far), or for None ``no gain``.
    """

    index: int | None
    reason: str


def choose_candidate(
    gains: FloatArray,
    allowed: npt.NDArray[np.bool_],
    costs: Sequence[tuple[float, int]],
    *,
    tolerance: float,
    alpha: float,
) -> Choice:
    """Return the allowed candidate to use: of those equal to the best, the fastest.

    A few patients rarely prove that candidates are equal. Until they do, those count as equal whose
    mean gain is within the tolerance of the best. Of equally fast ones, that with most values is
    taken: sizes are bounded, nothing else is lost by them, and in the end there is one more patient
    to learn from than when gains were measured.

    Args:
        gains: (K, P) as for :func:`held_out_effects`.
        allowed: (K,) candidates whose gain is proved and that do no harm elsewhere.
        costs: (K,) time of inference, in any unit, and number of values.
        tolerance: Dice within which candidates are equal.
        alpha: error of all comparisons together.
    """
    if not allowed.any():
        return Choice(None, "no gain")
    level = alpha / max(1, comparisons_among(int(allowed.sum())))
    judgement = judge(gains, alive=allowed, tolerance=tolerance, level=level)
    decided = not (judgement.verdicts[allowed] == Verdict.UNDECIDED).any()
    means = np.where(allowed, gains.mean(axis=1), -np.inf)
    near = judgement.verdicts == Verdict.EQUAL if decided else means >= means.max() - tolerance
    equals = [index for index in range(len(costs)) if near[index] and allowed[index]]
    found = min(equals, key=lambda k: (costs[k][0], -costs[k][1], -means[k]))
    if decided:
        return Choice(found, "evidence" if len(equals) == 1 else "cost")
    return Choice(found, "undecided" if means[found] == means.max() else "close")
