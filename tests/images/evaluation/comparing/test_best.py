"""The best run, and which of the others are surely worse."""

from __future__ import annotations

import pytest

from iac_components.evaluation import CaseRecord, compare_runs
from iac_components.evaluation.comparing.best import best_first, describe_best


def run(shift: float, *, noise: float = 0.0) -> list[CaseRecord]:
    return [
        CaseRecord(f"p{i}", "c", 1, "LV", 0.6 + 0.01 * i + shift + noise * (-1) ** i, 3.0)
        for i in range(20)
    ]


RUNS = {"low": run(-0.1), "high": run(0.0), "level": run(-0.001, noise=0.02)}


def test_runs_are_ordered_by_mean_dice() -> None:
    assert list(best_first(RUNS)) == ["high", "level", "low"]
    assert list(best_first({"b": run(0.0), "a": run(0.0)})) == ["b", "a"]


def test_only_runs_that_are_surely_worse_are_left_out() -> None:
    text = describe_best(compare_runs(best_first(RUNS), num_resamples=200))
    assert text.startswith("Best mean Dice of 20 patients: high, 69.50. Not told from it")
    assert "level (-0.10 [" in text
    assert "low" not in text


def test_a_clear_winner_stands_alone() -> None:
    runs = best_first({"low": run(-0.1), "high": run(0.0)})
    text = describe_best(compare_runs(runs, num_resamples=200))
    assert text == "Best mean Dice of 20 patients: high, 69.50."


def test_runs_of_other_patients_have_no_best() -> None:
    with pytest.raises(ValueError, match="only in 'a': p19"):
        best_first({"a": run(0.0), "b": run(0.0)[:19]})
