"""Quality of the cells: Dice by patient."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence

from iac_components.evaluation import (
    CaseRecord,
    Summary,
    average_seeds,
    patient_scores,
    summarize,
)

__all__ = ["seed_mean", "summary_of"]

Records = Sequence[CaseRecord]
BySeed = Mapping[int, Records]


def summary_of(by_seed: BySeed) -> Summary:
    """Dice over patients, seeds averaged."""
    records = average_seeds({f"seed{seed}": records for seed, records in by_seed.items()})
    return summarize([score.mean for score in patient_scores(records, "dice").values()])


def seed_mean(records: Records) -> float:
    """Mean Dice over patients of one seed."""
    return statistics.fmean(score.mean for score in patient_scores(records, "dice").values())
