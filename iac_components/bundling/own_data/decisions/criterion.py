"""Criterion of a cell search, by the patients that there are to judge by."""

from __future__ import annotations

from iac_components.bundling.own_data.decisions.rule import OURS, Choice
from iac_components.bundling.own_data.reading.facts import DatasetFacts
from iac_components.data import make_folds, select_patients
from iac_components.data.splits.folds import stated_folds
from iac_components.search import DEFAULT_CRITERION, LEAST_PATIENTS

__all__ = ["choose_criterion"]

FALLBACK = "stability"
"""Judges the architecture's distributions, and needs no patients."""


def choose_criterion(facts: DatasetFacts, num_folds: int) -> Choice:
    """Take the default, or the criterion that needs no patients where an audit has too few.

    Args:
        facts: of the data set.
        num_folds: as decided.
    """
    patients = _judging_patients(facts, num_folds)
    reason = f"{patients} patients in the architecture half of the smallest fold"
    enough = patients >= LEAST_PATIENTS
    if not enough:
        reason += f", and an audit needs {LEAST_PATIENTS}"
    return Choice(
        "criterion",
        {"search": DEFAULT_CRITERION if enough else FALLBACK},
        reason,
        OURS,
        by_stage=True,
    )


def _judging_patients(facts: DatasetFacts, num_folds: int) -> int:
    layout = facts.layout
    folds = stated_folds(facts.cases, layout=layout) or make_folds(
        [case.patient for case in facts.cases], layout=layout, num_folds=num_folds
    )
    return min(
        len(select_patients(folds, fold=fold, part="architecture"))
        for fold in range(len(folds.folds))
    )
