"""Scores of patients, averaged from scores of cases."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from iac_components.evaluation.records import (
    FALSE_POSITIVES,
    METRICS,
    CaseRecord,
    require_unique,
)

__all__ = ["PatientScore", "finite_mean", "mean_dice", "patient_scores"]


@dataclass(frozen=True)
class PatientScore:
    """One metric of one patient.

    Attributes:
        cases: names of the patient's cases, sorted.
        classes: for each class, the mean over those cases that show it; NaN if none does.
        mean: the mean over those classes that have one; NaN if none has.
    """

    cases: tuple[str, ...]
    classes: Mapping[str, float]
    mean: float


def finite_mean(values: Iterable[float]) -> float:
    """Return the mean of the values that are not NaN, or NaN if there is none."""
    kept = [value for value in values if not math.isnan(value)]
    return math.fsum(kept) / len(kept) if kept else math.nan


def patient_scores(records: Sequence[CaseRecord], metric: str) -> dict[str, PatientScore]:
    """Average each patient's cases, per class and then over classes.

    The mean over classes is taken over the patient's class means, not over single cases, so that
    a class weighs the same whether it shows in one of the patient's cases or in all.

    Args:
        records: all records of a run.
        metric: ``dice``, ``hd95`` or ``false_positive_ml``.

    Returns:
        The scores by patient, patients sorted, classes in order of label.

    Raises:
        ValueError: if the metric is unknown or a case and class occurs twice.
    """
    known = (*METRICS, FALSE_POSITIVES)
    if metric not in known:
        raise ValueError(f"metric '{metric}' is unknown: choose from {', '.join(known)}.")
    require_unique(records)
    names = class_names_of(records)
    values: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    cases: dict[str, set[str]] = defaultdict(set)
    for record in records:
        values[record.patient][record.class_name].append(getattr(record, metric))
        cases[record.patient].add(record.case)
    scores: dict[str, PatientScore] = {}
    for patient in sorted(values):
        classes = {name: finite_mean(values[patient][name]) for name in names}
        mean = finite_mean(classes.values())
        scores[patient] = PatientScore(tuple(sorted(cases[patient])), classes, mean)
    return scores


def mean_dice(records: Sequence[CaseRecord]) -> float:
    """Return the mean of the patients' Dice, by which runs are reported and checkpoints chosen.

    Returns:
        The mean over patients; NaN if none shows any class.

    Raises:
        ValueError: if there is no record.
    """
    if not records:
        raise ValueError("no case was evaluated: check the evaluator's datalist.")
    return finite_mean(score.mean for score in patient_scores(records, "dice").values())


def class_names_of(records: Iterable[CaseRecord]) -> tuple[str, ...]:
    """Return the classes in order of label.

    Raises:
        ValueError: if a label has two names or a name two labels.
    """
    pairs = sorted({(record.label, record.class_name) for record in records})
    labels, names = {label for label, _ in pairs}, {name for _, name in pairs}
    if not len(pairs) == len(labels) == len(names):
        raise ValueError(f"labels and class names do not match one to one: {pairs}.")
    return tuple(name for _, name in pairs)
