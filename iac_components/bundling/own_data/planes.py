"""Slicing plane of volumes, their voxel size in it, and the size of the slices."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast

import numpy as np

from iac_components.bundling.own_data.geometry import Geometry
from iac_components.bundling.rendering.facts import BackboneSource, Facts
from iac_components.networks import plan_nnunet

__all__ = [
    "PLANES",
    "Plane",
    "choose_plane",
    "in_plane_pixels",
    "median_spacing",
    "other_planes",
    "slice_sizes",
]

COARSER = 1.5
"""Times the third axis' spacing from which on another axis is sliced along (our choice); below, a
volume counts as isotropic and is sliced as people look at it, axially."""

LARGEST_PATCH = 320
SMALLEST_NNUNET = 16


@dataclass(frozen=True)
class Plane:
    """A direction of slicing.

    Attributes:
        name: of the slices.
        axis: the RAS axis across the slices.
        in_plane: the RAS axes of a slice.
        axcodes: orientation that brings the axes in that order, the one across last.
    """

    name: str
    axis: int
    in_plane: tuple[int, int]
    axcodes: str


PLANES = {
    plane.name: plane
    for plane in (
        Plane("axial", 2, (0, 1), "RAS"),
        Plane("coronal", 1, (0, 2), "RSA"),
        Plane("sagittal", 0, (1, 2), "ASR"),
    )
}


def choose_plane(geometry: Geometry) -> Plane:
    """Slice across the axis with the largest median spacing, axially where it is no clear one.

    Neighbouring pixels of a slice then lie as close as the data allow.
    """
    median = np.median(geometry.spacing, axis=0)
    coarsest = int(np.argmax(median))
    axis = coarsest if median[coarsest] >= COARSER * median[2] else 2
    return next(plane for plane in PLANES.values() if plane.axis == axis)


def other_planes(geometry: Geometry, plane: Plane) -> int:
    """Count the volumes that are much coarser along another axis than across the slices."""
    across = geometry.spacing[:, plane.axis]
    return int((geometry.spacing.max(axis=1) >= COARSER * across).sum())


def median_spacing(geometry: Geometry, plane: Plane) -> tuple[float, float]:
    """Median voxel size within a slice in mm, to four digits (nnU-Net's target spacing)."""
    first, second = np.median(geometry.spacing[:, plane.in_plane], axis=0)
    return float(f"{first:.4g}"), float(f"{second:.4g}")


def in_plane_pixels(
    geometry: Geometry, plane: Plane, *, spacing: Sequence[float]
) -> tuple[int, int]:
    """95th percentile of the slices' size in pixels at a voxel size.

    Not the largest one, since one whole-body scan among many would make all slices as large;
    what lies beyond is not seen in training, and segmented by further windows in prediction.
    """
    extent = geometry.size[:, plane.in_plane] * geometry.spacing[:, plane.in_plane]
    # Rounded before it is rounded up, so that 64.0000001 stays 64.
    first, second = np.percentile(extent / np.asarray(spacing), 95, axis=0).round(3)
    return math.ceil(first), math.ceil(second)


def slice_sizes(
    pixels: tuple[int, int], *, spacing: tuple[float, float], backbone: BackboneSource
) -> tuple[list[int], list[int]]:
    """Field of view and patch that a backbone can halve as often as it does.

    Args:
        pixels: size that slices should have.
        spacing: voxel size within a slice in mm, which nnU-Net's plan looks at.
        backbone: the network.

    Returns:
        Field of view (at least ``pixels``) and patch (the same, up to 320 pixels).
    """
    limited = [min(size, LARGEST_PATCH) for size in pixels]
    if "plan" in cast(Facts, backbone.config["definition"]):
        patch = _planned(limited, spacing)
        steps = list(plan_nnunet(patch, spacing=spacing).divisor)
    else:
        step = int(cast(int, backbone.words["size_divisor"]))
        # Twice, since the bottom of the network must be larger than one pixel.
        patch = [max(_up(size, step), 2 * step) for size in limited]
        steps = [step, step]
    view = [max(_up(n, step), p) for n, step, p in zip(pixels, steps, patch, strict=True)]
    return view, patch


def _planned(pixels: Sequence[int], spacing: tuple[float, float]) -> list[int]:
    """Return the smallest patch of at least these pixels that is a multiple of its strides."""
    sides = [_up(max(size, SMALLEST_NNUNET), 4) for size in pixels]
    sizes = itertools.product(*(range(side, 2 * side + 1, 4) for side in sides))
    return next(
        [first, second]
        for first, second in sorted(sizes, key=math.prod)
        if _can_be_planned((first, second), spacing)
    )


def _can_be_planned(patch: tuple[int, int], spacing: tuple[float, float]) -> bool:
    try:
        plan_nnunet(patch, spacing=spacing)
    except ValueError:
        return False
    return True


def _up(size: int, step: int) -> int:
    return -(-size // step) * step
