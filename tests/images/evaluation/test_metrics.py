from __future__ import annotations

import itertools
import math
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.metrics import compute_hausdorff_distance
from scipy import ndimage

from iac_components.evaluation import ClassMetrics, case_metrics


def brute_force_hd95(first: np.ndarray, second: np.ndarray, spacing: list[float]) -> float:
    """All distances between border voxels, one by one; the face of the volume is a border."""

    def border(mask: np.ndarray) -> np.ndarray:
        return np.argwhere(mask & ~ndimage.binary_erosion(mask)) * np.asarray(spacing)

    a, b = border(first), border(second)
    distances = np.array([[math.dist(p, q) for q in b] for p in a])
    return max(np.percentile(distances.min(axis=axis), 95) for axis in (0, 1))


def label_map(seed: int, shape: tuple[int, ...], num_classes: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    values = torch.randint(0, num_classes + 4, shape, generator=generator)
    return torch.where(values < num_classes, values, 0)


def only(metrics: list[ClassMetrics]) -> ClassMetrics:
    assert len(metrics) == 1
    return metrics[0]


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize(
    ("shape", "spacing"),
    [((9, 7), [0.7, 3.0]), ((6, 5, 4), [1.4, 0.9, 8.0]), ((8, 7, 1), [1.0, 2.0, 5.0])],
)
def test_matches_brute_force_on_anisotropic_voxels(
    seed: int, shape: tuple[int, ...], spacing: list[float]
) -> None:
    prediction, label = label_map(seed, shape), label_map(seed + 100, shape)
    for metrics in case_metrics(prediction, label, num_classes=3, spacing=spacing):
        a, b = (prediction == metrics.label).numpy(), (label == metrics.label).numpy()
        assert metrics.dice == pytest.approx(2 * (a & b).sum() / (a.sum() + b.sum()))
        assert metrics.hd95 == pytest.approx(brute_force_hd95(a, b, spacing), rel=1e-5)


def test_spacing_belongs_to_its_own_axis() -> None:
    prediction, label = torch.zeros(8, 8), torch.zeros(8, 8)
    prediction[1, 1] = label[1, 4] = 1
    assert only(case_metrics(prediction, label, num_classes=2, spacing=[1, 5])).hd95 == 15.0
    assert only(case_metrics(prediction, label, num_classes=2, spacing=[5, 1])).hd95 == 3.0


def test_perfect_prediction_scores_one_and_zero() -> None:
    label = label_map(0, (6, 6, 6))
    assert case_metrics(label, label.float(), num_classes=3, spacing=[1, 1, 1]) == [
        ClassMetrics(1, 1.0, 0.0),
        ClassMetrics(2, 1.0, 0.0),
    ]


@pytest.mark.parametrize("other_class", [False, True])
@pytest.mark.parametrize(
    ("in_prediction", "in_label", "expected"),
    [(False, False, None), (True, False, (0.0, 50.0)), (False, True, (0.0, 50.0))],
)
def test_policy_for_absent_classes(
    in_prediction: bool,
    in_label: bool,
    expected: tuple[float, float] | None,
    other_class: bool,
) -> None:
    prediction, label = torch.zeros(10, 8, dtype=torch.long), torch.zeros(10, 8, dtype=torch.long)
    if other_class:
        prediction[2, 2] = label[2, 3] = 2
    prediction[5, 5], label[5, 5] = int(in_prediction), int(in_label)
    # 10 x 3 mm by 8 x 5 mm: a diagonal of 50 mm, of the volume and not of the cropped part.
    metrics = case_metrics(prediction, label, num_classes=3, spacing=[3.0, 5.0])[0]
    if expected is None:
        assert math.isnan(metrics.dice)
        assert math.isnan(metrics.hd95)
    else:
        assert (metrics.dice, metrics.hd95) == expected


def test_monai_s_own_warning_is_not_passed_on():
    """It is of an argument that MONAI passes to itself."""
    label = torch.zeros(6, 6, dtype=torch.uint8)
    label[2:4, 2:4] = 1
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        (found,) = case_metrics(label, label, num_classes=2, spacing=(1.0, 1.0))
    assert (found.dice, found.hd95) == (1.0, 0.0)


@settings(max_examples=40)
@given(
    seed=st.integers(0, 10_000),
    shape=st.lists(st.integers(1, 6), min_size=2, max_size=3),
    before=st.integers(0, 3),
    after=st.integers(0, 3),
)
def test_background_around_the_foreground_changes_nothing(
    seed: int, shape: list[int], before: int, after: int
) -> None:
    prediction, label = label_map(seed, tuple(shape)), label_map(seed + 1, tuple(shape))
    spacing = [1.5, 0.5, 4.0][: len(shape)]
    padding = [before, after] * len(shape)
    padded = [torch.nn.functional.pad(values, padding) for values in (prediction, label)]
    plain = case_metrics(prediction, label, num_classes=3, spacing=spacing)
    for metrics, other in zip(
        plain, case_metrics(*padded, num_classes=3, spacing=spacing), strict=True
    ):
        a, b = prediction == metrics.label, label == metrics.label
        if a.any() and b.any():
            assert metrics == other
            # And the crop gives what MONAI gives for the volume as a whole.
            whole = compute_hausdorff_distance(
                a[None, None], b[None, None], True, percentile=95, spacing=spacing
            )
            assert metrics.hd95 == whole.item()


@pytest.mark.parametrize("axes", list(itertools.permutations(range(3))))
def test_permuting_the_axes_with_their_spacing_changes_nothing(axes: tuple[int, ...]) -> None:
    prediction, label, spacing = label_map(1, (5, 6, 4)), label_map(2, (5, 6, 4)), [1.0, 2.5, 7.0]
    turned = case_metrics(
        prediction.permute(axes),
        label.permute(axes),
        num_classes=3,
        spacing=[spacing[axis] for axis in axes],
    )
    for a, b in zip(
        turned, case_metrics(prediction, label, num_classes=3, spacing=spacing), strict=True
    ):
        assert (a.label, a.dice) == (b.label, b.dice)
        assert a.hd95 == pytest.approx(b.hd95, rel=1e-6)


REGIONS = [(1, 2, 3), (1, 3), (3,)]


@pytest.mark.parametrize("seed", range(3))
def test_a_region_scores_as_one_class_would(seed: int) -> None:
    prediction, label = (label_map(s, (7, 6, 5), num_classes=4) for s in (seed, seed + 50))
    spacing = [1.0, 2.0, 5.0]
    scores = case_metrics(prediction, label, num_classes=4, spacing=spacing, regions=REGIONS)
    assert [score.label for score in scores] == [1, 2, 3]
    for score, values in zip(scores, REGIONS, strict=True):
        a, b = (torch.isin(v, torch.tensor(values)).long() for v in (prediction, label))
        alone = only(case_metrics(a, b, num_classes=2, spacing=spacing))
        assert (score.dice, score.hd95) == (alone.dice, alone.hd95)


def test_single_classes_as_regions_change_nothing() -> None:
    prediction, label = label_map(0, (7, 6, 5)), label_map(9, (7, 6, 5))
    plain = case_metrics(prediction, label, num_classes=3, spacing=[1, 1, 2])
    assert plain == case_metrics(
        prediction, label, num_classes=3, spacing=[1, 1, 2], regions=[[1], [2]]
    )


def test_confusion_within_a_region_costs_nothing_and_absence_follows_the_policy() -> None:
    prediction, label = torch.zeros(10, 8), torch.zeros(10, 8)
    prediction[2:5, 2:5], label[2:5, 2:5] = 1, 2
    whole, core, enhancing, edema = case_metrics(
        prediction, label, num_classes=4, spacing=[3.0, 5.0], regions=[*REGIONS, (2,)]
    )
    assert (whole.dice, whole.hd95) == (1, 0)
    # A diagonal of 50 mm for a region that only one of both shows.
    assert (core.dice, core.hd95) == (0, 50)
    assert (edema.dice, edema.hd95) == (0, 50)
    assert math.isnan(enhancing.dice)
    assert math.isnan(enhancing.hd95)


@pytest.mark.parametrize("dtype", [torch.uint8, torch.bool, torch.float16, torch.int64])
def test_any_type_that_holds_integers_is_a_label_map(dtype: torch.dtype) -> None:
    label = label_map(3, (6, 6), num_classes=2)
    assert case_metrics(label.to(dtype), label, num_classes=2, spacing=[1, 1]) == [
        ClassMetrics(1, 1.0, 0.0)
    ]


LABEL = torch.ones(4, 4, dtype=torch.long)


@pytest.mark.parametrize(
    ("prediction", "label", "num_classes", "spacing", "message"),
    [
        (torch.ones(4, 5), LABEL, 2, [1, 1], r"shape \(4, 5\) but label has \(4, 4\)"),
        (LABEL * 0.5, LABEL, 2, [1, 1], "prediction holds values that are not integers"),
        (LABEL, LABEL * float("nan"), 2, [1, 1], "label holds values that are not integers"),
        (LABEL * 1j, LABEL, 2, [1, 1], "not integers"),
        (LABEL * 2, LABEL, 2, [1, 1], "prediction holds values from 2 to 2, outside 0 to 1"),
        (LABEL, -LABEL, 2, [1, 1], "label holds values from -1 to -1"),
        (LABEL, LABEL * float("inf"), 2, [1, 1], "label holds values from inf to inf"),
        (LABEL, LABEL, 1, [1, 1], "num_classes is 1"),
        (LABEL, LABEL, 2, [1, 1, 1], "must be 2 positive finite numbers"),
        (LABEL, LABEL, 2, [1, 0], "must be 2 positive finite numbers"),
        (LABEL, LABEL, 2, [1, -1], "must be 2 positive finite numbers"),
        (LABEL, LABEL, 2, [1, math.nan], "must be 2 positive finite numbers"),
        (LABEL, LABEL, 2, [1, math.inf], "must be 2 positive finite numbers"),
        (torch.ones(4), torch.ones(4), 2, [1], "2-D or 3-D"),
        (torch.ones(0, 4), torch.ones(0, 4), 2, [1, 1], "not empty"),
    ],
)
def test_bad_input_is_named(
    prediction: torch.Tensor,
    label: torch.Tensor,
    num_classes: int,
    spacing: list[float],
    message: str,
) -> None:
    with pytest.raises(ValueError, match=message):
        case_metrics(prediction, label, num_classes=num_classes, spacing=spacing)


def test_false_positives_are_a_volume_in_millilitres() -> None:
    label, prediction = torch.zeros(5, 5, 5), torch.zeros(5, 5, 5)
    label[0, 0, 0] = 1
    prediction[1:3, 0, 0] = 1
    prediction[0, :4, 1] = 2
    seen, absent, nowhere = case_metrics(
        prediction, label, num_classes=4, spacing=[0.5, 2.0, 10.0], distances=False
    )
    assert math.isnan(seen.false_positive_ml)
    # Four voxels of 10 cubic millimetres, whose Dice and distance follow the policy.
    assert absent.false_positive_ml == pytest.approx(0.04)
    assert (absent.dice, nowhere.false_positive_ml) == (0, 0)
    assert math.isnan(nowhere.dice)


def test_without_distances_dice_is_the_same() -> None:
    prediction, label = label_map(0, (6, 5, 4)), label_map(1, (6, 5, 4))
    prediction[prediction == 1] = 0
    both = case_metrics(prediction, label, num_classes=4, spacing=[1, 1, 1])
    quick = case_metrics(prediction, label, num_classes=4, spacing=[1, 1, 1], distances=False)
    assert repr([m.dice for m in quick]) == repr([m.dice for m in both])
    assert all(math.isnan(m.hd95) for m in quick)
