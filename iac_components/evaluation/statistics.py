"""Statistics over patients: intervals, paired comparisons and Holm's correction."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import stats

__all__ = [
    "PairedComparison",
    "Summary",
    "bootstrap_interval",
    "holm",
    "paired_comparison",
    "summarize",
]


@dataclass(frozen=True)
class Summary:
    """Summary of a list of patients' scores; NaN where too few patients are left.

    Attributes:
        mean: mean over patients.
        sd: standard deviation (n - 1), from two patients on.
        median: median over patients.
        lower: lower end of the bootstrap 95 % interval of the mean, from two patients on.
        upper: upper end of that interval.
        n_patients: number of patients with a score.
        n_excluded: number of patients without one.
    """

    mean: float
    sd: float
    median: float
    lower: float
    upper: float
    n_patients: int
    n_excluded: int


@dataclass(frozen=True)
class PairedComparison:
    """Comparison of B with A over the same patients.

    Attributes:
        n: number of patients.
        mean_difference: mean of B - A.
        lower: lower end of its bootstrap interval.
        upper: upper end of its bootstrap interval.
        p_value: two-sided Wilcoxon signed-rank test, uncorrected.
        non_inferior: whether ``lower`` lies above minus the margin; None without a margin.
    """

    n: int
    mean_difference: float
    lower: float
    upper: float
    p_value: float
    non_inferior: bool | None


def bootstrap_interval(
    values: Sequence[float],
    *,
    confidence: float = 0.95,
    num_resamples: int = 10_000,
    seed: int = 0,
) -> tuple[float, float]:
    """Bootstrap the mean: bias-corrected and accelerated, or percentile where BCa is undefined.

    Args:
        values: one value a patient, at least two.
        confidence: coverage, between 0 and 1.
        num_resamples: number of bootstrap samples.
        seed: seed of the resampling; the same seed gives the same interval.

    Returns:
        Lower and upper end; both are the value itself if all values are equal.

    Raises:
        ValueError: if there are fewer than two values, one is not finite, or an option is invalid.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 14.
    """
    data = _finite(values, "values")
    if data.size < 2:
        raise ValueError(f"an interval needs at least two patients, got {data.size}.")
    if not 0.0 < confidence < 1.0:
        raise ValueError(f"confidence {confidence} must lie between 0 and 1.")
    if num_resamples < 1:
        raise ValueError(f"num_resamples {num_resamples} must be at least 1.")
    if np.all(data == data[0]):
        return float(data[0]), float(data[0])
    for method in ("BCa", "percentile"):
        with warnings.catch_warnings():
            # SciPy warns where BCa is undefined; the percentile interval below answers that.
            warnings.simplefilter("ignore")
            interval = stats.bootstrap(
                (data,),
                np.mean,
                confidence_level=confidence,
                n_resamples=num_resamples,
                batch=1000,
                method=method,
                rng=np.random.default_rng(seed),
            ).confidence_interval
        lower, upper = float(interval.low), float(interval.high)
        if math.isfinite(lower) and math.isfinite(upper):
            break
    return lower, upper


def paired_comparison(
    a: Sequence[float],
    b: Sequence[float],
    *,
    margin: float | None = None,
    confidence: float = 0.95,
    num_resamples: int = 10_000,
    seed: int = 0,
) -> PairedComparison:
    """Compare B with A, patient by patient.

    Args:
        a: the reference's values, one a patient, at least two.
        b: the other run's values, same patients in the same order.
        margin: largest loss that still counts as non-inferior, in the values' unit. It makes sense
            for scores where more is better (Dice) only.
        confidence: coverage of the interval of the mean difference.
        num_resamples: number of bootstrap samples.
        seed: seed of the resampling.

    Raises:
        ValueError: if lengths differ, there are fewer than two patients, or a number is invalid.

    Source: Wilcoxon, Biometrics Bulletin 1 (1945); patients without any difference are left out of
    the test, and if none is left the p-value is 1.
    """
    first, second = _finite(a, "a"), _finite(b, "b")
    if first.size != second.size:
        raise ValueError(f"a has {first.size} values but b has {second.size}: pair by patient.")
    if margin is not None and not 0.0 <= margin < math.inf:
        raise ValueError(f"margin {margin} must be a finite number that is not negative.")
    differences = second - first
    lower, upper = bootstrap_interval(
        differences.tolist(), confidence=confidence, num_resamples=num_resamples, seed=seed
    )
    p_value = float(stats.wilcoxon(differences).pvalue) if differences.any() else 1.0
    return PairedComparison(
        n=int(differences.size),
        mean_difference=float(differences.mean()),
        lower=lower,
        upper=upper,
        p_value=p_value,
        non_inferior=None if margin is None else lower > -margin,
    )


def holm(p_values: Sequence[float]) -> list[float]:
    """Correct p-values for the number of tests.

    Returns:
        Corrected p-values in the order given, at most 1.

    Raises:
        ValueError: if a value lies outside 0 to 1 or is NaN.

    Source: Holm, Scandinavian Journal of Statistics 6 (1979).
    """
    raw = np.asarray(p_values, dtype=np.float64).reshape(-1)
    if not np.all((raw >= 0.0) & (raw <= 1.0)):
        raise ValueError(f"p-values must lie between 0 and 1, got {raw.tolist()}.")
    order = np.argsort(raw, kind="stable")
    steps = np.maximum.accumulate(raw[order] * np.arange(raw.size, 0, -1))
    corrected = np.empty_like(raw)
    corrected[order] = np.minimum(steps, 1.0)
    return [float(value) for value in corrected]


def summarize(values: Sequence[float]) -> Summary:
    """Summarise one value a patient; NaN marks a patient without one, who is only counted."""
    kept = [value for value in values if not math.isnan(value)]
    several = len(kept) > 1
    lower, upper = bootstrap_interval(kept) if several else (math.nan, math.nan)
    return Summary(
        mean=float(np.mean(kept)) if kept else math.nan,
        sd=float(np.std(kept, ddof=1)) if several else math.nan,
        median=float(np.median(kept)) if kept else math.nan,
        lower=lower,
        upper=upper,
        n_patients=len(kept),
        n_excluded=len(values) - len(kept),
    )


def _finite(values: Sequence[float], name: str) -> npt.NDArray[np.float64]:
    data = np.asarray(values, dtype=np.float64)
    if data.ndim != 1 or not np.all(np.isfinite(data)):
        raise ValueError(f"{name} must be a list of finite numbers: leave excluded patients out.")
    return data
