"""A choice is adopted if it raises the Dice of a class over patients, and lowers that of none."""

from __future__ import annotations

import math

import pytest
import torch

from iac_components.evaluation.postprocessing.counts import ComponentCounts
from iac_components.evaluation.postprocessing.decision import decide
from iac_components.evaluation.postprocessing.kept import KeptComponents

CLASSES = ("liver", "tumour")


def case(predicted: str, expected: str, patient: str = "p", name: str = "c", classes=CLASSES):
    """A case of voxels in a row, written as digits."""
    maps = (torch.tensor([[int(digit) for digit in text]]) for text in (predicted, expected))
    return ComponentCounts.of(patient, name, *maps, class_names=classes)


@pytest.mark.parametrize(
    ("predicted", "expected", "kept"),
    [
        # Nothing to take away.
        ("011220", "011220", KeptComponents()),
        # A stray voxel of the liver, apart from all.
        ("0112201", "0112200", KeptComponents(foreground=True)),
        # One inside the foreground's component, which the foreground's filter leaves.
        ("1112210", "1112200", KeptComponents(classes=("liver",))),
        # Tumours are several: theirs are all true.
        ("2111201", "2111200", KeptComponents(foreground=True)),
        # Both: a stray voxel apart, and one within.
        ("11122100001", "11122000000", KeptComponents(True, ("liver",))),
        # True parts apart: neither filter.
        ("0110110", "0110110", KeptComponents()),
    ],
)
def test_what_raises_the_dice_is_adopted(predicted, expected, kept):
    decision = decide([case(predicted, expected)], CLASSES)
    assert decision.kept == kept
    assert all(decision.dice[name] >= decision.without[name] for name in ("liver",))
    assert (decision.dice == decision.without) == (kept == KeptComponents())


def test_no_class_may_lose_what_another_gains():
    """The foreground's filter takes a false liver voxel, and a true tumour apart."""
    decision = decide([case("111122001002", "111122000002")], CLASSES)
    assert decision.kept == KeptComponents(classes=("liver",))
    assert [trial.adopted for trial in decision.trials] == [False, True, False]


def test_patients_count_alike_however_many_cases_they_have():
    stray = [case("1101", "1100", "a", f"c{number}") for number in range(3)]
    # One patient loses as much as the other gains, three times over, were cases counted.
    lost = case("1101", "1101", "b")
    decision = decide([*stray, lost], CLASSES)
    assert decision.num_patients == 2
    assert decision.without["liver"] == pytest.approx((0.8 + 1) / 2)
    assert decision.trials[0].dice["liver"] == pytest.approx((1 + 0.8) / 2)


def test_a_class_without_a_score_neither_rises_nor_falls():
    decision = decide([case("1101", "1100")], CLASSES)
    assert math.isnan(decision.without["tumour"])
    assert decision.kept == KeptComponents(foreground=True)


def test_regions_decide_where_they_are_scored():
    """A stray voxel of a part is true for the whole, and the whole may not lose."""
    classes, regions = ("edema", "core"), {"whole": [1, 2], "core": [2]}
    found = case("1112002", "1112001", classes=classes)
    assert decide([found], classes).kept == KeptComponents(foreground=True)
    assert decide([found], classes, regions).kept == KeptComponents()


def test_without_a_patient_nothing_is_decided():
    with pytest.raises(ValueError, match="no validation patient"):
        decide([], CLASSES)
