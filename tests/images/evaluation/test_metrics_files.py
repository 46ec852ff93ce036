from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from iac_components.evaluation import EMPTY_CLASS_POLICY, CaseRecord, read_metrics, write_metrics

NAN = math.nan
CLASSES = ("LV", "RV")
RECORDS = [
    CaseRecord("p2", "ed", 1, "LV", 0.6, 3.0),
    CaseRecord("p2", "ed", 2, "RV", NAN, NAN),
    CaseRecord("p1", "es", 1, "LV", 0.7, 2.0),
    CaseRecord("p1", "es", 2, "RV", 0.5, 1.0),
    CaseRecord("p1", "ed", 1, "LV", 0.9, 1.0),
    CaseRecord("p1", "ed", 2, "RV", 0.5, 1.0),
]


def report(folder: Path) -> dict:
    # A constant that JSON does not know (NaN, Infinity) fails here.
    return json.loads((folder / "metrics.json").read_text(), parse_constant=pytest.fail)


def test_files_hold_cases_patients_and_summary(tmp_path: Path) -> None:
    write_metrics(tmp_path / "new", RECORDS, class_names=CLASSES, info={"fold": 0})
    content = report(tmp_path / "new")
    assert content["schema_version"] == 1
    assert content["info"] == {"fold": 0}
    assert content["empty_class_policy"] == EMPTY_CLASS_POLICY
    first, second = content["patients"]
    assert (first["patient"], first["cases"]) == ("p1", ["ed", "es"])
    assert first["dice"] == {"mean": pytest.approx(0.65), "classes": {"LV": 0.8, "RV": 0.5}}
    assert second["hd95"] == {"mean": 3.0, "classes": {"LV": 3.0, "RV": None}}
    summary = content["summary"]["dice"]
    assert summary["mean"]["mean"] == pytest.approx((0.65 + 0.6) / 2)
    left = summary["classes"]["LV"]
    assert (left["mean"], left["median"]) == (pytest.approx(0.7), pytest.approx(0.7))
    assert left["sd"] == pytest.approx(0.1414, abs=1e-4)
    assert 0.6 <= left["interval_95"][0] <= left["interval_95"][1] <= 0.8
    assert (left["n_patients"], left["n_excluded"]) == (2, 0)
    right = summary["classes"]["RV"]
    assert (right["mean"], right["sd"], right["interval_95"]) == (0.5, None, None)
    assert (right["n_patients"], right["n_excluded"]) == (1, 1)


def test_csv_is_read_back_in_order_and_the_order_of_records_does_not_matter(
    tmp_path: Path,
) -> None:
    write_metrics(tmp_path / "a", RECORDS, class_names=CLASSES, info={})
    write_metrics(tmp_path / "b", RECORDS[::-1], class_names=CLASSES, info={})
    for name in ("metrics.csv", "metrics.json"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert [record.key for record in read_metrics(tmp_path / "a")] == sorted(
        record.key for record in RECORDS
    )


@pytest.mark.parametrize(
    ("records", "class_names", "info", "error", "message"),
    [
        ([], CLASSES, {}, ValueError, "no case was evaluated"),
        (RECORDS, ("RV", "LV"), {}, ValueError, "label 1 is named 'LV'"),
        (RECORDS, ("LV",), {}, ValueError, "label 2 is named 'RV'"),
        (RECORDS * 2, CLASSES, {}, ValueError, "occurs twice"),
        (RECORDS, CLASSES, {"score": NAN}, ValueError, "JSON"),
        (RECORDS, CLASSES, {"path": Path()}, TypeError, "JSON"),
    ],
)
def test_refused_reports_leave_the_old_ones_alone(
    tmp_path: Path,
    records: list[CaseRecord],
    class_names: tuple[str, ...],
    info: dict[str, object],
    error: type[Exception],
    message: str,
) -> None:
    write_metrics(tmp_path, RECORDS, class_names=CLASSES, info={"run": "old"})
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}
    with pytest.raises(error, match=message):
        write_metrics(tmp_path, records, class_names=class_names, info=info)
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    assert sorted(before) == ["metrics.csv", "metrics.json"]


def test_healthy_cases_and_their_false_positives_are_summed_up(tmp_path: Path) -> None:
    records = [
        CaseRecord("ill", "c", 1, "LV", 0.8, 1.0),
        CaseRecord("ill", "c", 2, "RV", 0.0, 9.0, 0.5),
        CaseRecord("healthy", "a", 1, "LV", 0.0, 9.0, 3.0),
        CaseRecord("healthy", "a", 2, "RV", NAN, NAN, 0.0),
        CaseRecord("healthy", "b", 1, "LV", NAN, NAN, 0.0),
        CaseRecord("healthy", "b", 2, "RV", NAN, NAN, 0.0),
    ]
    write_metrics(tmp_path, records, class_names=CLASSES, info={})
    content = report(tmp_path)
    assert content["units"]["false_positive_ml"] == "ml"
    assert content["summary"]["healthy_cases"] == {"n_cases": 2, "n_with_false_positives": 1}
    volumes = content["summary"]["false_positive_ml"]["classes"]
    # The healthy patient's two cases are averaged; the ill one shows the class.
    assert (volumes["LV"]["mean"], volumes["LV"]["n_excluded"]) == (1.5, 1)
    assert (volumes["RV"]["mean"], volumes["RV"]["n_patients"]) == (0.25, 2)
    ill = next(entry for entry in content["patients"] if entry["patient"] == "ill")
    assert ill["false_positive_ml"]["classes"] == {"LV": None, "RV": 0.5}
