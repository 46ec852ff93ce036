"""Patch and field of view, from the median slice and the memory that there is."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import cast

import numpy as np

from iac_components.bundling.own_data.reading.facts import DatasetFacts
from iac_components.bundling.rendering.facts import BackboneSource, Facts
from iac_components.networks import pad_for_nnunet, plan_nnunet

__all__ = [
    "CROPPED",
    "FEWEST_IN_A_BATCH",
    "divisor_of",
    "median_pixels",
    "view_of",
    "within_budget",
]

CROPPED = 3 / 4
"""Share of a volume that cropping to what is not zero must leave to go unnoticed (nnU-Net)."""

FEWEST_IN_A_BATCH = 2
"""Images that must fit into the memory at once (nnU-Net)."""

WIDEST_VIEW = 1.5
"""Times the patch up to which slices are kept for training, beyond what they show on average (our
choice): larger ones would be cut mostly from what surrounds the labels."""

SMALLEST_NNUNET = 16
SMALLEST_FINEST = 24
"""Pixels along the axis of the finest voxels that nnU-Net's plan can always halve twice."""

Size = tuple[int, int]


def median_pixels(facts: DatasetFacts) -> Size:
    """Median size of the slices in pixels at the target spacing, nnU-Net's start for a patch.

    Where volumes are mostly zeros (brains without skulls), of what is not zero.
    """
    axes = list(facts.plane.in_plane)
    extent = facts.geometry.size[:, axes] * facts.geometry.spacing[:, axes]
    median = np.median(extent / np.asarray(facts.spacing), axis=0)
    if facts.images.cropped_share < CROPPED:
        median = median * np.asarray(facts.images.cropped_size)[axes]
    first, second = median.round(3)
    return max(1, math.ceil(first)), max(1, math.ceil(second))


def within_budget(
    pixels: Sequence[int],
    backbone: BackboneSource,
    *,
    spacing: Sequence[float],
    bytes_of: Callable[[Sequence[int]], int],
    budget: float,
) -> list[int]:
    """Return the largest patch up to a size of which two images fit into the memory.

    As nnU-Net does, the axis that is largest in proportion to the median shape loses a step until
    it fits.

    Args:
        pixels: the median size of slices, or of volumes for a network that sees these.
        backbone: the network.
        spacing: voxel size in mm.
        bytes_of: measures the memory that an image of a size takes.
        budget: bytes.
    """
    patch = _rounded(pixels, backbone, spacing)
    while FEWEST_IN_A_BATCH * bytes_of(patch) > budget:
        steps = divisor_of(backbone, patch, spacing)
        share = [side / whole for side, whole in zip(patch, pixels, strict=True)]
        axis = int(np.argmax(share))
        if patch[axis] <= 2 * steps[axis]:
            break
        smaller = [side - steps[axis] * (place == axis) for place, side in enumerate(patch)]
        rounded = _rounded(smaller, backbone, spacing)
        # An axis alone may be halved more often, and be rounded up to more than it lost.
        if math.prod(rounded) >= math.prod(patch):
            break
        patch = rounded
    return patch


def view_of(
    facts: DatasetFacts, patch: Sequence[int], *, steps: Sequence[int]
) -> tuple[list[int], int]:
    """Return the window of a slice that training cuts patches from.

    It holds all labels of 95 % of the cases, at least a patch, at most half as much again.

    Args:
        facts: of the data set.
        patch: pixels.
        steps: what a side must be a multiple of.

    Returns:
        Its size, and in how many cases it does not reach all labels.
    """
    needed = facts.labels.needed[:, list(facts.plane.in_plane)] / np.asarray(facts.spacing)
    wanted = np.ceil(np.percentile(needed, 95, axis=0).round(3))
    view = [
        max(side, min(_up(int(want), step), _up(math.ceil(side * WIDEST_VIEW), step)))
        for side, want, step in zip(patch, wanted, steps, strict=True)
    ]
    beyond = int((needed.round(3) > np.asarray(view) + 1).any(axis=1).sum())
    return view, beyond


def divisor_of(
    backbone: BackboneSource, patch: Sequence[int], spacing: Sequence[float]
) -> list[int]:
    """Return what the sides of a patch must be a multiple of, for a backbone."""
    if _is_planned(backbone):
        return list(plan_nnunet(patch, spacing=spacing).divisor)
    return [int(cast(int, backbone.words["size_divisor"]))] * len(patch)


def _rounded(
    pixels: Sequence[int], backbone: BackboneSource, spacing: Sequence[float]
) -> list[int]:
    """Round a size up to what the backbone can halve."""
    if _is_planned(backbone):
        sides = [max(size, SMALLEST_NNUNET) for size in pixels]
        patch = pad_for_nnunet(sides, spacing=spacing)
        if _can_be_planned(patch, spacing):
            return patch
        finest = int(np.argmin(spacing))
        sides[finest] = max(sides[finest], SMALLEST_FINEST)
        return pad_for_nnunet(sides, spacing=spacing)
    step = int(cast(int, backbone.words["size_divisor"]))
    # Twice, since the bottom of the network must be larger than one pixel.
    return [max(_up(size, step), 2 * step) for size in pixels]


def _is_planned(backbone: BackboneSource) -> bool:
    return "plan" in cast(Facts, backbone.config["definition"])


def _can_be_planned(patch: Sequence[int], spacing: Sequence[float]) -> bool:
    try:
        plan_nnunet(patch, spacing=spacing)
    except ValueError:
        return False
    return True


def _up(size: int, step: int) -> int:
    return -(-size // step) * step
