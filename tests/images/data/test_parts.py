from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.data import (
    Case,
    Folds,
    make_folds,
    register_part,
    registered_parts,
    select_cases,
    select_patients,
)


def draw_folds(count: int, *, num_folds: int = 5, seed: int = 0) -> Folds:
    return make_folds([f"p{n}" for n in range(count)], layout="x", num_folds=num_folds, seed=seed)


@given(count=st.integers(6, 60), num_folds=st.integers(2, 6), seed=st.integers(0, 999))
def test_parts_partition_the_patients(count: int, num_folds: int, seed: int) -> None:
    folds = draw_folds(count, num_folds=num_folds, seed=seed)
    for fold in range(num_folds):
        parts = {p: set(select_patients(folds, fold=fold, part=p)) for p in registered_parts()}
        assert parts["test"] == set(folds.folds[fold])
        assert parts["test"] | parts["validation"] | parts["train"] == set(folds.patients)
        assert len(parts["test"]) + len(parts["validation"]) + len(parts["train"]) == count
        assert parts["weights"] | parts["architecture"] == parts["train"]
        assert not parts["weights"] & parts["architecture"]
        assert 0 <= len(parts["weights"]) - len(parts["architecture"]) <= 1
        assert parts["validation"]


def test_validation_is_an_eighth_of_the_others() -> None:
    folds = draw_folds(100)
    assert len(select_patients(folds, fold=0, part="validation")) == 10
    assert len(select_patients(draw_folds(5), fold=0, part="validation")) == 1


@pytest.mark.parametrize("part", ["validation", "weights"])
def test_parts_of_equal_folds_are_drawn_by_the_seed(part: str) -> None:
    folds = draw_folds(40)
    fixed = [replace(folds, seed=seed, validation_fraction=0.01) for seed in range(6)]
    drawn = {select_patients(each, fold=0, part=part) for each in fixed}
    assert len(drawn) > 3


def test_halves_are_drawn_afresh_for_each_seed() -> None:
    folds = draw_folds(40)
    halves = {}
    for seed in range(200):
        each = replace(folds, seed=seed, validation_fraction=0.01)
        validation = select_patients(each, fold=0, part="validation")
        halves.setdefault(validation, set()).add(select_patients(each, fold=0, part="weights"))
    # Seeds that hold out the same patient still halve the others differently.
    assert max(len(found) for found in halves.values()) > 2


def test_all_cases_of_a_patient_come_along() -> None:
    folds = draw_folds(10)
    cases = [Case(f"p{n}", f"p{n}_{s}", Path("i"), None) for n in range(10) for s in "abc"]
    selected = select_cases(cases, folds, fold=1, part="test")
    assert len(selected) == 6
    assert {case.patient for case in selected} == set(folds.folds[1])
    assert selected == [case for case in cases if case in selected]


@pytest.mark.parametrize(
    ("fold", "part", "message"),
    [
        (0, "training", "'training' is unknown. Known parts: test, validation, train"),
        (5, "train", "fold is 5, but folds run from 0 to 4"),
        (-1, "train", "fold is -1"),
    ],
)
def test_unknown_part_or_fold(fold: int, part: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        select_patients(draw_folds(10), fold=fold, part=part)


def test_an_empty_part_gives_the_numbers() -> None:
    cases = [Case(f"p{n}", f"p{n}", Path("i"), None) for n in range(2)]
    with pytest.raises(
        ValueError, match=r"part 'train' of fold 0 has no case: 2 cases.*2 patients"
    ):
        select_cases(cases, draw_folds(2, num_folds=2), fold=0, part="train")


def test_a_part_is_registered_once() -> None:
    with pytest.raises(ValueError, match="'train' is registered already"):
        register_part("train")(lambda folds, fold: ())


def test_all_folds_train_on_everything_and_test_nothing() -> None:
    folds = make_folds([f"p{number}" for number in range(9)], layout="acdc", num_folds=3)
    parts = {
        part: set(select_patients(folds, fold="all", part=part)) for part in registered_parts()
    }
    assert parts["train"] == set(folds.patients)
    assert parts["test"] == set()
    assert parts["validation"] < parts["train"]
    assert parts["weights"] | parts["architecture"] == parts["train"]
    assert not parts["weights"] & parts["architecture"]
    cases = [Case(name, name, Path(name), Path(name)) for name in folds.patients]
    with pytest.raises(ValueError, match="trains on every patient"):
        select_cases(cases, folds, fold="all", part="test")
    with pytest.raises(ValueError, match="'al': it must be a fold's number or 'all'"):
        select_patients(folds, fold="al", part="train")


def test_three_patients_are_enough_for_a_search() -> None:
    folds = make_folds("abc", layout="acdc", num_folds=3)
    for fold in range(3):
        parts = {
            part: select_patients(folds, fold=fold, part=part)
            for part in ("weights", "architecture", "test", "validation", "train")
        }
        assert parts["architecture"] == parts["validation"]
        assert len({*parts["weights"], *parts["architecture"], *parts["test"]}) == 3
