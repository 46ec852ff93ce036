"""Comparison of a run with its control, the plain network trained as long: do cells pay?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from iac_components.common.files import require_writable_directory, write_json
from iac_components.evaluation import CSV_NAME, CaseRecord, compare_runs, read_metrics
from iac_components.evaluation.comparing.compare import RunComparison
from iac_components.interface.running.control import CONTROL, control_stages, is_plain
from iac_components.interface.running.stages import Stage

__all__ = ["compare_with_control", "control_in_a_sentence", "scores_with_control"]

COMPARISON_NAME = "comparison.json"
LEVEL = 0.05
"""Below this p-value of the mean Dice one of the two counts as better: the only test that decides,
so that it is not corrected for the others."""


def scores_with_control(runs: Iterable[Sequence[Stage]]) -> dict[str, list[CaseRecord]]:
    """Read the scores of all test patients: ``plain`` of the control, ``cell`` of the run.

    Args:
        runs: stages of each fold. Where a fold's search kept no cell, its network is its control.

    Raises:
        OSError: if a fold has no scores, or none of its control.
    """
    found: dict[str, list[CaseRecord]] = {"plain": [], "cell": []}
    for stages in runs:
        own = next(stage.result for stage in stages if stage.name == "evaluate")
        control = own if is_plain(stages) else control_stages(stages)[-1].result
        found["plain"] += read_metrics(control.with_name(CSV_NAME))
        found["cell"] += read_metrics(own.with_name(CSV_NAME))
    return found


def compare_with_control(runs: Iterable[Sequence[Stage]], out: Path) -> RunComparison | None:
    """Compare all test patients of a run with its control, and write ``control/comparison.json``.

    Args:
        runs: stages of each fold.
        out: folder of the run.

    Returns:
        The comparison, whose reference is the plain network; None if no fold kept a cell.
    """
    listed = list(runs)
    if all(map(is_plain, listed)):
        return None
    comparison = compare_runs(scores_with_control(listed))
    folder = require_writable_directory(out / CONTROL)
    write_json(folder / COMPARISON_NAME, comparison.to_json())
    return comparison


def control_in_a_sentence(comparison: RunComparison) -> str:
    """Say whether cells pay, by the mean Dice of the test patients."""
    (row,) = (r for r in comparison.rows if r.metric == "dice" and r.class_name is None)
    start = (
        f"Against the plain network on {row.n_patients} test "
        f"patient{'s' * (row.n_patients != 1)}: mean Dice {row.run_mean:.3f} with the cell, "
        f"{row.reference_mean:.3f} without"
    )
    if row.paired is None:
        return f"{start}. Too few patients to tell them apart."
    mean, low, high = (
        100 * value for value in (row.paired.mean_difference, row.paired.lower, row.paired.upper)
    )
    if row.paired.p_value >= LEVEL:
        verdict = "No difference is shown: the plain network is the cheaper one"
    elif mean > 0:
        verdict = "The cell pays"
    else:
        verdict = "The plain network is better: do without the cell"
    interval = f"{mean:+.2f} points [{low:+.2f}, {high:+.2f}], p = {row.paired.p_value:.2g}"
    return f"{start}, {interval}. {verdict}."
