"""Dice from the counts of a case is that of the filtered label map, for every choice."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from iac_components.evaluation import case_metrics
from iac_components.evaluation.postprocessing.counts import ComponentCounts
from iac_components.evaluation.postprocessing.kept import KeptComponents

CLASSES = ("edema", "core", "enhancing")
VALUES = ((1,), (2,), (3,), (1, 2, 3), (2, 3))


def filtered(prediction: torch.Tensor, kept: KeptComponents) -> torch.Tensor:
    item = {"pred": prediction[None].clone()}
    for transform in kept.transforms(CLASSES):
        item = transform(item)
    return item["pred"][0]


@given(
    seed=st.integers(0, 10_000),
    foreground=st.booleans(),
    classes=st.lists(st.sampled_from(CLASSES), unique=True),
)
def test_every_choice_scores_as_the_filtered_map(seed, foreground, classes):
    generator = torch.Generator().manual_seed(seed)
    # Mostly background, so that there are several components.
    drawn = torch.randint(0, 12, (2, 4, 5, 3), generator=generator)
    prediction, label = torch.where(drawn > 3, 0, drawn)
    kept = KeptComponents(foreground, tuple(classes))
    counts = ComponentCounts.of("p", "c", prediction, label, class_names=CLASSES)
    expected = case_metrics(
        filtered(prediction, kept),
        label,
        num_classes=4,
        spacing=[1.0] * 3,
        regions=VALUES,
        distances=False,
    )
    for values, score in zip(VALUES, expected, strict=True):
        found = counts.dice(values, kept, CLASSES)
        assert found == pytest.approx(score.dice, abs=1e-6) or (
            math.isnan(found) and math.isnan(score.dice)
        )


def test_voxels_that_touch_by_a_corner_are_connected():
    prediction = torch.tensor([[1, 0, 0, 1], [0, 1, 0, 0]])
    kept = filtered(prediction, KeptComponents(classes=("edema",)))
    assert kept.tolist() == [[1, 0, 0, 0], [0, 1, 0, 0]]


def test_the_foreground_is_one_component_whatever_its_classes():
    longer = torch.tensor([[1, 2, 3, 0, 2, 2, 0, 3]])
    assert filtered(longer, KeptComponents(True)).tolist() == [[1, 2, 3, 0, 0, 0, 0, 0]]


def test_an_input_stays_as_it_is():
    prediction = torch.tensor([[1, 0, 1, 1]], dtype=torch.int32)
    ComponentCounts.of("p", "c", prediction, prediction.clone(), class_names=CLASSES)
    assert prediction.tolist() == [[1, 0, 1, 1]]


def test_a_class_that_is_unknown_is_named():
    with pytest.raises(ValueError, match="'liver': the classes are edema, core, enhancing"):
        KeptComponents(classes=("liver",)).transforms(CLASSES)


@pytest.mark.parametrize(
    ("prediction", "message"),
    [(torch.zeros(3, 3), "has shape"), (torch.full((2, 3), 4), "outside 0 to 3")],
)
def test_maps_that_do_not_fit_are_refused(prediction, message):
    label = torch.zeros(2, 3, dtype=torch.long)
    with pytest.raises(ValueError, match=message):
        ComponentCounts.of("p", "c", prediction, label, class_names=CLASSES)
