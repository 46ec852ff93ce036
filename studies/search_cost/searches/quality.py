"""Quality of the cells: Dice by patient, and the comparison with the pruned search's."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from iac_components.evaluation import (
    CaseRecord,
    PairedComparison,
    Summary,
    average_seeds,
    compare_runs,
    holm,
    patient_scores,
    summarize,
)

__all__ = ["MARGIN", "Comparison", "compare_with", "seed_mean", "summary_of"]

MARGIN = 0.5
"""Dice points that the pruned search's cell may lose."""

Records = Sequence[CaseRecord]
BySeed = Mapping[int, Records]


@dataclass(frozen=True)
class Comparison:
    """An arm against another: mean Dice of its patients, seeds averaged, paired by patient.

    Attributes:
        arm: the one judged.
        against: the other.
        paired: arm minus other, as fractions.
        holm_p: its p-value after Holm's correction over all comparisons of the arm.
    """

    arm: str
    against: str
    paired: PairedComparison
    holm_p: float

    def to_json(self) -> dict[str, object]:
        """Plain JSON values."""
        return asdict(self)


def summary_of(by_seed: BySeed) -> Summary:
    """Dice over patients, seeds averaged."""
    records = average_seeds({f"seed{seed}": records for seed, records in by_seed.items()})
    return summarize([score.mean for score in patient_scores(records, "dice").values()])


def seed_mean(records: Records) -> float:
    """Mean Dice over patients of one seed."""
    return statistics.fmean(score.mean for score in patient_scores(records, "dice").values())


def compare_with(records: Mapping[str, BySeed], *, arm: str) -> list[Comparison]:
    """Compare ``arm`` with every other one; nothing with fewer than two patients."""
    if arm not in records:
        return []
    means = {
        name: average_seeds({f"seed{seed}": of for seed, of in by_seed.items()})
        for name, by_seed in records.items()
    }
    found: dict[str, PairedComparison] = {}
    for other in means:
        if other == arm:
            continue
        runs = {other: means[other], arm: means[arm]}
        rows = compare_runs(runs, margin=MARGIN, metrics=("dice",)).rows
        paired = next(row.paired for row in rows if row.class_name is None)
        if paired is not None:
            found[other] = paired
    corrected = holm([paired.p_value for paired in found.values()]) if found else []
    return [
        Comparison(arm, other, paired, p)
        for (other, paired), p in zip(found.items(), corrected, strict=True)
    ]
