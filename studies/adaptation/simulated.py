"""Wrong and right verdicts of bounds in simulated sites: tables of ``docs/how-to/adapt.md``.

Printed by ``python -m studies.adaptation.simulated``; a minute of a processor.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from iac_components.adaptation.choice.statistics import (
    best_proof,
    held_out_effects,
    held_out_folds,
    lower_bounds,
    prove_gains,
)
from iac_components.adaptation.settings import AdaptSettings
from iac_components.common.pages.markdown_table import markdown_table

__all__ = ["null_gains", "rare_losses", "wrongly_accepted"]

FloatArray = NDArray[np.float64]

SITES = 2000
PATIENTS = (2, 3, 4, 5, 10, 20)
LOSSES = (0.15, 0.2, 0.25, 0.3)
"""Of an unseen patient, tried for the rule; it goes by the least that is wrong below 5 %."""
SCALES = (0.004, 0.02, 0.06)
GAINS = ((0.1, 0.03), (0.1, 0.06), (0.23, 0.1), (0.23, 0.15), (0.4, 0.2))
"""Means and standard deviations over patients."""


def null_gains(
    patients: int,
    rng: np.random.Generator,
    *,
    edge: bool,
    scale: float = SCALES[0],
    strengths: Sequence[float] = (1.0,),
) -> FloatArray:
    """Draw gains (5, S, P) of adapters that fit the mean of the training patients.

    The first fits it in few dimensions, the last in many. Without a shift they only ever overfit,
    at every strength; at the edge the shift is as large as what is lost by that, so that no adapter
    gains or loses on average at full strength.
    """
    dimensions = (2, 5, 10, 20, 40)
    folds = held_out_folds([f"{number:02d}" for number in range(patients)])
    trained = patients - len(folds[0])
    optima = rng.normal(size=(patients, max(dimensions))) + (edge and 1 / np.sqrt(trained))
    gains = np.zeros((len(dimensions), len(strengths), patients))
    for fold in folds:
        held = [int(name) for name in fold]
        others = [number for number in range(patients) if number not in held]
        fitted = optima[others].mean(axis=0)
        for row, count in enumerate(dimensions):
            before = (optima[held, :count] ** 2).sum(axis=1)
            for column, strength in enumerate(strengths):
                moved = optima[held, :count] - strength * fitted[:count]
                gains[row, column, held] = scale * (before - (moved**2).sum(axis=1))
    return gains


def wrongly_accepted(gains: FloatArray, strengths: Sequence[float]) -> bool:
    """Return True if any of the candidates (K, S, P) is accepted."""
    level = 0.05 / len(gains)
    return any(best_proof(prove_gains(each, strengths, level=level)).gains for each in gains)


def rare_losses(patients: int, rng: np.random.Generator, *, share: float) -> FloatArray:
    """Draw gains (2000, P), zero on average: most patients gain a little, few lose 0.3 Dice."""
    lose = rng.random((SITES, patients)) < share
    gain = 0.3 * share / (1 - share)
    drawn: FloatArray = np.where(lose, -0.3, gain) + 0.02 * rng.normal(size=lose.shape)
    return drawn


def _wrong(patients: int, *, edge: bool, scale: float) -> str:
    rng = np.random.default_rng(patients)
    strengths = (1.0,) if edge else AdaptSettings().strengths
    found = [
        wrongly_accepted(
            null_gains(patients, rng, edge=edge, scale=scale, strengths=strengths), strengths
        )
        for _ in range(SITES)
    ]
    return f"{100 * np.mean(found):.1f} %"


def _spreads(scale: float) -> str:
    rng = np.random.default_rng(5)
    drawn = [
        null_gains(5, rng, edge=True, scale=scale)[:, 0].std(axis=1, ddof=1) for _ in range(SITES)
    ]
    least, *_, most = np.mean(drawn, axis=0)
    return f"{least:.2f} to {most:.2f}"


def _rare(patients: int) -> Iterator[str]:
    for share in (0.05, 0.1):
        gains = rare_losses(patients, np.random.default_rng(patients), share=share)
        for low in (held_out_effects(gains, level=0.01).low, lower_bounds(gains, level=0.01)):
            yield f"{100 * (low > 0).mean():.1f} %"


def _assumed(patients: int, loss: float) -> str:
    """Return how often sites where one in 20 loses are changed, if an unseen one loses that."""
    gains = rare_losses(patients, np.random.default_rng(patients), share=0.05)
    low = held_out_effects(gains, level=0.01).low
    with_one_more = (gains.sum(axis=1) - loss) / (patients + 1)
    return f"{100 * (np.minimum(low, with_one_more) > 0).mean():.1f} %"


def _found(patients: int, mean: float, spread: float) -> str:
    gains = mean + spread * np.random.default_rng(1).normal(size=(SITES, patients))
    return f"{100 * (lower_bounds(gains, level=0.0125) > 0).mean():.0f} %"


def main() -> None:
    """Print the tables."""
    header = ["patients", "no shift", *(f"no gain, spread {_spreads(scale)}" for scale in SCALES)]
    rows = []
    for count in PATIENTS:
        edges = [_wrong(count, edge=True, scale=scale) for scale in SCALES]
        rows.append([str(count), _wrong(count, edge=False, scale=SCALES[0]), *edges])
    print(markdown_table(header, rows, words=0))
    losers = ("1 in 20, Student's", "with the rule", "1 in 10, Student's", "with the rule")
    few = [[str(count), *_rare(count)] for count in PATIENTS[1:]]
    print(markdown_table(["patients", *losers], few, words=0))
    assumed = [[f"{loss:g}", *(_assumed(n, loss) for n in PATIENTS[1:5])] for loss in LOSSES]
    header = ["assumed loss", *(f"{n} patients" for n in PATIENTS[1:5])]
    print(markdown_table(header, assumed, words=0))
    named = [f"{mean:g}, {spread:g}" for mean, spread in GAINS]
    found = [[str(n), *(_found(n, *gain) for gain in GAINS)] for n in PATIENTS[1:5]]
    print(markdown_table(["patients", *named], found, words=0))


if __name__ == "__main__":
    main()
