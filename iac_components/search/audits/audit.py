"""Evidence for the parts of a supernet: effects, bounds and verdicts, on plain arrays.

A *part* is an operation, an edge, a node or the cell of a level. Its gain in a patient is the loss
without it minus the loss with it, on the same slices: the cost of dropping it. Its effect is the
mean gain over patients, who are the sample. Source of the idea, without the statistics: selection
by perturbation (Wang et al., arXiv 2108.04392).

The supernet is judged after every epoch, on the same patients, while its weights change. The looks
therefore add no patients and depend on each other in no known way, so that a confidence sequence
for a growing sample (Howard et al., arXiv 1810.08240) would not hold; what holds under any
dependence is the union bound. The error is spent over the looks (Lan and DeMets, Biometrika 70,
1983) and split evenly over all comparisons at the start. It is not passed on to the living parts,
since the same data decided which comparisons remain. Deleting parts that are worse than the best
beyond its bound is action elimination, or racing (Maron and Moore, NIPS 1994).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

__all__ = [
    "Choice",
    "Confidence",
    "Effects",
    "Judgement",
    "Verdict",
    "choose",
    "comparisons_among",
    "gains",
    "judge",
    "measure_effects",
]

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

LEAST_PATIENTS = 3
"""Of fewer a standard error is a guess about a guess; nothing is then decided (our choice)."""


class Verdict(IntEnum):
    """Comparison of a part with the best of its group."""

    UNDECIDED = 0
    WORSE = 1
    EQUAL = 2


@dataclass(frozen=True)
class Confidence:
    """Confidence level of a search, over all of its looks and comparisons together.

    Attributes:
        alpha: probability that any of them is wrong.
        comparisons: one-sided comparisons of a look, at the start of the search.
        looks: number of looks, if known: each gets the same share. None leaves it open: look t
            gets 6 / (pi t)^2 of alpha, which adds up to alpha over all looks that may ever come.

    Raises:
        ValueError: if a value is out of range; the message names it.
    """

    alpha: float = 0.05
    comparisons: int = 1
    looks: int | None = None

    def __post_init__(self) -> None:
        if not 0 < self.alpha < 1:
            raise ValueError(f"alpha must be between 0 and 1, got {self.alpha}.")
        if self.comparisons < 1:
            raise ValueError(f"comparisons must be at least 1, got {self.comparisons}.")
        if self.looks is not None and self.looks < 1:
            raise ValueError(f"looks must be at least 1, got {self.looks}.")

    def level(self, look: int) -> float:
        """Return the error that one comparison may spend at look ``look``, counted from 1.

        Raises:
            ValueError: if there is no such look.
        """
        if look < 1 or (self.looks is not None and look > self.looks):
            raise ValueError(f"look must be 1 to {self.looks or 'any number'}, got {look}.")
        share = 1 / self.looks if self.looks is not None else 6 / (math.pi * look) ** 2
        return self.alpha * share / self.comparisons


@dataclass(frozen=True)
class Effects:
    """Effects of K parts with simultaneous bounds.

    Attributes:
        mean: (K,) mean gain over the patients; NaN where a loss was not finite.
        standard_error: (K,) of the mean, over patients; NaN below two patients.
        low: (K,) lower bound; minus infinity where nothing can be said.
        high: (K,) upper bound.
        patients: P.
    """

    mean: FloatArray
    standard_error: FloatArray
    low: FloatArray
    high: FloatArray
    patients: int


@dataclass(frozen=True)
class Judgement:
    """Verdicts on the K parts of a group.

    Attributes:
        best: index of the living part with the greatest effect; -1 if none can be told.
        verdicts: (K,) of :class:`Verdict`; the best is EQUAL, dead parts are UNDECIDED.
        behind: effects of the best over each part: how far it lies behind.
    """

    best: int
    verdicts: npt.NDArray[np.int64]
    behind: Effects

    @property
    def worse(self) -> BoolArray:
        """(K,) the parts that may go."""
        found: BoolArray = self.verdicts == Verdict.WORSE
        return found


@dataclass(frozen=True)
class Choice:
    """The part that a group keeps.

    Attributes:
        index: which part.
        reason: ``evidence`` (all others are worse), ``cost`` (the cheapest of equals), or
            ``undecided`` (the best so far, with others that may be better).
    """

    index: int
    reason: str


def comparisons_among(parts: int) -> int:
    """One-sided comparisons in a group of ``parts``: any may turn out the best, and any worse."""
    return parts * (parts - 1)


def gains(reference: FloatArray, without: FloatArray) -> FloatArray:
    """Return each patient's increase in loss when each part is dropped.

    Args:
        reference: (P,) loss of each patient with all parts.
        without: (K, P) loss of each patient without part k.

    Raises:
        ValueError: if the shapes do not fit.
    """
    if reference.ndim != 1 or without.ndim != 2 or without.shape[1] != len(reference):
        raise ValueError(
            f"expected losses (P,) and (K, P), got {reference.shape} and {without.shape}."
        )
    differences: FloatArray = without - reference
    return differences


def measure_effects(differences: FloatArray, *, level: float) -> Effects:
    """Summarise paired differences (K, P) with two one-sided bounds of error ``level`` each.

    The bounds are Student's. Where two parts are alike, the difference of their gains is symmetric
    about zero, and heavy tails then make them wider than they need be, not narrower. Against
    "nothing" they may be skewed: where a part helps few patients much, the bound that calls it
    worse than nothing is too narrow with few patients.

    Args:
        differences: of K pairs in P patients.
        level: error of each bound, from :meth:`Confidence.level`.
    """
    count = differences.shape[1]
    sound: BoolArray = np.asarray(np.isfinite(differences).all(axis=1))
    clean = np.where(sound[:, None], differences, 0.0)
    mean = np.where(sound, clean.mean(axis=1) if count else 0.0, np.nan)
    if count < 2:
        error = np.full(len(clean), np.nan)
    else:
        error = np.where(sound, clean.std(axis=1, ddof=1) / math.sqrt(count), np.nan)
    known = sound & (count >= LEAST_PATIENTS)
    reach = _quantile(level, count - 1) if count >= LEAST_PATIENTS else 0.0
    margin = np.where(known, error, 0.0) * reach
    low = np.where(known, mean - margin, -np.inf)
    high = np.where(known, mean + margin, np.inf)
    return Effects(mean, error, low, high, count)


@cache
def _quantile(level: float, freedom: int) -> float:
    """Student's quantile, cached, since a race needs the same few over and over."""
    return float(student.isf(level, freedom))


