"""Hits against chance."""

from __future__ import annotations

from dataclasses import dataclass

from scipy.stats import binomtest

__all__ = ["HitRate", "hit_rate"]


@dataclass(frozen=True)
class HitRate:
    """Rate at which a rule named the planted remedy.

    Attributes:
        hits: right answers.
        trials: all of them.
        low: lower end of the exact 95 % interval of the rate.
        high: upper end of it.
        p_value: of the hypothesis that the rule hits no more often than chance.
    """

    hits: int
    trials: int
    low: float
    high: float
    p_value: float


def hit_rate(hits: int, trials: int, *, chance: float) -> HitRate:
    """Compare hits with a chance of ``chance`` each (exact binomial, one-sided).

    Raises:
        ValueError: if there is no trial, or more hits than trials.
    """
    if trials < 1 or not 0 <= hits <= trials:
        raise ValueError(f"hits must be 0 to trials and trials positive, got {hits} of {trials}.")
    test = binomtest(hits, trials, chance, alternative="greater")
    interval = binomtest(hits, trials).proportion_ci(0.95)
    return HitRate(hits, trials, float(interval.low), float(interval.high), float(test.pvalue))
