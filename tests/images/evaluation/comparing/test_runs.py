from __future__ import annotations

import math
from pathlib import Path

import pytest

from iac_components.evaluation import CaseRecord, average_seeds, load_run, write_metrics

NAN = math.nan


def record(patient: str, dice: float, case: str = "c", label: int = 1) -> CaseRecord:
    return CaseRecord(patient, case, label, f"class{label}", dice, dice * 10)


def write(folder: Path, *records: CaseRecord) -> str:
    write_metrics(folder, records, class_names=["class1"], info={})
    return str(folder)


def test_seeds_are_averaged_case_by_case() -> None:
    averaged = average_seeds(
        {"s0": [record("a", 0.2), record("b", NAN)], "s1": [record("b", 0.8), record("a", 0.4)]}
    )
    assert [(r.patient, r.dice, r.hd95) for r in averaged] == [
        ("a", pytest.approx(0.3), pytest.approx(3.0)),
        ("b", 0.8, 8.0),
    ]


def test_false_positives_of_seeds_are_averaged() -> None:
    healthy = [CaseRecord("a", "c", 1, "class1", 0.0, 9.0, volume) for volume in (1.0, 2.0)]
    (averaged,) = average_seeds({"s0": healthy[:1], "s1": healthy[1:]})
    assert averaged.false_positive_ml == 1.5


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ([record("a", 0.1)], r"same patients \(only in 's0': b\)"),
        ([record("a", 0.1), record("c", 0.1)], r"only in 's0': b; only in 's1': c"),
        ([record("a", 0.1), record("b", 0.1, "d")], "same cases .*b/c; .*b/d"),
        ([record("a", 0.1), record("b", 0.1, label=2)], "same classes .*b/c/class1=1"),
        ([record(f"{i:02d}", 0.1) for i in range(13)], "08, 09 and 3 more"),
    ],
)
def test_seeds_of_other_patients_are_named(other: list[CaseRecord], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        average_seeds({"s0": [record("a", 0.2), record("b", 0.3)], "s1": other})


def test_no_seed_is_refused() -> None:
    with pytest.raises(ValueError, match="no run"):
        average_seeds({})


def test_arguments(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = write(tmp_path / "one", record("a", 0.2)), write(tmp_path / "two", record("a", 0.6))
    odd = write(tmp_path / "lr=0.1", record("a", 0.9))
    assert load_run(one) == ("one", [record("a", 0.2)])
    assert load_run(f"{one}/metrics.csv")[0] == "one"
    assert load_run(odd) == ("lr=0.1", [record("a", 0.9)])
    name, records = load_run(f"mine={one},{two}")
    assert (name, records[0].dice) == ("mine", pytest.approx(0.4))
    monkeypatch.chdir(one)
    assert load_run(".")[0] == "one"


@pytest.mark.parametrize("argument", ["=a", "name=", "name=a,", "name=,a"])
def test_malformed_arguments_are_named(argument: str) -> None:
    with pytest.raises(ValueError, match="NAME=DIR1"):
        load_run(argument)


def test_a_seed_does_not_count_twice(tmp_path: Path) -> None:
    one = write(tmp_path / "one", record("a", 0.2))
    with pytest.raises(ValueError, match="twice"):
        load_run(f"x={one},{one}")