def judge(part_gains: FloatArray, *, alive: BoolArray, tolerance: float, level: float) -> Judgement:
    """Compare the living parts of a group with the best of them.

    EQUAL: behind by no more than the tolerance, for sure (two one-sided tests, Schuirmann 1987).
    WORSE: behind for sure, and perhaps by more than the tolerance. Any part might have been the
    best, so ``level`` must count :func:`comparisons_among` the group.

    "Nothing" competes as a part without gains: a row of zeros.

    Args:
        part_gains: (K, P) of :func:`gains`.
        alive: (K,) the parts that compete.
        tolerance: in units of the loss.
        level: error of each bound.

    Raises:
        ValueError: if the tolerance is negative or a shape does not fit.
    """
    if tolerance < 0:
        raise ValueError(f"tolerance must not be negative, got {tolerance}.")
    if part_gains.ndim != 2 or alive.shape != part_gains.shape[:1]:
        raise ValueError(
            f"expected gains (K, P) and alive (K,), got {part_gains.shape} and {alive.shape}."
        )
    verdicts = np.full(len(alive), int(Verdict.UNDECIDED), dtype=np.int64)
    sound = alive & np.isfinite(part_gains).all(axis=1) & (part_gains.shape[1] > 0)
    if not sound.any():
        nothing = np.full_like(part_gains, np.nan)
        return Judgement(-1, verdicts, measure_effects(nothing, level=level))
    means = np.where(sound, np.where(sound[:, None], part_gains, 0.0).mean(axis=1), -np.inf)
    best = int(means.argmax())
    with np.errstate(invalid="ignore"):  # of infinities, which are then undecided
        differences = part_gains[best] - part_gains
    behind = measure_effects(differences, level=level)
    equal = sound & (behind.high <= tolerance)
    verdicts[sound & (behind.low > 0) & ~equal] = Verdict.WORSE
    verdicts[equal] = Verdict.EQUAL
    verdicts[best] = Verdict.EQUAL
    return Judgement(best, verdicts, behind)


def choose(judgement: Judgement, costs: FloatArray, *, alive: BoolArray) -> Choice:
    """Return the cheapest of equals, once every living part is decided.

    Args:
        judgement: of :func:`judge`.
        costs: (K,) milliseconds or multiply-adds, any unit; ties go to the better effect.
        alive: (K,) the parts that compete.

    Raises:
        ValueError: if no part can be told to be the best.
    """
    if judgement.best < 0:
        raise ValueError("no living part has finite losses in every patient: nothing to choose.")
    living = judgement.verdicts[alive]
    if (living == Verdict.UNDECIDED).any():
        return Choice(judgement.best, "undecided")
    equals = np.flatnonzero(alive & (judgement.verdicts == Verdict.EQUAL))
    # Behind by the least first, so that of equal costs the better part wins.
    ranked = equals[np.argsort(judgement.behind.mean[equals], kind="stable")]
    cheapest = int(ranked[np.argsort(costs[ranked], kind="stable")[0]])
    return Choice(cheapest, "evidence" if len(equals) == 1 else "cost")
