from __future__ import annotations

import json
import math

import pytest

from iac_components.evaluation import (
    CaseRecord,
    RunComparison,
    compare_runs,
    holm,
    render_markdown,
)

NAN = math.nan


def run(shift: float, *, patients: int = 8, excluded: tuple[str, ...] = ()) -> list[CaseRecord]:
    """Two classes, two cases; the second class is better by 0.1 and not shifted."""
    records = []
    for index in range(patients):
        for case, offset in (("ed", 0.02), ("es", -0.02)):
            base = 0.7 + 0.01 * index + offset
            gone = f"p{index}" in excluded
            first = (base + shift * (1 + 0.01 * index), 5 - 10 * shift)
            records += [
                CaseRecord(f"p{index}", case, 1, "LV", *((NAN, NAN) if gone else first)),
                CaseRecord(f"p{index}", case, 2, "RV", base + 0.1, 4.0),
            ]
    return records


def compare(**runs: list[CaseRecord]) -> RunComparison:
    return compare_runs(runs, num_resamples=200)


def test_rows_cover_metrics_runs_classes_and_their_mean() -> None:
    result = compare(base=run(0.0), better=run(0.05), worse=run(-0.05))
    assert (result.reference, result.runs, result.n_patients) == ("base", ("better", "worse"), 8)
    assert [(row.metric, row.run, row.class_name) for row in result.rows] == [
        (metric, name, class_name)
        for metric in ("dice", "hd95")
        for name in ("better", "worse")
        for class_name in ("LV", "RV", None)
    ]
    first, same, mean = result.rows[:3]
    assert first.n_patients == 8
    assert first.reference_mean == pytest.approx(0.735)
    assert first.run_mean - first.reference_mean == pytest.approx(0.05 * 1.035)
    assert first.paired is not None
    assert first.paired.mean_difference == pytest.approx(0.05 * 1.035)
    assert first.paired.p_value == pytest.approx(2 / 2**8)
    assert same.paired is not None
    assert (same.paired.p_value, same.paired.non_inferior) == (1.0, True)
    assert mean.paired is not None
    assert mean.paired.mean_difference == pytest.approx(0.05 * 1.035 / 2)


def test_holm_covers_all_tests_of_all_rows() -> None:
    result = compare(base=run(0.0), better=run(0.05), worse=run(-0.05))
    raw = [row.paired.p_value for row in result.rows if row.paired]
    assert len(raw) == 12
    assert [row.holm_p for row in result.rows] == pytest.approx(holm(raw))


@pytest.mark.parametrize(
    ("shift", "margin", "expected"),
    [(-0.004, 0.5, True), (-0.006, 0.5, False), (-0.006, 1.0, True), (0.01, 0.0, True)],
)
def test_margin_is_in_dice_points_and_only_for_dice(
    shift: float, margin: float, expected: bool
) -> None:
    result = compare_runs({"a": run(0.0), "b": run(shift)}, margin=margin, num_resamples=200)
    verdicts = {
        (row.metric, row.class_name): row.paired.non_inferior for row in result.rows if row.paired
    }
    assert verdicts["dice", "LV"] is expected
    assert verdicts["hd95", "LV"] is None


def test_excluded_patients_leave_their_row_only() -> None:
    result = compare_runs(
        {"a": run(0.0, excluded=("p0",)), "b": run(0.05)}, metrics=["dice"], num_resamples=200
    )
    assert [row.n_patients for row in result.rows] == [7, 8, 8]


@pytest.mark.parametrize(("patients", "mean"), [(2, "71.00"), (1, "-")])
def test_too_few_pairs_are_not_tested(patients: int, mean: str) -> None:
    excluded = run(0.0, patients=patients, excluded=("p0",))
    result = compare(a=excluded, b=run(0.0, patients=patients))
    row = result.rows[0]
    assert (row.paired, row.holm_p, row.n_patients) == (None, None, patients - 1)
    assert f"| b | LV | {patients - 1} | {mean} | {mean} | - | - | - | - |" in render_markdown(
        result
    )
    text = json.dumps(result.to_json(), allow_nan=False)
    assert json.loads(text)["rows"][0]["paired"] is None


def test_markdown_tells_dice_in_points_and_hd95_in_mm() -> None:
    text = render_markdown(compare_runs({"a|x": run(0.0), "b": run(-0.04)}, num_resamples=200))
    dice, hd95 = text.split("### HD95 (mm)")
    assert "Reference: a|x." in dice
    row = next(line for line in dice.splitlines() if line.startswith("| b | LV |"))
    assert row.startswith("| b | LV | 8 | 73.50 | 69.36 | -4.14 [-4.")
    assert row.endswith("| 0.008 | 0.047 | no |")
    assert "| b | **mean** | 8 | 78.50 |" in dice
    # A constant difference: an interval of no width; and no verdict for HD95.
    assert "| b | LV | 8 | 5.00 | 5.40 | +0.40 [+0.40, +0.40] | 0.008 | 0.047 |\n" in hd95
    assert "non-inferior at 0.5" in dice
    assert "non-inferior" not in hd95
    for table in (dice, hd95):
        widths = {line.replace("\\|", "").count("|") for line in table.splitlines() if "|" in line}
        assert len(widths - {0}) <= 2


@pytest.mark.parametrize(
    ("runs", "options", "message"),
    [
        ({"a": run(0.0)}, {}, "at least two runs, got 1: a"),
        ({}, {}, "at least two runs"),
        ({"a": run(0.0), "b": run(0.0, patients=7)}, {}, "only in 'a': p7"),
        ({"a": run(0.0), "b": run(0.0)[:-2]}, {}, "same cases .*p7/es"),
        ({"a": run(0.0), "b": run(0.0)}, {"margin": -1.0}, "margin -1.0"),
        ({"a": run(0.0), "b": run(0.0)}, {"margin": NAN}, "margin nan"),
        ({"a": run(0.0), "b": run(0.0)}, {"metrics": ["iou"]}, "metric 'iou' is unknown"),
    ],
)
def test_bad_comparisons_are_named(
    runs: dict[str, list[CaseRecord]], options: dict[str, object], message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        compare_runs(runs, **options)
