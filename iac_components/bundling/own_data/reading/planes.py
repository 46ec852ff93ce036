"""Choice of the plane and the voxel size of slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iac_components.bundling.own_data.reading.geometry import Geometry

__all__ = ["PLANES", "Plane", "choose_plane", "median_spacing", "other_planes"]

COARSER = 1.5
"""Times the third axis' spacing from which on another axis is sliced along (our choice); below, a
volume counts as isotropic and is sliced as people look at it, axially."""


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

    Neighbouring pixels of a slice then lie as close as the data allow. Images of one slice are that
    slice, however thick it is.
    """
    flat = np.median(geometry.size, axis=0) == 1
    median = np.median(geometry.spacing, axis=0)
    coarsest = int(np.argmax(median))
    axis = coarsest if median[coarsest] >= COARSER * median[2] else 2
    if flat.sum() == 1:
        axis = int(np.argmax(flat))
    return next(plane for plane in PLANES.values() if plane.axis == axis)


def other_planes(geometry: Geometry, plane: Plane) -> int:
    """Count the volumes that are much coarser along another axis than across these slices."""
    across = geometry.spacing[:, plane.axis]
    volumes = geometry.size[:, plane.axis] > 1
    return int(((geometry.spacing.max(axis=1) >= COARSER * across) & volumes).sum())


def median_spacing(geometry: Geometry, plane: Plane) -> tuple[float, float]:
    """Median voxel size within a slice in mm, to four digits (nnU-Net's target spacing)."""
    first, second = np.median(geometry.spacing[:, plane.in_plane], axis=0)
    return float(f"{first:.4g}"), float(f"{second:.4g}")
