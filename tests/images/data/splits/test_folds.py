from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from iac_components.data import Folds, make_folds
from iac_components.data.splits.folds import seeded_order

FIXED = (
    ("patient001", "patient006", "patient009", "patient010"),
    ("patient003", "patient005", "patient008"),
    ("patient002", "patient004", "patient007"),
)
"""What was drawn when the format was fixed; a change would move patients between folds."""

names = st.lists(st.text(min_size=1, max_size=8), min_size=5, max_size=40, unique=True)


@given(patients=names, num_folds=st.integers(2, 5), seed=st.integers(0, 2**31))
def test_folds_partition_the_patients(patients: list[str], num_folds: int, seed: int) -> None:
    folds = make_folds(patients, layout="x", num_folds=num_folds, seed=seed)
    assert sorted(folds.patients) == sorted(patients)
    sizes = [len(fold) for fold in folds.folds]
    assert len(sizes) == num_folds
    assert max(sizes) - min(sizes) <= 1


@given(patients=names, data=st.data())
def test_folds_depend_on_neither_order_nor_repetition(
    patients: list[str], data: st.DataObject
) -> None:
    shuffled = data.draw(st.permutations(patients + patients[:3]))
    assert make_folds(shuffled, layout="x") == make_folds(patients, layout="x")


def test_the_draw_is_fixed_for_ever() -> None:
    patients = [f"patient{number:03d}" for number in range(1, 11)]
    assert make_folds(patients, layout="acdc", num_folds=3, seed=1).folds == FIXED


def test_another_seed_gives_other_folds() -> None:
    patients = [str(number) for number in range(20)]
    drawn = {make_folds(patients, layout="x", seed=seed).folds for seed in range(10)}
    assert len(drawn) == 10


def test_purposes_are_independent() -> None:
    patients = [str(number) for number in range(20)]
    orders = {tuple(seeded_order(patients, seed=0, purpose=p)) for p in "abcde"}
    assert len(orders) == 5


@pytest.mark.parametrize(("count", "num_folds"), [(4, 5), (0, 2), (1, 2), (5, 1), (5, 0)])
def test_too_few_patients_or_folds_give_the_numbers(count: int, num_folds: int) -> None:
    patients = [str(number) for number in range(count)]
    with pytest.raises(ValueError, match=f"num_folds is {num_folds} for {count} patient"):
        make_folds(patients, layout="x", num_folds=num_folds)


@pytest.mark.parametrize(
    ("folds", "fraction", "message"),
    [
        ((("a",),), 0.1, "at least 2"),
        ((("a",), ()), 0.1, r"fold\(s\) 1 have no patient"),
        ((("a", "b"), ("b",)), 0.1, r"patient\(s\) b occur more than once"),
        ((("a", "a"), ("b",)), 0.1, r"patient\(s\) a occur more than once"),
        ((("a",), ("b",)), 0.0, "validation_fraction must be between 0 and 1"),
        ((("a",), ("b",)), float("nan"), "validation_fraction must be between 0 and 1"),
    ],
)
def test_inconsistent_folds_are_refused(
    folds: tuple[tuple[str, ...], ...], fraction: float, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        Folds(layout="x", seed=0, folds=folds, validation_fraction=fraction)
