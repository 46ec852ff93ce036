"""The two places that a NIfTI header can state for its voxels, and how far they lie apart."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from iac_components.data.nifti_header import NiftiHeader
from iac_components.data.notices import Matter, Notice

__all__ = ["corner_distance", "notice_of_two_places"]

TOLERANCE = 0.1
"""mm, and voxels, up to which the two may differ by rounding (our choice)."""

_TWO_PLACES = Matter(
    "file(s) lie elsewhere by their qform than by their sform, which is used here",
    "Programs that use the qform show images and results in another place. Write both again from "
    "the one that is right.",
)


def corner_distance(
    first: NDArray[np.float64], other: NDArray[np.float64], shape: Sequence[int]
) -> float:
    """Return how far two affines place a volume's corners apart in mm; NaN if one is not finite."""
    if not (np.isfinite(first).all() and np.isfinite(other).all()):
        return float("nan")
    ends = [(0, max(size - 1, 1)) for size in (*shape, 1, 1)[:3]]
    corners = np.array([(*corner, 1) for corner in itertools.product(*ends)], dtype=np.float64)
    return float(np.linalg.norm(corners @ (first - other).T, axis=1).max())


def notice_of_two_places(path: str, header: NiftiHeader) -> Notice | None:
    """Return a notice of a file whose qform and sform are both set and differ.

    Args:
        path: the file.
        header: what it states.
    """
    qform, sform = header.qform, header.sform
    if qform is None or sform is None or not np.isfinite(sform).all():
        return None
    distance = corner_distance(sform, qform, header.shape)
    if np.isnan(distance):
        return Notice(_TWO_PLACES, path, "its qform is no rotation")
    voxel = float(np.linalg.norm(sform[:3, :3], axis=0).min())
    # A voxel of no size is another check's fault.
    if distance <= TOLERANCE * min(voxel or 1.0, 1.0):
        return None
    return Notice(_TWO_PLACES, path, f"up to {distance:.3g} mm")
