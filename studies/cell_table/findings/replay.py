"""Scores and searches replayed on a table: what they would have found, in seconds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

__all__ = ["Replay", "ScoreReplay", "replay_choice", "replay_score"]

RESAMPLES = 2000


@dataclass(frozen=True)
class Replay:
    """A figure with its 95 % interval over cells (bootstrap)."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class ScoreReplay:
    """Rank agreement of a score with a table of cells.

    Attributes:
        rank_correlation: Spearman's, of score and mean Dice.
        regret: Dice of the best cell less that of the cell of the highest score.
        percentile: share of the cells that the chosen one beats, ties by half; 0.5 is chance.
    """

    rank_correlation: Replay
    regret: Replay
    percentile: Replay


def replay_score(
    dice: NDArray[np.float64], score: NDArray[np.float64], *, seed: int = 0
) -> ScoreReplay:
    """Replay a score, of which more is better.

    In each resample of the cells the score chooses again, so the intervals tell how much hangs on
    the cells that happened to be in the table.

    Args:
        dice: (n,) mean Dice of each cell.
        score: (n,) what is to predict it.
        seed: of the resamples.

    Raises:
        ValueError: if the shapes differ, there are fewer than three cells, or a value is not
            finite.
    """
    _check(dice, score)
    generator = np.random.default_rng(seed)
    draws = generator.integers(len(dice), size=(RESAMPLES, len(dice)))
    found = np.array([_figures(dice[rows], score[rows]) for rows in draws])
    return ScoreReplay(
        *(
            Replay(value, *_interval(column))
            for value, column in zip(_figures(dice, score), found.T, strict=True)
        )
    )


def replay_choice(
    found: NDArray[np.float64],
    random: NDArray[np.float64],
    *,
    resamples: int = 20_000,
    seed: int = 0,
) -> float:
    """One-sided permutation test: are found cells better than random ones?

    The cell is the unit: give one score a cell, its mean over training seeds.

    Args:
        found: (n,) Dice of the cells that searches found.
        random: (m,) Dice of random cells of equal cost.
        resamples: random permutations.
        seed: of the permutations.

    Returns:
        The p-value; never below 1 / (resamples + 1).
    """
    generator = np.random.default_rng(seed)
    pooled = np.concatenate([found, random])
    observed = found.mean() - random.mean()
    shuffled = generator.permuted(np.tile(pooled, (resamples, 1)), axis=1)
    first, second = shuffled[:, : len(found)], shuffled[:, len(found) :]
    as_large = (first.mean(axis=1) - second.mean(axis=1) >= observed - 1e-12).sum()
    return float((as_large + 1) / (resamples + 1))


def _figures(dice: NDArray[np.float64], score: NDArray[np.float64]) -> tuple[float, float, float]:
    chosen = dice[int(score.argmax())]
    below, level = (dice < chosen).mean(), (dice == chosen).mean()
    constant = np.ptp(score) == 0 or np.ptp(dice) == 0
    correlation = np.nan if constant else float(spearmanr(score, dice).statistic)
    return correlation, float(dice.max() - chosen), float(below + level / 2)


def _interval(values: NDArray[np.float64]) -> tuple[float, float]:
    known = values[np.isfinite(values)]
    if not len(known):
        return float("nan"), float("nan")
    low, high = np.quantile(known, (0.025, 0.975))
    return float(low), float(high)


def _check(dice: NDArray[np.float64], score: NDArray[np.float64]) -> None:
    if dice.ndim != 1 or dice.shape != score.shape or len(dice) < 3:
        raise ValueError(
            f"expected one Dice and one score for each of three cells or more, got {dice.shape} "
            f"and {score.shape}."
        )
    if not (np.isfinite(dice).all() and np.isfinite(score).all()):
        raise ValueError("Dice and scores must be finite.")
