"""Paired comparison of runs with a reference run, patient by patient."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from iac_components.evaluation.comparing.runs import require_same_cases
from iac_components.evaluation.metrics_files import json_number
from iac_components.evaluation.patients import (
    PatientScore,
    class_names_of,
    finite_mean,
    patient_scores,
)
from iac_components.evaluation.records import METRICS, CaseRecord
from iac_components.evaluation.statistics import PairedComparison, holm, paired_comparison

__all__ = ["ComparisonRow", "RunComparison", "compare_runs"]


@dataclass(frozen=True)
class ComparisonRow:
    """One run against the reference in one metric and class.

    Attributes:
        run: name of the run.
        metric: ``dice`` (fraction) or ``hd95`` (mm).
        class_name: name of the class; None for the mean over classes.
        n_patients: patients that have this score in both runs, over whom all of this is.
        reference_mean: the reference's mean over these patients.
        run_mean: the run's mean over these patients.
        paired: the test, run minus reference; None with fewer than two patients.
        holm_p: its p-value after Holm's correction over all tests of the comparison.
    """

    run: str
    metric: str
    class_name: str | None
    n_patients: int
    reference_mean: float
    run_mean: float
    paired: PairedComparison | None
    holm_p: float | None


@dataclass(frozen=True)
class RunComparison:
    """All rows of a comparison.

    Attributes:
        reference: name of the run the others are compared with.
        runs: names of the others.
        margin: non-inferiority margin in Dice points (0.01 Dice).
        n_patients: patients of each run.
        rows: by metric, run, and class, the mean over classes last.
    """

    reference: str
    runs: tuple[str, ...]
    margin: float
    n_patients: int
    rows: tuple[ComparisonRow, ...]

    def to_json(self) -> dict[str, object]:
        """Return plain JSON values; a score without patients is null, Dice stays a fraction."""
        rows = [
            {
                **asdict(row),
                "reference_mean": json_number(row.reference_mean),
                "run_mean": json_number(row.run_mean),
            }
            for row in self.rows
        ]
        return {**asdict(self), "schema_version": 1, "runs": list(self.runs), "rows": rows}


def compare_runs(
    runs: Mapping[str, Sequence[CaseRecord]],
    *,
    margin: float = 0.5,
    metrics: Sequence[str] = METRICS,
    num_resamples: int = 10_000,
    seed: int = 0,
) -> RunComparison:
    """Compare every run with the first one, per class and over classes.

    A patient's cases are averaged first. A patient without a score in either run (the class is
    excluded) is left out of that row, whose ``n_patients`` says so. Holm's correction covers all
    tests of all rows; intervals and non-inferiority are not corrected.

    Args:
        runs: records by name of the run; the first run is the reference.
        margin: non-inferiority margin of Dice in points, so 0.5 is 0.005.
        metrics: which metrics to compare.
        num_resamples: number of bootstrap samples of each interval.
        seed: seed of the bootstrap.

    Raises:
        ValueError: if there are fewer than two runs, the runs did not score the same patients,
            cases and classes (the message names them), or an option is invalid.
    """
    if len(runs) < 2:
        raise ValueError(f"comparing needs at least two runs, got {len(runs)}: {', '.join(runs)}.")
    if not 0.0 <= margin < math.inf:
        raise ValueError(f"margin {margin} must be a finite number of Dice points, 0 or more.")
    require_same_cases(runs)
    reference, *others = runs
    names = (*class_names_of(runs[reference]), None)
    rows: list[ComparisonRow] = []
    for metric in metrics:
        scores = {name: patient_scores(records, metric) for name, records in runs.items()}
        limit = margin / 100 if metric == "dice" else None
        for other in others:
            for class_name in names:
                pairs = _pairs(scores[reference], scores[other], class_name)
                a, b = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
                test = (
                    paired_comparison(a, b, margin=limit, num_resamples=num_resamples, seed=seed)
                    if len(pairs) > 1
                    else None
                )
                means = finite_mean(a), finite_mean(b)
                rows.append(
                    ComparisonRow(other, metric, class_name, len(pairs), *means, test, None)
                )
    n_patients = len({record.patient for record in runs[reference]})
    return RunComparison(reference, tuple(others), margin, n_patients, _with_holm(rows))


def _pairs(
    first: Mapping[str, PatientScore], second: Mapping[str, PatientScore], class_name: str | None
) -> list[tuple[float, float]]:
    """Return both runs' scores of the patients who have one in both."""

    def value(score: PatientScore) -> float:
        return score.mean if class_name is None else score.classes[class_name]

    pairs = [(value(first[patient]), value(second[patient])) for patient in first]
    return [(a, b) for a, b in pairs if not (math.isnan(a) or math.isnan(b))]


def _with_holm(rows: Sequence[ComparisonRow]) -> tuple[ComparisonRow, ...]:
    corrected = iter(holm([row.paired.p_value for row in rows if row.paired]))
    return tuple(replace(row, holm_p=next(corrected)) if row.paired else row for row in rows)
