"""Scores of one case, and the one policy for classes that a case does not contain."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from monai.metrics import compute_dice, compute_hausdorff_distance
from monai.transforms.utils import generate_spatial_bounding_box
from monai.utils import convert_to_tensor

__all__ = [
    "EMPTY_CLASS_POLICY",
    "ClassMetrics",
    "case_metrics",
    "crop_to_foreground",
    "require_label_map",
]

EMPTY_CLASS_POLICY = (
    "A class absent from both label and prediction of a case is excluded for that case: an empty "
    "cell in CSV, null in JSON, part of no mean. A class absent from exactly one of them scores "
    "Dice 0 and an HD95 equal to the physical diagonal of the volume in mm. Where the label does "
    "not show a class, false_positive_ml is the volume predicted, 0 if none was. The Dice that "
    "chooses a checkpoint (val_mean_dice) is this one."
)


@dataclass(frozen=True)
class ClassMetrics:
    """Scores of one class or region in one case.

    Attributes:
        label: value of the class in the label map, or number of the region, from 1.
        dice: Dice coefficient, 0 to 1; NaN if the class is excluded (``EMPTY_CLASS_POLICY``).
        hd95: symmetric 95th percentile Hausdorff distance in mm; NaN if excluded, or not asked for.
        false_positive_ml: predicted volume in ml if the label does not show the class, else NaN; a
            2-D case counts as 1 mm thick.
    """

    label: int
    dice: float
    hd95: float
    false_positive_ml: float = math.nan


def case_metrics(
    prediction: torch.Tensor,
    label: torch.Tensor,
    *,
    num_classes: int,
    spacing: Sequence[float],
    regions: Sequence[Sequence[int]] | None = None,
    distances: bool = True,
) -> list[ClassMetrics]:
    """Score a whole volume, class by class, with MONAI's Dice and Hausdorff distance.

    A region, the union of some classes, is scored like a class, and absent if they all are.

    HD95 is MONAI's: the larger of the two directed 95th percentiles of distances between border
    voxels, in mm. Absent classes follow ``EMPTY_CLASS_POLICY`` (our choice).

    Args:
        prediction: label map ``(*S)``, 2-D or 3-D, on any device; floating types are accepted as
            long as every value is an integer.
        label: reference label map ``(*S)``.
        num_classes: number of classes with the background, so that labels run to num_classes - 1.
        spacing: size of a voxel along each axis of ``S``, in mm.
        regions: label values of each region to score; with None each class is scored by its own.
        distances: whether to measure HD95.

    Returns:
        One entry for each region, in their order, or each foreground class, in order of label.

    Raises:
        ValueError: if shapes differ or are neither 2-D nor 3-D, a value is no integer or outside
            0 to num_classes - 1, or the spacing is not one positive finite number an axis.
    """
    if num_classes < 2:
        raise ValueError(
            f"num_classes is {num_classes}: count the background and at least one more."
        )
    if prediction.shape != label.shape:
        raise ValueError(
            f"prediction has shape {tuple(prediction.shape)} but label has {tuple(label.shape)}: "
            "bring the prediction back to the label's space first."
        )
    if label.ndim not in (2, 3) or label.numel() == 0:
        raise ValueError(f"label maps must be 2-D or 3-D and not empty, got {tuple(label.shape)}.")
    voxel = [float(size) for size in spacing]
    if len(voxel) != label.ndim or not all(math.isfinite(size) and size > 0 for size in voxel):
        raise ValueError(f"spacing {voxel} must be {label.ndim} positive finite numbers in mm.")
    predicted, expected = crop_to_foreground(
        require_label_map(prediction, "prediction", num_classes),
        require_label_map(label, "label", num_classes),
    )
    unions = [(value,) for value in range(1, num_classes)] if regions is None else regions
    scale = _Scale.of(label.shape, voxel)
    return [
        _class_metrics(
            index, _mask(predicted, values), _mask(expected, values), scale, distances=distances
        )
        for index, values in enumerate(unions, start=1)
    ]


@dataclass(frozen=True)
class _Scale:
    """Physical sizes: of a voxel along each axis (mm), the volume's diagonal (mm), a voxel (ml)."""

    spacing: list[float]
    diagonal: float
    millilitres: float

    @classmethod
    def of(cls, shape: Sequence[int], spacing: list[float]) -> _Scale:
        """Measure a volume of this shape."""
        sides = (count * size for count, size in zip(shape, spacing, strict=True))
        return cls(spacing, math.hypot(*sides), math.prod(spacing) / 1000)


def _mask(labels: torch.Tensor, values: Sequence[int]) -> torch.Tensor:
    """Return where ``labels`` holds one of the values."""
    return torch.isin(labels, torch.tensor(values, dtype=labels.dtype))


def _class_metrics(
    index: int, predicted: torch.Tensor, expected: torch.Tensor, scale: _Scale, *, distances: bool
) -> ClassMetrics:
    """Apply ``EMPTY_CLASS_POLICY``, the only place that does, or measure both metrics."""
    in_prediction, in_label = bool(predicted.any()), bool(expected.any())
    false_positive = math.nan if in_label else int(predicted.sum()) * scale.millilitres
    if not in_prediction and not in_label:
        return ClassMetrics(index, math.nan, math.nan, false_positive)
    if in_prediction != in_label:
        diagonal = scale.diagonal if distances else math.nan
        return ClassMetrics(index, 0.0, diagonal, false_positive)
    pair = predicted[None, None], expected[None, None]
    dice = float(compute_dice(*pair, include_background=True).item())
    if not distances:
        return ClassMetrics(index, dice, math.nan, false_positive)
    with warnings.catch_warnings():
        # MONAI passes its own deprecated argument.
        warnings.filterwarnings("ignore", "monai.metrics.utils get_mask_edges", FutureWarning)
        distance = compute_hausdorff_distance(
            *pair, include_background=True, percentile=95, spacing=scale.spacing
        )
    return ClassMetrics(index, dice, float(distance.item()), false_positive)


def require_label_map(values: torch.Tensor, name: str, num_classes: int) -> torch.Tensor:
    """Return ``values`` as a plain int32 tensor after checking that they are labels."""
    plain: torch.Tensor = convert_to_tensor(values.detach(), track_meta=False)
    if plain.is_complex() or (plain.is_floating_point() and not torch.equal(plain, plain.round())):
        raise ValueError(f"{name} holds values that are not integers: pass a label map (argmax).")
    lowest, highest = plain.min().item(), plain.max().item()
    if lowest < 0 or highest >= num_classes:
        raise ValueError(
            f"{name} holds values from {lowest:g} to {highest:g}, outside 0 to {num_classes - 1}: "
            "check num_classes (class_names) and the label transforms."
        )
    return plain.to(torch.int32)


def crop_to_foreground(
    first: torch.Tensor, second: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Crop both to their joint foreground and a margin of one voxel, and move them to the CPU.

    No score can change: only background is cut off, the margin keeps a background neighbour on
    every border voxel that has one, and at the volume's own faces, where there is no margin, MONAI
    counts foreground as border with or without a crop.
    """
    foreground = (first > 0) | (second > 0)
    start, end = generate_spatial_bounding_box(foreground[None], margin=1, allow_smaller=True)
    box = tuple(slice(low, high) for low, high in zip(start, end, strict=True))
    return first[box].cpu(), second[box].cpu()
