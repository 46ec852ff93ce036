from __future__ import annotations

import math

import pytest

from iac_components.evaluation import CaseRecord, finite_mean, patient_scores

NAN = math.nan


def record(patient: str, case: str, label: int, dice: float, hd95: float) -> CaseRecord:
    return CaseRecord(patient, case, label, {1: "LV", 2: "RV"}[label], dice, hd95)


def test_cases_are_averaged_first_and_then_classes() -> None:
    scores = patient_scores(
        [
            record("b", "es", 1, 0.4, 8.0),
            record("b", "ed", 1, 0.8, 2.0),
            record("b", "es", 2, NAN, NAN),
            record("b", "ed", 2, 1.0, 0.0),
            record("a", "ed", 1, 0.5, 4.0),
        ],
        "dice",
    )
    assert list(scores) == ["a", "b"]
    assert scores["b"].cases == ("ed", "es")
    assert scores["b"].classes == pytest.approx({"LV": 0.6, "RV": 1.0})
    # Over classes (0.6, 1.0), not over the three cases (0.73).
    assert scores["b"].mean == pytest.approx(0.8)


def test_one_excluded_class_never_raises_or_voids_a_mean() -> None:
    shown = patient_scores([record("a", "c", 1, 0.5, 4.0)], "hd95")["a"]
    both = patient_scores([record("a", "c", 1, 0.5, 4.0), record("a", "c", 2, NAN, NAN)], "hd95")
    assert both["a"].mean == shown.mean == 4.0
    assert math.isnan(both["a"].classes["RV"])
    nothing = patient_scores([record("a", "c", 2, NAN, NAN)], "dice")["a"]
    assert math.isnan(nothing.mean)


@pytest.mark.parametrize(
    ("records", "metric", "message"),
    [
        ([record("a", "c", 1, 0.5, 4.0)], "iou", "metric 'iou' is unknown"),
        ([record("a", "c", 1, 0.5, 4.0)] * 2, "dice", "occurs twice"),
        (
            [record("a", "c", 1, 0.5, 4.0), CaseRecord("a", "c", 2, "LV", 0.5, 4.0)],
            "dice",
            "one to one",
        ),
        (
            [record("a", "c", 1, 0.5, 4.0), CaseRecord("a", "d", 1, "RV", 0.5, 4.0)],
            "dice",
            "one to one",
        ),
    ],
)
def test_bad_records_are_refused(records: list[CaseRecord], metric: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        patient_scores(records, metric)


def test_finite_mean() -> None:
    assert finite_mean([1.0, NAN, 3.0]) == 2.0
    assert math.isnan(finite_mean([NAN]))
    assert math.isnan(finite_mean([]))
