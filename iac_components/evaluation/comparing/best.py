"""The best of several configurations by their scores of the same patients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from iac_components.evaluation.comparing.compare import ComparisonRow, RunComparison
from iac_components.evaluation.comparing.runs import require_same_cases
from iac_components.evaluation.patients import finite_mean, patient_scores
from iac_components.evaluation.records import CaseRecord

__all__ = ["best_first", "describe_best"]

LEVEL = 0.05
"""Below this corrected p-value a run counts as worse than the best."""


def best_first(runs: Mapping[str, Sequence[CaseRecord]]) -> dict[str, Sequence[CaseRecord]]:
    """Order runs by their mean Dice over patients, the best first; equal ones keep their order.

    Args:
        runs: records by name of the run.

    Raises:
        ValueError: if the runs did not score the same patients, cases and classes.
    """
    require_same_cases(runs)
    dice = {
        name: finite_mean(score.mean for score in patient_scores(records, "dice").values())
        for name, records in runs.items()
    }
    return {name: runs[name] for name in sorted(runs, key=lambda name: -dice[name])}


def describe_best(comparison: RunComparison) -> str:
    """Say in a sentence or two which run is best, and which cannot be told from it.

    The best is chosen by the scores that the others are then tested on, so that its lead is
    flattered where they are many and patients few.

    Args:
        comparison: whose reference is the best run.
    """
    means = [row for row in comparison.rows if row.metric == "dice" and row.class_name is None]
    best = f"Best mean Dice of {comparison.n_patients} patients: {comparison.reference}"
    sentences = [f"{best}, {100 * means[0].reference_mean:.2f}."]
    equal = [row for row in means if row.holm_p is None or row.holm_p >= LEVEL]
    if equal:
        named = ", ".join(f"{row.run} ({_difference(row)})" for row in equal)
        sentences.append(
            f"Not told from it (p >= {LEVEL:g} after Holm): {named}; take the cheaper."
        )
    return " ".join(sentences)


def _difference(row: ComparisonRow) -> str:
    if row.paired is None:
        return "not tested"
    mean, lower, upper = (
        100 * value for value in (row.paired.mean_difference, row.paired.lower, row.paired.upper)
    )
    return f"{mean:+.2f} [{lower:+.2f}, {upper:+.2f}]"
