"""Is there anything to find? Spread between cells against spread between training seeds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

__all__ = ["Reliability", "reliability"]

RESAMPLES = 2000


@dataclass(frozen=True)
class Reliability:
    """One-way random effects of a table's scores (n cells, k seeds).

    Attributes:
        cells: n.
        seeds: k.
        mean: of all scores.
        between_cells: standard deviation of the cells' true scores.
        between_seeds: standard deviation of one training about its cell's true score.
        icc: share of the variance of a single score that lies between cells, ICC(1,1). Negative
            estimates are left as they are.
        icc_low: 2.5 % of the bootstrap over cells.
        icc_high: 97.5 % of it.
    """

    cells: int
    seeds: int
    mean: float
    between_cells: float
    between_seeds: float
    icc: float
    icc_low: float
    icc_high: float


def reliability(scores: NDArray[np.float64], *, seed: int = 0) -> Reliability:
    """Split the variance of ``scores`` (n cells, k seeds), by the analysis of variance.

    Source: Shrout and Fleiss, Psychological Bulletin 86, 1979, case 1.

    Args:
        scores: one a cell and seed.
        seed: of the bootstrap.

    Raises:
        ValueError: if there are fewer than two cells or seeds.
    """
    if scores.ndim != 2 or min(scores.shape) < 2:
        raise ValueError(f"two cells and two seeds are needed at least, got {scores.shape}.")
    cells, seeds = scores.shape
    between, within = _components(scores[None])
    generator = np.random.default_rng(seed)
    draws = scores[generator.integers(cells, size=(RESAMPLES, cells))]
    resampled = _icc(*_components(draws))
    low, high = np.nanquantile(resampled, (0.025, 0.975))
    return Reliability(
        cells=cells,
        seeds=seeds,
        mean=float(scores.mean()),
        between_cells=float(np.sqrt(max(0.0, between[0]))),
        between_seeds=float(np.sqrt(within[0])),
        icc=float(_icc(between, within)[0]),
        icc_low=float(low),
        icc_high=float(high),
    )


def _components(
    scores: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Variance between cells and within, of each of R tables (R, n, k)."""
    _, cells, seeds = scores.shape
    means = scores.mean(axis=2)
    within = ((scores - means[..., None]) ** 2).sum(axis=(1, 2)) / (cells * (seeds - 1))
    between = (means.var(axis=1, ddof=1) * seeds - within) / seeds
    return between, within


def _icc(between: NDArray[np.float64], within: NDArray[np.float64]) -> NDArray[np.float64]:
    total = between + within
    return np.divide(between, total, out=np.full_like(total, np.nan), where=total > 0)
